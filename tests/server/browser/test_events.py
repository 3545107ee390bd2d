"""What front ends hear by Jupyter Server's events: hints, at once, and nothing in them. Issue 6."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
import websocket
from jupyter_events import EventLogger

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.server.broker import broker as broker_module
from jupyter_auth.server.broker.broker import USAGE_PAUSE, Broker
from jupyter_auth.server.browser.events import CHANGED, PAUSE, ChangeEvents
from memory_store import MemoryStore
from patience import PATIENCE
from server.jupyter_process import TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.oidc import OidcProvider
    from providers.rogue import RogueProvider
    from server.jupyter_process import Browser, JupyterProcess, Kernel


class Subscriber:
    """One front end's socket."""

    def __init__(self, jupyter: JupyterProcess) -> None:
        url = f"ws{jupyter.origin.removeprefix('http')}{jupyter.base_url}api/events/subscribe"
        self._socket = websocket.create_connection(
            url, header=[f"Authorization: token {TOKEN}"], timeout=PATIENCE
        )

    def hint(self, within: float = PATIENCE) -> dict[str, Any]:
        """The next of ours, in seconds."""
        self._socket.settimeout(within)
        while True:
            event = json.loads(self._socket.recv())
            if event["schema_id"] == CHANGED:
                return event

    def hints_within(self, seconds: float) -> int:
        """How many come until then."""
        count, end = 0, time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                self.hint(left)
            except websocket.WebSocketTimeoutException:
                break
            count += 1
        return count

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def subscriber(jupyter: JupyterProcess) -> Iterator[Subscriber]:
    """After what the test before left to tidy up."""
    subscriber = Subscriber(jupyter)
    subscriber.hints_within(0.2)
    yield subscriber
    subscriber.close()


def test_a_change_is_a_hint_at_once(subscriber: Subscriber, kernel: Kernel) -> None:
    took = []
    for number in range(5):
        began = time.monotonic()
        kernel.begin(session_key=str(number))
        subscriber.hint()
        took.append(time.monotonic() - began)
    assert min(took) < 1


def test_a_hint_holds_no_data(
    subscriber: Subscriber, kernel: Kernel, browser: Browser, oidc: OidcProvider
) -> None:
    login = kernel.begin()
    browser.arrive(oidc.login(browser.open(login)))
    said = subscriber.hint()
    assert {name for name in said if not name.startswith("__")} == {"schema_id"}
    assert login["id"] not in str(said)
    assert "idp" not in str(said)


@pytest.fixture
def broker(rogue: RogueProvider) -> Iterator[Broker]:
    """One in this process, whose time we hold."""
    idp = {"issuer": rogue.issuer, "client_id": rogue.client_id}
    engine = Engine(Providers({"idp": idp}), MemoryStore())
    yield Broker(engine, base_url="/")
    engine.close()


def hints_of(broker: Broker) -> asyncio.Queue[Any]:
    """The hints that it gives from now on."""
    events, heard = EventLogger(), asyncio.Queue[Any]()

    async def hear(**event: Any) -> None:
        heard.put_nowait(event["data"])

    ChangeEvents(events, broker).start()
    events.add_listener(schema_id=CHANGED, listener=hear)
    return heard


async def nothing_more(heard: asyncio.Queue[Any]) -> None:
    await asyncio.sleep(4 * PAUSE)
    assert heard.empty()


def test_what_happens_at_once_is_one_hint(broker: Broker) -> None:
    async def happen() -> None:
        heard = hints_of(broker)
        for number in range(10):
            broker._engine.begin(LoginRequest("idp", str(number)))
        await asyncio.wait_for(heard.get(), PATIENCE)
        await nothing_more(heard)
        broker.close()

    asyncio.run(happen())


def test_use_of_an_account_is_a_hint_too(subscriber: Subscriber, kernel: Kernel) -> None:
    kernel.call("POST", "usage", {"provider": "idp", "quota": {"remaining": 7}})
    subscriber.hint()
    assert USAGE_PAUSE <= 1


def test_but_one_in_a_second_for_all_of_it(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_module, "USAGE_PAUSE", 2 * PATIENCE)

    async def use() -> None:
        heard = hints_of(broker)
        for left in range(10):
            await broker.usage({"provider": "idp", "quota": {"remaining": left}})
        await nothing_more(heard)
        broker._tell_usage()  # as when the second is over
        await asyncio.wait_for(heard.get(), PATIENCE)
        await broker.usage({"provider": "idp", "quota": {"remaining": 9}})  # nothing new
        broker._tell_usage()
        await nothing_more(heard)
        broker.close()

    asyncio.run(use())


def test_who_may_not_listen_hears_nothing(jupyter: JupyterProcess) -> None:
    url = f"ws{jupyter.origin.removeprefix('http')}{jupyter.base_url}api/events/subscribe"
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        websocket.create_connection(url, timeout=PATIENCE)
