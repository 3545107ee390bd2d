"""What is to be revoked of users who go outlives the process that could not do it. SECURITY 15."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import select

from core.sign_in import account_of, sign_in, table
from hub.storage.databases import ALICE, BOB, revocations_of
from jupyter_auth.core.errors import StoreError
from jupyter_auth.core.login.login_store import AuthorizationResponse
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.tokens.need import Need
from jupyter_auth.server.hub.admin import sign_out, sweep
from jupyter_auth.server.hub.revocations import KIND, TRIES, TRY, RevocationResult
from jupyter_auth.server.hub.storage import database, sql_store
from jupyter_auth.server.hub.storage.tables import records
from patience import PATIENCE
from providers import troubles
from providers.rogue import RogueProvider
from providers.troubles import MISSING

if TYPE_CHECKING:
    from clock import Clock
    from hub.replica_fixtures import NewReplica
    from jupyter_auth.core.engine import Engine
    from jupyter_auth.server.hub.brokers import HubBrokers
    from jupyter_auth.server.hub.storage.database import Database, Owner
    from jupyter_auth.server.hub.storage.encryption import Encryption


def held(engine: Engine) -> list[str]:
    """What has to be revoked of the account, first to last."""
    found = account_of(engine)
    return [found.refresh_token.reveal(), found.access_token.reveal()]


def try_what_is_due(replica: HubBrokers) -> list[RevocationResult]:
    """As the service does it in its background."""
    waiting = replica.revocations.due().values()
    return [replica.revocations.attempt(each) for rows in waiting for each in rows]


# -- a user signs out ------------------------------------------------------------------------------


def test_what_a_provider_takes_back_at_once_is_not_queued(
    leaver: Engine, replica: HubBrokers, rogue: RogueProvider
) -> None:
    tokens = held(leaver)
    assert leaver.logout("idp").revoked
    assert rogue.revoked == tokens
    assert replica.revocations.count() == 0


def test_a_sign_out_that_the_provider_does_not_hear_is_queued_and_done_by_another(
    leaver: Engine, replica: HubBrokers, new_replica: NewReplica, rogue: RogueProvider, clock: Clock
) -> None:
    tokens = held(leaver)
    rogue.script("revoke", troubles.status(503))
    out = leaver.logout("idp")
    assert (out.removed, out.revoked) == (True, False)
    assert "The service keeps trying." in out.note
    replica.close()
    rogue.behave()
    another = new_replica()
    assert try_what_is_due(another) == [], "not due yet"
    clock.advance(60)
    assert [tried.revoked for tried in try_what_is_due(another)] == [True]
    assert rogue.revoked == tokens
    assert another.revocations.count() == 0


def test_a_refusal_is_passed_on_and_not_tried_again(
    leaver: Engine, replica: HubBrokers, rogue: RogueProvider
) -> None:
    held(leaver)
    rogue.script("revoke", troubles.error("access_denied", 403, "not this client"))
    out = leaver.logout("idp")
    assert (out.removed, out.revoked) == (True, False)
    assert "not this client" in out.note
    assert replica.revocations.count() == 0


def test_who_dies_after_the_deletion_loses_no_token(
    leaver: Engine, new_replica: NewReplica, clock: Clock, rogue: RogueProvider
) -> None:
    """It is queued before. Here who signs out hangs for as long as the dead are."""
    tokens, another = held(leaver), new_replica()
    gate = rogue.script("revoke", troubles.Gate(then=troubles.close()), times=1)
    with ThreadPoolExecutor(1) as pool:
        leaving = pool.submit(leaver.logout, "idp")
        try:
            assert gate.arrived.wait(PATIENCE)
            assert leaver.accounts() == []
            clock.advance(TRY + 1)
            assert [tried.revoked for tried in try_what_is_due(another)] == [True]
            assert rogue.revoked == tokens
        finally:
            gate.release()
        leaving.result(PATIENCE)


def test_what_was_granted_to_nobody_is_queued_too(
    replica: HubBrokers, rogue: RogueProvider, clock: Clock
) -> None:
    rogue.script("revoke", troubles.close())
    engine = replica.engine(ALICE)
    login = engine.begin(LoginRequest("idp", username="somebody-else"))
    url, binding = engine.open(login.id, "http://127.0.0.1:1/callback/idp", "anybody")
    params = dict(parse_qsl(urlsplit(rogue.authorize(url)).query))
    done = engine.finish(
        AuthorizationResponse(
            "idp", params, {binding.name: binding.value}, "anybody", confirm_by=None
        )
    )
    assert done.status == "failed"
    assert replica.revocations.count("alice") == 1
    rogue.behave()
    clock.advance(60)
    try_what_is_due(replica)
    assert len(rogue.revoked) == 2


def test_a_service_accounts_token_is_queued_too(
    new_replica: NewReplica, rogue: RogueProvider, clock: Clock
) -> None:
    rogue.client_secret = "of-the-service"
    idp = table(rogue, client_secret=rogue.client_secret, service={"scopes": ["api"]})
    replica = new_replica(idp=idp)
    engine = replica.engine(ALICE)
    token = engine.client_token("idp").access_token
    rogue.script("revoke", troubles.status(503))
    assert "keeps trying" in engine.client_logout("idp").note
    rogue.behave()
    clock.advance(60)
    assert [tried.revoked for tried in try_what_is_due(replica)] == [True]
    assert rogue.revoked == [token.reveal()]


# -- the queue -------------------------------------------------------------------------------------


def test_one_replica_tries_it_and_once_is_enough(
    leaver: Engine, replica: HubBrokers, new_replica: NewReplica, rogue: RogueProvider
) -> None:
    """Both have found it due."""
    tokens, another = held(leaver), new_replica()
    replica.revocations.remove_records(ALICE)
    another.revocations.remove_records(ALICE)
    both = [(each, row) for each in (replica, another) for row in each.revocations.due()["idp"]]
    assert len(both) == 2
    first, second = [each.revocations.attempt(row) for each, row in both]
    assert (first.revoked, second.revoked, second.waits) == (True, False, True)
    assert rogue.revoked == tokens


@pytest.mark.usefixtures("leaver")
def test_one_that_another_has_just_tried_is_not_tried_again(
    replica: HubBrokers, new_replica: NewReplica, rogue: RogueProvider
) -> None:
    another = new_replica()
    replica.revocations.remove_records(ALICE)
    (stale,) = another.revocations.due()["idp"]
    rogue.script("revoke", troubles.status(500))
    try_what_is_due(replica)
    another.revocations.attempt(stale)
    assert len(rogue.seen("revoke")) == 1


@pytest.mark.usefixtures("leaver")
def test_pauses_grow_and_it_is_given_up_aloud(
    replica: HubBrokers,
    rogue: RogueProvider,
    database: Database,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "jupyter_auth.audit")
    rogue.script("revoke", troubles.status(500))
    replica.revocations.remove_records(ALICE)
    tries: list[float] = []
    while replica.revocations.count():
        clock.now = max(clock.now, database.rows(select(records.c.lease_until))[0][0])
        tries.append(clock())
        try_what_is_due(replica)
    pauses = [late - early for early, late in itertools.pairwise(tries)]
    assert len(tries) == TRIES
    assert pauses[0] < 60 < pauses[1] < pauses[2] < pauses[3]
    assert max(pauses) < 8 * 3600
    assert 5 < (tries[-1] - tries[0]) / 86400 < 9, "days"
    (said,) = [r.getMessage() for r in caplog.records if "given up" in r.getMessage()]
    assert 'user="alice" provider="idp"' in said
    assert "answered 500" in said


def test_who_has_signed_in_again_stays_signed_in(
    leaver: Engine,
    replica: HubBrokers,
    rogue: RogueProvider,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The provider would end all that it has granted. Others whom it signed in before do not count.

    Those are ended by a sign-out that the provider hears at once, too.
    """
    caplog.set_level(logging.INFO, "jupyter_auth.audit")
    sign_in(leaver, rogue, key="before")
    rogue.script("revoke", troubles.status(503))
    leaver.logout("idp")
    rogue.behave()
    clock.advance(60)
    sign_in(leaver, rogue)
    (tried,) = try_what_is_due(replica)
    assert (tried.revoked, tried.waits, "signed in there again" in tried.note) == (
        False,
        False,
        True,
    )
    assert rogue.revoked == []
    assert ' not revoked at the provider: user="alice" provider="idp"' in caplog.text
    assert 'note="The user has signed in there again' in caplog.text
    rogue.script("revoke", troubles.status(503))
    leaver.logout("idp")
    rogue.behave()
    clock.advance(60)
    (tried,) = try_what_is_due(replica)
    assert tried.revoked


