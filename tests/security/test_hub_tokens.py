"""What the Hub's service and a user's server do by themselves, whoever asks. SECURITY 11 and 20."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from tornado import web

from jupyter_auth.core.errors import BrokerUnavailable, Throttled
from jupyter_auth.core.secret import Secret
from jupyter_auth.server import hub_people
from jupyter_auth.server.hub_people import FAILURES, People, Remembered
from jupyter_auth.server.remote import RemoteBroker
from jupyter_auth.server.under_hub import UnderHub

if TYPE_CHECKING:
    from tornado.httpserver import HTTPServer


class Elsewhere(web.RequestHandler):
    """Writes down what comes with a Hub token."""

    def initialize(self, seen: list[str]) -> None:
        self._seen = seen

    def get(self) -> None:
        self._seen.append(self.request.headers.get("Authorization", ""))
        self.write({"accounts": []})


class Moved(web.RequestHandler):
    def initialize(self, to: str, status: int) -> None:
        self._to, self._status = to, status

    def get(self) -> None:
        self.redirect(self._to, status=self._status)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_server_takes_its_hub_token_nowhere_else(status: int) -> None:
    """Wherever the service sends it: to another path, or another host."""
    seen: list[str] = []

    async def ask() -> None:
        target = web.Application([(".*", Elsewhere, {"seen": seen})], log_function=lambda _: None)
        there = target.listen(0, "127.0.0.1")
        address = f"http://127.0.0.1:{port_of(there)}/accounts"
        place = {"to": address, "status": status}
        moved = web.Application([(".*", Moved, place)], log_function=lambda _: None)
        here = moved.listen(0, "127.0.0.1")
        hub = UnderHub(owner="ann", hub_prefix="/hub/")
        broker = RemoteBroker(f"http://127.0.0.1:{port_of(here)}", hub, Secret("hub-token"))
        try:
            with pytest.raises(BrokerUnavailable):
                await broker.accounts()
        finally:
            broker.close()
            for server in (here, there):
                server.stop()

    asyncio.run(ask())
    assert not seen


def port_of(server: HTTPServer) -> int:
    (port,) = [each.getsockname()[1] for each in server._sockets.values()]
    return int(port)


def test_few_look_ups_are_remembered() -> None:
    asked: list[str] = []

    async def ask() -> None:
        remembered: Remembered[str] = Remembered(most=2)

        async def look_up(key: str) -> str:
            asked.append(key)
            return key

        for key in ("a", "b", "b", "c", "c", "b", "a"):
            assert await remembered.get(key, lambda key=key: look_up(key)) == key

    asyncio.run(ask())
    assert asked == ["a", "b", "c", "a"]


class TheHub:
    """Knows each token that begins so."""

    async def user_for_token(self, token: str, **_: object) -> dict[str, str] | None:
        return {"name": token, "kind": "user"} if token.startswith("known") else None


def test_few_tokens_are_remembered_as_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered of each is let through where its address sends a flood."""
    monkeypatch.setattr(hub_people, "REMEMBERED", 2)

    async def ask() -> None:
        people = People(TheHub())
        for number in range(3):
            await people._model(f"known-{number}", "192.0.2.1")
        for number in range(FAILURES):
            with pytest.raises(BrokerUnavailable):
                await people._model(f"unknown-{number}", "192.0.2.1")
        with pytest.raises(Throttled):
            await people._model("known-0", "192.0.2.1")
        for number in (1, 2):
            assert await people._model(f"known-{number}", "192.0.2.1")

    asyncio.run(ask())
