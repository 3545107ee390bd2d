"""What the database would not take: it is saved before anybody spends what is spent already."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from hub.replicas.cluster import complete_login
from hub.storage.databases import ALICE, BOB, KEY
from jupyter_auth import ProviderUnavailable
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import StoreError
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.server.config import Settings
from jupyter_auth.server.http_errors import status_of
from jupyter_auth.server.hub.brokers import HubBrokers
from jupyter_auth.server.hub.metrics import UNSAVED
from jupyter_auth.server.hub.storage import database as database_module
from jupyter_auth.server.hub.storage import upkeep
from jupyter_auth.server.hub.storage.database import GRACE, LEASE, Database, Owner
from jupyter_auth.server.hub.storage.sql_store import SqlLoginStore, SqlStore
from jupyter_auth.server.hub.storage.tables import records
from jupyter_auth.server.hub.storage.tables import replicas as replicas_table
from patience import until
from providers.troubles import Gate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clock import Clock
    from jupyter_auth.server.hub.storage.encryption import Encryption
    from providers.rogue import RogueProvider
    from providers.troubles import Proceed, Reply

AWAY = "ALTER TABLE jupyter_auth_records RENAME TO elsewhere"
BACK = "ALTER TABLE elsewhere RENAME TO jupyter_auth_records"
# What is read is there, and nothing can be written: a full disk, or a standby.
LOCKED = (AWAY, "CREATE VIEW jupyter_auth_records AS SELECT DISTINCT * FROM elsewhere")
UNLOCKED = ("DROP VIEW jupyter_auth_records", BACK)

# There is room for a lease, and none for a token.
_TRIGGER = 'CREATE TRIGGER "full" BEFORE UPDATE OF data ON jupyter_auth_records'
_NO_ROOM = "LANGUAGE plpgsql AS $$ BEGIN RAISE 'no room'; END $$"
FULL = {
    "sqlite": (f"{_TRIGGER} BEGIN SELECT no_room(); END",),
    "postgresql": (
        f"CREATE FUNCTION no_room() RETURNS trigger {_NO_ROOM}",
        f"{_TRIGGER} FOR EACH ROW EXECUTE FUNCTION no_room()",
    ),
}
EMPTIED = {
    "sqlite": ('DROP TRIGGER "full"',),
    "postgresql": ("DROP FUNCTION no_room CASCADE",),
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stays away is not waited for."""
    for name in ("PATIENCE", "LONG_PATIENCE", "LEASE_TIMEOUT"):
        monkeypatch.setattr(database_module, name, 0.3)


def idp(rogue: RogueProvider) -> dict[str, Any]:
    return {
        "issuer": rogue.issuer,
        "client_id": rogue.client_id,
        "scopes": ["openid", "offline_access"],
    }


@pytest.fixture
def replicas(
    database: Database, url: str, cipher: Encryption, clock: Clock, rogue: RogueProvider
) -> Iterator[list[tuple[Database, Engine]]]:
    """Two of them; alice is signed in, and her token has run out."""
    made = []
    for own in (database, Database(url, clock)):
        providers = Providers({"idp": idp(rogue)}, allow_user_providers=False)
        store, login_store = SqlStore(own, cipher, ALICE), SqlLoginStore(own, cipher, ALICE)
        made.append((own, Engine(providers, store, clock=clock, login_store=login_store)))
    rogue.clock = clock
    complete_login(made[0][1], "idp", rogue)
    clock.advance(3600)
    yield made
    for _, engine in made:
        engine.close()
    made[1][0].close()


@contextmanager
def fails_meanwhile(
    database: Database,
    rogue: RogueProvider,
    fail: tuple[str, ...] = (AWAY,),
    mend: tuple[str, ...] = (BACK,),
) -> Iterator[None]:
    """From the moment on at which the provider rotates the refresh token."""

    def rotated(proceed: Proceed) -> Reply:
        reply = proceed()
        for each in fail:
            database.change(text(each))
        return reply

    rogue.script("refresh", rotated, times=1)
    yield
    for each in mend:
        database.change(text(each))


