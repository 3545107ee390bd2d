"""Accounts that were not used for longer than their provider's policy allows end."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from core.sign_in import account_of, provider_at, sign_in, table
from hub.storage.databases import ALICE, BOB
from jupyter_auth.core.consent.store import Consent
from jupyter_auth.core.models import AccountKey
from jupyter_auth.server.hub import service
from jupyter_auth.server.hub.metrics import UNUSED
from jupyter_auth.server.hub.storage.consents import SqlConsents
from jupyter_auth.server.hub.storage.sql_store import SqlStore
from jupyter_auth.server.hub.users.unused import DAY, days_unused, remove_unused
from jupyter_auth.server.hub.users.users import HubUsers

if TYPE_CHECKING:
    from clock import Clock
    from hub.replica_fixtures import NewReplica
    from jupyter_auth.server.hub.storage.database import Database
    from jupyter_auth.server.hub.storage.encryption import Encryption
    from providers.rogue import RogueProvider

DAYS = {"idp": 30}
GIVEN: dict[str, Any] = {
    "session_key": "default",
    "notebook": "a.ipynb",
    "scopes": (),
    "given_at": 0.0,
}


def test_who_uses_an_account_keeps_it_and_who_does_not_is_signed_out(  # noqa: PLR0917
    database: Database,
    cipher: Encryption,
    new_replica: NewReplica,
    rogue: RogueProvider,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "jupyter_auth.audit")
    replica = new_replica(idp=rogue, other=rogue)
    alice, bob = replica.engine(ALICE), replica.engine(BOB)
    sign_in(alice, rogue)
    sign_in(alice, rogue, "other")
    sign_in(bob, rogue)
    tokens = account_of(alice)
    allowed = SqlConsents(database, cipher, ALICE)
    with allowed.change() as entries:
        for name in ("idp", "other"):
            entries.append(Consent(**GIVEN, provider=name, person=tokens.person))
    store = SqlStore(database, cipher, BOB)
    for _ in range(29):
        clock.advance(DAY)
        store.used(AccountKey("idp"))
        remove_unused(database, cipher, replica.revocations, DAYS)
    assert (len(alice.accounts()), len(bob.accounts())) == (2, 1)
    counted = UNUSED._value.get()
    clock.advance(DAY + 1)
    remove_unused(database, cipher, replica.revocations, {})
    assert len(alice.accounts()) == 2, "where there is no policy, nobody is signed out"
    for _ in range(2):
        remove_unused(database, cipher, replica.revocations, DAYS)
    assert [each.provider for each in alice.accounts()] == ["other"]
    assert [each.provider for each in allowed.read()] == ["other"], "and so do its consents"
    assert len(bob.accounts()) == 1
    assert UNUSED._value.get() == counted + 1
    said = ' signed out, not used for 30 days: user="alice" provider="idp"'
    assert [said in each for each in caplog.messages if "signed out" in each] == [True]
    ((due,),) = replica.revocations.due().values()
    assert replica.revocations.attempt(due).revoked
    assert rogue.revoked == [tokens.refresh_token.reveal(), tokens.access_token.reveal()]


def test_a_sign_in_and_a_use_meanwhile_count(
    database: Database,
    cipher: Encryption,
    new_replica: NewReplica,
    rogue: RogueProvider,
    clock: Clock,
) -> None:
    replica = new_replica()
    alice, key = replica.engine(ALICE), AccountKey("idp")
    sign_in(alice, rogue)
    store = SqlStore(database, cipher, ALICE)
    assert store.used(key)
    clock.advance(40 * DAY)
    sign_in(alice, rogue)
    remove_unused(database, cipher, replica.revocations, DAYS)
    assert alice.accounts()
    clock.advance(40 * DAY)
    assert store.used(key)
    assert not replica.revocations.remove_unused(ALICE, key, clock() - 30 * DAY)
    assert alice.accounts(), "it was used after it was found"


def test_the_policy_of_a_provider_says_it_for_its_issuer_too(rogue: RogueProvider) -> None:
    limited = provider_at(rogue, policy={"unused": 30})
    others = [provider_at(rogue, "other"), provider_at(rogue, "third", policy={"scopes": "a"})]
    assert days_unused([limited, *others]) == {"idp": 30, rogue.issuer: 30}


@pytest.mark.usefixtures("environment")
def test_the_service_sweeps_by_its_providers_policies(
    new_replica: NewReplica,
    rogue: RogueProvider,
    database: Database,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alice = new_replica().engine(ALICE)
    sign_in(alice, rogue)
    providers = {"idp": table(rogue, policy={"unused": 30})}
    monkeypatch.setenv("JUPYTER_AUTH_PROVIDERS", json.dumps(providers))

    async def nobody_is_gone(*_: object) -> None:
        """The Hub is not asked here: see ``test_gone_users``."""

    monkeypatch.setattr(service, "sweep", nobody_is_gone)
    with closing(service.HubService(os.environ)) as made:
        made.database.clock = database.clock
        for days, left in ((29, 1), (2, 0)):
            clock.advance(days * DAY)
            asyncio.run(made._sweep(HubUsers(made.hub_auth)))
            assert len(alice.accounts()) == left
