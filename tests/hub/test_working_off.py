"""The service works off, in its background, what is to be revoked. SECURITY 15."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from core.sign_in import account_of, sign_in
from hub.storage.databases import ALICE, BOB
from jupyter_auth.server.hub import revocations
from patience import PATIENCE, until
from providers import troubles
from providers.rogue import RogueProvider

if TYPE_CHECKING:
    from collections.abc import Callable

    from clock import Clock
    from hub.replica_fixtures import NewReplica
    from jupyter_auth.core.engine import Engine
    from jupyter_auth.server.hub.brokers import HubBrokers


@pytest.mark.usefixtures("leaver")
def test_one_that_hangs_delays_neither_another_provider_nor_who_asks_it_for_tokens(
    new_replica: NewReplica, rogue: RogueProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocations, "BEAT", 0.05)
    with RogueProvider(clock=rogue.clock) as good:
        replica = new_replica(idp=rogue, other=good)
        for key in "abcdefgh":
            sign_in(replica.engine(ALICE), rogue, key=key)
        sign_in(replica.engine(ALICE), good, "other")
        sign_in(replica.engine(BOB), rogue)
        gate = rogue.script("revoke", troubles.Gate())
        replica.revocations.remove_records(ALICE)

        async def serve() -> None:
            replica.start()
            try:
                await asyncio.to_thread(until, lambda: len(good.revoked) == 2)
                await asyncio.to_thread(gate.arrived.wait, PATIENCE)
                rejected = account_of(replica.engine(BOB)).access_token.digest
                asked = {"provider": "idp", "rejected": rejected}
                fresh = await replica.of_owner(BOB).token(asked)
                assert fresh["access_token"]
                assert gate.waiting == 1, "one thread at most"
            finally:
                rogue.behave()
            await asyncio.to_thread(until, lambda: replica.revocations.count() == 0)
            await replica.drain()

        asyncio.run(serve())
    assert len(rogue.revoked) == 2 * 9


def test_many_at_one_that_is_away_leave_room_for_others(
    new_replica: NewReplica, rogue: RogueProvider, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each batch of theirs one is tried, and none of them is in the next."""
    monkeypatch.setattr(revocations, "BATCH", 2)
    with RogueProvider(clock=clock) as good:
        replica = new_replica(idp=rogue, other=good)
        for key in "abcdef":
            sign_in(replica.engine(ALICE), rogue, key=key)
        replica.revocations.remove_records(ALICE)
        clock.advance(1)
        sign_in(replica.engine(BOB), good, "other")
        replica.revocations.remove_records(BOB)
        rogue.script("revoke", troubles.status(503))

        async def look() -> tuple[int, int]:
            await replica.revocations._look(replica._pools)
            await asyncio.gather(*replica.revocations._at.values())
            return len(rogue.seen("revoke")), len(good.revoked)

        async def looks() -> list[tuple[int, int]]:
            return [await look() for _ in range(4)]

        assert asyncio.run(looks()) == [(1, 0), (2, 0), (3, 0), (3, 2)]


def test_an_unforeseen_error_ends_nothing_and_is_in_the_log(
    leaver: Engine,
    replica: HubBrokers,
    rogue: RogueProvider,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(revocations, "BEAT", 0.05)
    for key in "ab":
        sign_in(leaver, rogue, key=key)
    replica.revocations.remove_records(ALICE)
    failing = {"due", "attempt"}

    def once(name: str) -> Callable[..., Any]:
        real = getattr(replica.revocations, name)

        def call(*given: Any) -> Any:
            if name in failing:
                failing.remove(name)
                raise ZeroDivisionError
            return real(*given)

        return call

    for name in ("due", "attempt"):
        monkeypatch.setattr(replica.revocations, name, once(name))

    async def serve() -> None:
        replica.start()
        await asyncio.to_thread(until, lambda: replica.revocations.count() == 0)
        await replica.drain()

    asyncio.run(serve())
    assert len(rogue.revoked) == 2 * 3
    assert "Revocations wait: ZeroDivisionError" in caplog.text
    assert "Traceback" in caplog.text