def test_nobody_spends_what_is_spent_before_it_is_saved(
    replicas: list[tuple[Database, Engine]], rogue: RogueProvider, clock: Clock
) -> None:
    (database, one), (_, other) = replicas
    with fails_meanwhile(database, rogue):
        token = one.token("idp")
        assert one.busy
        for engine in (one, other):
            with pytest.raises(StoreError) as caught:
                engine.accounts()
            assert status_of(caught.value) == 503
    with pytest.raises(ProviderUnavailable, match="Try again"):
        other.token("idp")
    one.save_again()
    assert not one.busy
    assert other.token("idp").digest == one.token("idp").digest == token.digest
    clock.advance(3600)
    assert other.token("idp").digest != token.digest
    assert (rogue.refreshes, rogue.reuses) == (2, 0)


def test_not_even_where_the_database_was_away_for_longer_than_a_lease_lasts(
    replicas: list[tuple[Database, Engine]], rogue: RogueProvider, clock: Clock
) -> None:
    (database, one), (_, other) = replicas
    with fails_meanwhile(database, rogue):
        one.token("idp")
        clock.advance(10 * LEASE)
    for _ in range(2):
        with pytest.raises(ProviderUnavailable, match="Try again"):
            other.token("idp")
    one.save_again()
    assert other.token("idp").digest == one.token("idp").digest
    assert (rogue.refreshes, rogue.reuses) == (1, 0)


def test_where_nothing_can_be_written_it_is_used_from_memory_and_that_is_said(
    replicas: list[tuple[Database, Engine]], rogue: RogueProvider, clock: Clock
) -> None:
    (database, one), (_, other) = replicas
    with fails_meanwhile(database, rogue, LOCKED, UNLOCKED):
        token = one.token("idp")
        for _ in range(3):
            clock.advance(LEASE)
            one.save_again()
            assert one.token("idp").digest == token.digest
        (info,) = one.accounts()
        assert "could not be saved" in info.warning
        with pytest.raises((StoreError, ProviderUnavailable)):
            other.token("idp")
    one.save_again()
    assert other.token("idp").digest == token.digest
    assert not one.accounts()[0].warning
    assert (rogue.refreshes, rogue.reuses) == (1, 0)


def test_the_lease_is_kept_where_it_could_be_given_back(
    replicas: list[tuple[Database, Engine]], rogue: RogueProvider, url: str
) -> None:
    (database, one), (_, other) = replicas
    system = url.partition(":")[0]
    with fails_meanwhile(database, rogue, FULL[system], EMPTIED[system]):
        token = one.token("idp")
        with pytest.raises(ProviderUnavailable, match="Try again"):
            other.token("idp")
        one.save_again()
    with pytest.raises(ProviderUnavailable, match="Try again"):
        other.token("idp")
    one.save_again()
    assert other.token("idp").digest == token.digest
    assert (rogue.refreshes, rogue.reuses) == (1, 0)


def test_what_another_replica_saved_after_all_counts_more(
    replicas: list[tuple[Database, Engine]], rogue: RogueProvider, clock: Clock
) -> None:
    (database, one), (_, other) = replicas
    rogue.grace = 2 * 3600.0  # the provider takes a spent refresh token for a while
    with fails_meanwhile(database, rogue):
        one.token("idp")
    for wait in (LEASE + 1, GRACE + 1):  # this replica hangs for as long
        clock.advance(wait)
        with suppress(ProviderUnavailable):
            other.token("idp")
    newer = other.token("idp")
    one.save_again()
    assert not one.busy
    assert one.token("idp").digest == newer.digest


def test_a_token_that_still_works_does_while_another_replica_has_the_lease(
    replicas: list[tuple[Database, Engine]], rogue: RogueProvider, clock: Clock, cipher: Encryption
) -> None:
    (database, one), (_, other) = replicas
    token = one.token("idp")
    clock.advance(rogue.access_token_ttl - 30)
    with SqlStore(database, cipher, ALICE).locked(KEY):
        assert other.token("idp").digest == token.digest
    assert rogue.refreshes == 1


# -- by itself -------------------------------------------------------------------------------------


