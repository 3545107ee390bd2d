"""What makes this server ask a provider is limited for each user, and no user waits for another."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Self

import pytest

from clock import Clock
from hub.hubs import KEYS
from jupyter_auth.core.common.request_errors import ProviderUnavailable, Throttled
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.login.device_code import DeviceGrant
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.server.broker import user_limits
from jupyter_auth.server.broker.thread_pools import PROVIDERS, QUEUE, SHARE, THREADS, Pools
from jupyter_auth.server.broker.user_limits import BY_PROGRAMS, UNLIMITED, TokenBucket, UserLimits
from jupyter_auth.server.config import Settings
from jupyter_auth.server.hub.brokers import HubBrokers
from jupyter_auth.server.hub.storage.database import Database, Owner
from jupyter_auth.server.hub.storage.encryption import Encryption
from patience import PATIENCE, until
from providers.troubles import Gate

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path
    from typing import Any

    from jupyter_auth.server.broker.broker import Broker
    from providers.rogue import RogueProvider

ASKED = {"provider": "idp"}


@pytest.fixture
def brokers(tmp_path: Path, rogue: RogueProvider) -> Iterator[HubBrokers]:
    """The Hub's service, with ``idp`` at ``rogue``."""
    idp = {"issuer": rogue.issuer, "client_id": rogue.client_id, "scopes": ["openid"]}
    database = Database(f"sqlite:///{tmp_path / 'accounts.sqlite'}")
    providers = Providers({"idp": idp}, allow_user_providers=False)
    brokers = HubBrokers(Settings(), providers, database, Encryption(KEYS), base_url="/services/")
    yield brokers
    rogue.behave()
    brokers.close()
    database.close()


def broker(brokers: HubBrokers, name: str) -> Broker:
    return brokers.of_owner(Owner(name, "2026-01-01T00:00:00Z"))


async def happens(condition: Any) -> None:
    await asyncio.to_thread(until, condition)


class Held:
    """A call that runs until ``release`` or the end of the test; ``running``: in which threads."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self._released = threading.Event()

    def token(self) -> None:  # named as what the most calls of a user are allowed for
        self.running.append(threading.current_thread().name)
        self._released.wait(PATIENCE)

    def release(self) -> None:
        self._released.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def quick() -> str:
    return threading.current_thread().name


async def ended(calls: list[asyncio.Task[Any]]) -> list[Any]:
    return await asyncio.gather(*calls, return_exceptions=True)


def begun(*calls: Coroutine[Any, Any, Any]) -> list[asyncio.Task[Any]]:
    return [asyncio.create_task(each) for each in calls]


# -- fair ----------------------------------------------------------------------------------------


def test_one_who_has_a_provider_hang_delays_nobody_else(
    brokers: HubBrokers, rogue: RogueProvider
) -> None:
    """Forty checks of Mallory's hang at the provider, and Alice signs in there meanwhile."""
    gate = rogue.script("jwks", Gate())

    async def scene() -> None:
        mallory = broker(brokers, "mallory")
        checks = begun(*(mallory.examine(ASKED) for _ in range(40)))
        await happens(lambda: gate.waiting >= SHARE)
        login = await asyncio.wait_for(broker(brokers, "alice").begin(ASKED), PATIENCE / 2)
        assert login["status"] == "pending"
        assert not any(check.done() for check in checks)
        gate.release()
        await ended(checks)

    asyncio.run(scene())


def test_nor_has_one_everybodys_queue() -> None:
    pools = Pools(share=SHARE)

    async def scene(held: Held) -> None:
        mallory = pools.of("mallory")
        calls = begun(*(mallory.run("idp", held.token) for _ in range(SHARE + QUEUE + 20)))
        await happens(lambda: len(held.running) == SHARE)
        refused = [each.exception() for each in calls if each.done()]
        assert len(refused) == 20
        assert {type(each) for each in refused} == {ProviderUnavailable}
        assert await pools.of("alice").run("idp", quick)
        held.release()
        await ended(calls)

    with Held() as held:
        asyncio.run(scene(held))
    assert pools.idle
    pools.close()