@pytest.mark.usefixtures("leaver")
def test_what_is_saved_while_a_damaged_record_goes_stays(
    replica: HubBrokers, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody signs in anew between the two."""
    resting = select(records.c.id, records.c.data).where(records.c.kind == sql_store.ACCOUNT)
    ((record_id, kept),) = database.rows(resting)
    database.change(records.update().values(data=b"damaged"))
    opened = sql_store.SqlStore.opened

    def and_then_saved(store: sql_store.SqlStore, record_id: str, data: bytes | None) -> Any:
        database.change(records.update().values(data=kept))
        return opened(store, record_id, data)

    monkeypatch.setattr(sql_store.SqlStore, "opened", and_then_saved)
    replica.revocations.remove_records(ALICE)
    assert database.load(record_id) == kept


@pytest.mark.usefixtures("leaver")
def test_it_goes_to_no_other_configuration_of_the_name(
    replica: HubBrokers, new_replica: NewReplica, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "jupyter_auth.audit")
    replica.revocations.remove_records(ALICE)
    with RogueProvider() as evil:
        (tried,) = try_what_is_due(new_replica(idp=evil))
        assert evil.requests == []
    assert (tried.revoked, tried.waits) == (False, False)
    assert 'user="alice" provider="idp"' in caplog.text
    assert "note=\"The provider's configuration has changed" in caplog.text


def test_a_provider_that_is_gone_or_offers_none_ends_it(
    leaver: Engine, replica: HubBrokers, new_replica: NewReplica, rogue: RogueProvider
) -> None:
    replica.revocations.remove_records(ALICE)
    (tried,) = try_what_is_due(new_replica(other=rogue))
    assert (tried.waits, "configuration has changed" in tried.note) == (False, True)
    sign_in(leaver, rogue)
    replica.revocations.remove_records(ALICE)
    rogue.script("discovery", troubles.fields(revocation_endpoint=MISSING))
    (tried,) = try_what_is_due(new_replica())
    assert (tried.waits, "does not support revocation" in tried.note) == (False, True)
    assert (replica.revocations.count(), rogue.revoked) == (0, [])


@pytest.mark.usefixtures("leaver")
def test_a_damaged_one_is_left_alone_and_ends_too(
    replica: HubBrokers, database: Database, clock: Clock
) -> None:
    replica.revocations.remove_records(ALICE)
    database.change(records.update().values(data=b"damaged"))
    assert set(replica.revocations.due()) == {None}
    (tried,) = try_what_is_due(replica)
    assert tried.waits
    assert try_what_is_due(replica) == []
    for _ in range(TRIES):
        clock.advance(8 * 3600)
        try_what_is_due(replica)
    assert replica.revocations.count() == 0


def test_it_is_nobodys_account_any_more(
    leaver: Engine, replica: HubBrokers, database: Database, cipher: Encryption
) -> None:
    """Not listed, not counted, nobody's identity; and keys are rotated over it."""
    secrets = held(leaver)
    replica.revocations.remove_records(ALICE)
    (found,) = database.rows(select(records))
    assert all(each.encode() not in found.data for each in secrets)
    sql_store.add_person_digests(database, cipher)
    assert sql_store.renew(database, cipher) == 1
    (found,) = database.rows(select(records))
    assert (found.kind, found.person, found.user_name) == (KIND, None, "alice")
    assert leaver.accounts() == []
    assert replica.engine(BOB).accounts() == []
    asyncio.run(sweep(database, Nobody(), replica.revocations))
    assert replica.revocations.count() == 1
    assert set(replica.revocations.due()) == {"idp"}


class Nobody:
    """A Hub that has no users."""

    async def all(self) -> set[str]:
        return set()

    async def is_gone(self, _: Owner) -> bool:
        return True


def test_deleting_a_user_revokes(
    leaver: Engine, replica: HubBrokers, database: Database, rogue: RogueProvider
) -> None:
    tokens = held(leaver)
    asyncio.run(sweep(database, Nobody(), replica.revocations))
    assert leaver.accounts() == []
    try_what_is_due(replica)
    assert rogue.revoked == tokens
    assert database.rows(select(records)) == []


def test_a_refresh_under_way_is_waited_for(
    leaver: Engine, replica: HubBrokers, database: Database, clock: Clock, rogue: RogueProvider
) -> None:
    """Else its fresh tokens would live on."""
    clock.advance(3600)
    gate = rogue.script("refresh", troubles.Gate(after=True))
    with ThreadPoolExecutor(2) as pool:
        asking = pool.submit(leaver.token, "idp")
        assert gate.arrived.wait(PATIENCE)
        leaving = pool.submit(lambda: list(sign_out(database, replica.revocations, "alice")))
        gate.release()
        fresh = asking.result(PATIENCE)
        (tried,) = leaving.result(PATIENCE)
    assert tried.revoked
    assert not rogue.active(fresh.access_token.reveal())
    assert database.rows(select(records)) == []


def test_what_a_replica_could_not_save_is_waited_for(  # noqa: PLR0917
    leaver: Engine,
    replica: HubBrokers,
    rogue: RogueProvider,
    url: str,
    cipher: Encryption,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else what it has in memory alone would live on at the provider."""

    def fail(*_: object) -> NoReturn:
        raise StoreError("The disk is full.")

    here, waits, pause = replica._database, threading.Event(), database._pause
    with monkeypatch.context() as full:
        full.setattr(here, "save", fail)
        stale = account_of(leaver).access_token
        leaver.token("idp", need=Need(rejected=stale.digest))
    monkeypatch.setattr(database, "_pause", lambda: (waits.set(), pause()))
    with (
        closing(database.Database(url, here.clock)) as elsewhere,
        ThreadPoolExecutor(1) as pool,
    ):
        leaving = pool.submit(revocations_of(elsewhere, cipher).remove_records, ALICE)
        assert waits.wait(PATIENCE)
        tokens = held(leaver)
        leaver.save_again()
        leaving.result(PATIENCE)
    assert leaver.accounts() == []
    try_what_is_due(replica)
    assert rogue.revoked == tokens
