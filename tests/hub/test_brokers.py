"""Brokers of many users in one process: nobody waits for somebody else's provider."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, event

from hub.hubs import KEYS
from hub.replicas.cluster import complete_login
from jupyter_auth.core.errors import BrokerUnavailable
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.server.broker import long_poll
from jupyter_auth.server.broker.broker import MAX_WAIT
from jupyter_auth.server.config import Settings
from jupyter_auth.server.hub.brokers import HubBrokers
from jupyter_auth.server.hub.storage import poll
from jupyter_auth.server.hub.storage.database import Database, Owner
from jupyter_auth.server.hub.storage.encryption import Encryption
from jupyter_auth.server.hub.storage.poll import DatabasePoll
from jupyter_auth.server.hub.storage.tables import records
from patience import PATIENCE, until
from providers.troubles import Gate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from providers.rogue import RogueProvider

ASKED = {"provider": "idp"}


@pytest.fixture
def brokers(tmp_path: Path, rogue: RogueProvider) -> Iterator[HubBrokers]:
    idp = {"issuer": rogue.issuer, "client_id": rogue.client_id, "scopes": ["openid"]}
    database = Database(f"sqlite:///{tmp_path / 'accounts.sqlite'}")
    brokers = HubBrokers(
        Settings(shared_identities=("idp",)),  # which has one person
        Providers({"idp": idp}, allow_user_providers=False),
        database,
        Encryption(KEYS),
        base_url="/services/",
    )
    yield brokers
    rogue.behave()
    brokers.close()
    database.close()


def user(number: int) -> Owner:
    return Owner(f"user-{number}", "2026-01-01T00:00:00Z")


def test_a_provider_that_hangs_for_twelve_does_not_delay_the_thirteenth(
    brokers: HubBrokers, rogue: RogueProvider
) -> None:
    for number in range(13):
        rogue.access_token_ttl = 1 if number < 12 else 3600
        complete_login(brokers.engine(user(number)), "idp", rogue)
    gate = rogue.script("refresh", Gate())

    async def ask() -> float:
        hanging = []
        while not gate.waiting:  # the first of them has run out
            hanging = [
                asyncio.create_task(brokers.of_owner(user(n)).token(ASKED)) for n in range(12)
            ]
            await asyncio.sleep(0.3)
        took = []
        for _ in range(10):
            start = time.perf_counter()
            assert await brokers.of_owner(user(12)).token(ASKED)
            took.append(time.perf_counter() - start)
        rogue.behave()
        assert all(await asyncio.gather(*hanging))
        return min(took)

    assert asyncio.run(ask()) < 1  # of a minute that the provider is waited for


@pytest.fixture
def queries() -> Iterator[list[str]]:
    """What is asked of any database."""
    heard: list[str] = []

    def hear(*given: Any) -> None:
        heard.append(given[2])

    event.listen(Engine, "before_cursor_execute", hear)
    yield heard
    event.remove(Engine, "before_cursor_execute", hear)


def test_what_another_replica_changes_is_told_and_quiet_users_cost_one_query_for_all(
    brokers: HubBrokers,
    rogue: RogueProvider,
    queries: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(12):
        complete_login(brokers.engine(user(number)), "idp", rogue)
    brokers._database.change(records.delete().where(records.c.kind == "logins"))
    for beat in ((poll, "BEAT"), (long_poll, "POLL")):
        monkeypatch.setattr(*beat, 0.1)
    monkeypatch.setattr(poll, "PATIENCE", 2 * PATIENCE)
    looks = 5  # of the pulse, in a row, that are all that is asked

    def quiet() -> bool:
        queries.clear()
        until(lambda: len(queries) >= looks)
        return all("GROUP BY" in query for query in queries)

    async def look() -> list[str]:
        waits = []
        for number in range(12):
            broker = brokers.of_owner(user(number))
            since = (await broker.changes({}, asyncio.Event()))["sequence"]
            waiting = broker.changes({"since": since, "wait": MAX_WAIT}, asyncio.Event())
            waits.append(asyncio.create_task(waiting))
        await asyncio.to_thread(until, quiet)  # each looks for itself, once or twice
        await asyncio.to_thread(brokers.engine(user(7)).logout, "idp", revoke=False)
        told = [change["kind"] for change in (await waits[7])["changes"]]
        for each in waits:
            each.cancel()
        return told

    assert asyncio.run(look()) == ["removed"]


def test_whoever_asks_more_slowly_than_the_pulse_beats_is_told_of_no_news_that_are_none(
    brokers: HubBrokers,
    rogue: RogueProvider,
    queries: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(poll, "BEAT", 0.01)
    monkeypatch.setattr(poll, "PATIENCE", 2 * PATIENCE)
    complete_login(brokers.engine(user(0)), "idp", rogue)
    brokers._database.change(records.delete().where(records.c.kind == "logins"))

    async def ask() -> list[bool]:
        pulse, seen, told = DatabasePoll(brokers._database, brokers._pools.of("")), [], []
        for _ in range(5):
            told.append(pulse.has_news(user(0).id, seen))
            queries.clear()
            await asyncio.to_thread(until, lambda: len(queries) > 2)
        pulse.close()
        return told

    assert asyncio.run(ask()) == [True, True, False, False, False]


def test_an_unforeseen_error_does_not_end_the_pulse(
    brokers: HubBrokers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(poll, "BEAT", 0.01)
    monkeypatch.setattr(poll, "PATIENCE", 2 * PATIENCE)
    looks: list[list[str]] = []

    def fail(owners: list[str]) -> None:
        looks.append(owners)
        raise ZeroDivisionError

    async def ask() -> None:
        pulse = DatabasePoll(brokers._database, brokers._pools.of(""))
        monkeypatch.setattr(pulse, "_look", fail)
        pulse.has_news(user(0).id, [])
        await asyncio.to_thread(until, lambda: len(looks) > 2)
        pulse.close()

    asyncio.run(ask())
    assert caplog.text.count("cannot be read: ZeroDivisionError") == 1


def test_few_brokers_are_kept_and_those_who_wait_are(
    brokers: HubBrokers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_auth.server.hub.brokers.MOST", 3)

    async def many() -> None:
        first = brokers.of_owner(user(0))
        since = (await first.changes({}, asyncio.Event()))["sequence"]
        waits = first.changes({"since": since, "wait": MAX_WAIT}, asyncio.Event())
        waiting = asyncio.create_task(waits)
        await asyncio.to_thread(until, lambda: first.busy)
        for number in range(1, 20):
            brokers.of_owner(user(number))
        assert len(brokers._brokers) <= 4
        assert brokers.of_owner(user(0)) is first
        await first.begin(ASKED)
        assert (await waiting)["changes"]

    asyncio.run(many())


def test_at_the_end_of_a_replica_those_who_wait_are_let_go_one_after_the_other(
    brokers: HubBrokers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All at once they would come to the next replica. Who comes meanwhile is sent away."""
    monkeypatch.setattr("jupyter_auth.server.hub.brokers.PACE", 3600.0)

    async def end() -> None:
        waiting = []
        for number in range(3):
            broker = brokers.of_owner(user(number))
            since = (await broker.changes({}, asyncio.Event()))["sequence"]
            query = {"since": str(since), "wait": str(MAX_WAIT)}
            waiting.append(asyncio.create_task(broker.changes(query, asyncio.Event())))
            while not broker.busy:  # noqa: ASYNC110 (nothing tells it)
                await asyncio.sleep(0.01)
        draining = asyncio.create_task(brokers.drain())
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
        assert [task.done() for task in waiting] == [True, False, False]
        with pytest.raises(BrokerUnavailable, match="stopping") as refused:
            await brokers.of_owner(user(0)).changes({}, asyncio.Event())
        assert refused.value.retry_after
        for task in (draining, *waiting):
            task.cancel()

    asyncio.run(end())