# -- caps ----------------------------------------------------------------------------------------


def test_a_provider_has_six_threads_whoever_asks() -> None:
    pools = Pools(share=SHARE)

    async def scene(held: Held) -> None:
        calls = begun(*(pools.of(f"user-{n}").run("idp", held.token) for n in range(20)))
        await happens(lambda: len(held.running) == THREADS)
        assert not await asyncio.to_thread(lambda: [each for each in calls if each.done()])
        assert len({*held.running}) == len(held.running) == 6
        held.release()
        await ended(calls)

    with Held() as held:
        asyncio.run(scene(held))
    pools.close()


def test_forty_eight_providers_have_threads_of_their_own() -> None:
    pools = Pools(share=SHARE)
    names = [f"p{n}" for n in range(PROVIDERS + 10)]

    async def scene(held: Held) -> None:
        calls = begun(*(pools.of(name).run(name, held.token) for name in names))
        await happens(lambda: len(held.running) == 48 + THREADS)
        assert len({thread.rpartition("_")[0] for thread in held.running}) == 48 + 1
        held.release()
        await ended(calls)

    with Held() as held:
        asyncio.run(scene(held))
    pools.close()


def test_those_that_nobody_asks_make_room() -> None:
    pools = Pools(share=SHARE)

    async def scene() -> None:
        for n in range(PROVIDERS + 10):
            assert f" p{n}_" in await pools.of("rosa").run(f"p{n}", quick)

    asyncio.run(scene())
    pools.close()


# -- limits --------------------------------------------------------------------------------------


def test_there_is_a_burst_and_then_one_at_a_time() -> None:
    clock = Clock()
    mine = UserLimits(clock)
    for _ in range(60):
        mine.spend("examine", "idp")
    with pytest.raises(Throttled, match="Too many calls for idp") as caught:
        mine.spend("examine", "idp")
    assert caught.value.retry_at == pytest.approx(clock() + 1)
    assert caught.value.hint == "Try again in 1 s."
    mine.spend("begin", "idp")
    clock.advance(1.0)
    mine.spend("examine", "idp")
    with pytest.raises(Throttled):
        mine.spend("examine", "idp")


def test_a_clock_that_is_set_back_keeps_nobody_out_for_long() -> None:
    clock = Clock()
    mine = UserLimits(clock)
    for _ in range(60):
        mine.spend("examine", "idp")
    clock.advance(-86_400)
    with pytest.raises(Throttled) as caught:
        mine.spend("examine", "idp")
    assert caught.value.retry_at == pytest.approx(clock() + 1)


def test_what_another_site_could_use_up_has_no_limit() -> None:
    mine = UserLimits(Clock())
    for _ in range(10_000):
        mine.spend("finish", "idp")


@pytest.mark.parametrize("route", ["examine", "begin", "logout", "token", "client_token"])
def test_whatever_asks_a_provider_is_limited_for_each_user(
    brokers: HubBrokers, rogue: RogueProvider, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    for name in ("PEOPLE", "PROGRAMS"):
        monkeypatch.setattr(user_limits, name, TokenBucket(3, 3600.0))

    async def scene() -> None:
        async def call(name: str) -> str:
            body = {"provider": "idp", "rejected": "x"}
            if route == "client_token":
                body["grant"] = "client_credentials"
            try:
                await getattr(broker(brokers, name), route.removeprefix("client_"))(body)
            except AuthError as error:
                return error.code
            return "ok"

        assert "throttled" not in [await call("mallory") for _ in range(3)]
        asked = len(rogue.requests)
        assert await call("mallory") == "throttled"
        assert len(rogue.requests) == asked
        assert await call("alice") != "throttled"

    asyncio.run(scene())


def test_each_route_that_has_a_rate_of_its_own_is_one_of_the_engines() -> None:
    """One that is renamed would have another rate without a word."""
    for name in BY_PROGRAMS | UNLIMITED:
        assert hasattr(Engine, name) or hasattr(DeviceGrant, name), name