@pytest.fixture
def brokers(
    database: Database, cipher: Encryption, rogue: RogueProvider, clock: Clock
) -> Iterator[HubBrokers]:
    """Those of a replica; alice is signed in, and her token has run out."""
    providers = Providers({"idp": idp(rogue)}, allow_user_providers=False)
    brokers = HubBrokers(Settings(), providers, database, cipher, base_url="/")
    rogue.clock = clock
    complete_login(brokers.of_owner(ALICE).engine, "idp", rogue)
    clock.advance(3600)
    yield brokers
    brokers.close()


async def happens(condition: Callable[[], Any]) -> None:
    await asyncio.to_thread(until, lambda: bool(condition()))


def unsaved_users() -> float:
    """As Prometheus hears of them."""
    return sum(each.value for each in UNSAVED.collect()[0].samples)


def test_nobody_has_to_ask_for_it(
    database: Database, cipher: Encryption, brokers: HubBrokers, rogue: RogueProvider
) -> None:
    async def run() -> None:
        engine = brokers.of_owner(ALICE).engine
        with fails_meanwhile(database, rogue):
            token = engine.token("idp")
            brokers.start()
            await happens(unsaved_users)
        await happens(lambda: not engine.busy)
        kept = SqlStore(database, cipher, ALICE).load(KEY)
        assert kept
        assert kept.access_token.digest == token.digest
        await happens(lambda: not unsaved_users())

    asyncio.run(run())


def test_nor_does_it_end_because_another_users_fails(
    brokers: HubBrokers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """However it fails."""
    saved = []

    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(upkeep, "BEAT", 0.05)
    monkeypatch.setattr(brokers._upkeep, "_unsaved", lambda: [fail, lambda: saved.append(1)])

    async def run() -> None:
        brokers.start()
        await happens(lambda: len(saved) > 2)

    asyncio.run(run())
    assert caplog.text.count("Traceback") == 1, "a minute"


def test_a_replica_that_ends_saves_before(
    database: Database, brokers: HubBrokers, rogue: RogueProvider
) -> None:
    async def run() -> None:
        engine = brokers.of_owner(ALICE).engine
        with fails_meanwhile(database, rogue):
            engine.token("idp")
            brokers.start()
            ending = asyncio.create_task(brokers.drain())
            await happens(unsaved_users)
            assert not ending.done()
        await ending
        assert not engine.busy

    asyncio.run(run())


def test_or_says_that_it_could_not(
    database: Database,
    brokers: HubBrokers,
    rogue: RogueProvider,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("jupyter_auth.server.hub.brokers.DRAIN", 0.2)
    with fails_meanwhile(database, rogue):
        brokers.of_owner(ALICE).engine.token("idp")
        asyncio.run(brokers.drain())
    assert "Tokens of 1 users could not be saved" in caplog.text


def test_a_broker_that_fetches_a_token_is_kept(
    brokers: HubBrokers, rogue: RogueProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many others come meanwhile: it may be the only one that has it."""
    monkeypatch.setattr("jupyter_auth.server.hub.brokers.MOST", 3)
    gate = rogue.script("refresh", Gate(after=True))

    async def run() -> None:
        broker = brokers.of_owner(ALICE)
        fetching = asyncio.create_task(broker.token({"provider": "idp"}))
        await happens(lambda: gate.waiting)
        for number in range(5):
            brokers.of_owner(Owner(f"user-{number}", ALICE.created))
        assert brokers.of_owner(ALICE) is broker
        rogue.behave()
        await fetching

    asyncio.run(run())


def test_a_lease_is_kept_for_as_long_as_a_provider_takes(
    database: Database, clock: Clock, brokers: HubBrokers, cipher: Encryption
) -> None:
    """And what keys a replica has stands there for as long as it runs."""
    until_when = select(records.c.lease_until).where(records.c.owner == BOB.id)

    async def run() -> None:
        brokers.start()
        with SqlStore(database, cipher, BOB).locked(KEY):
            clock.advance(LEASE + GRACE)
            await happens(lambda: database.rows(until_when)[0].lease_until > clock())
        await happens(lambda: database.rows(select(replicas_table)))
        brokers.close()

    asyncio.run(run())
    assert not database.rows(select(replicas_table))
