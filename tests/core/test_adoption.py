"""``Engine.adopt``: a refresh token that another program hands over is used at once, and once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from core.sign_in import account_of, exchanged, party_at, sign_in
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import (
    LoginFailed,
    ProviderNotFound,
    RefreshRejected,
    StoreError,
    Unavailable,
    UserMismatch,
)
from jupyter_auth.core.provider.registry import Providers
from memory_store import MemoryStore
from patience import PATIENCE
from providers import troubles

if TYPE_CHECKING:
    from jupyter_auth.core.secret import Secret
    from providers.rogue import RogueProvider


@pytest.fixture
def theirs(rogue: RogueProvider) -> Secret:
    """The refresh token of another program's sign-in."""
    token = exchanged(party_at(rogue), rogue).refresh_token
    assert token is not None
    return token


def test_it_is_the_account_of_whom_the_provider_says(engine, rogue, theirs):
    since = engine.changes().sequence
    info = engine.adopt("idp", theirs)
    assert (info.username, info.subject, info.refreshes) == ("rosa", "u-2001", True)
    assert engine.token("idp").valid(rogue.clock())
    assert account_of(engine).refresh_token != theirs, "the provider rotates"
    assert (rogue.refreshes, rogue.reuses) == (1, 0)
    assert [each.kind for each in engine.changes(since).changes] == ["account"]


def test_handed_over_again_it_is_not_used_again(engine, rogue, theirs):
    """The first answer may have been lost on its way."""
    with ThreadPoolExecutor(4) as pool:
        both = [pool.submit(engine.adopt, "idp", theirs) for _ in range(4)]
    assert {each.result().username for each in both} == {"rosa"}
    assert (rogue.refreshes, rogue.reuses) == (1, 0)


def test_also_after_refreshes_of_our_own(engine, rogue, theirs, clock):
    engine.adopt("idp", theirs)
    clock.advance(rogue.access_token_ttl)
    engine.token("idp")
    engine.adopt("idp", theirs)
    assert (rogue.refreshes, rogue.reuses) == (2, 0)


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (troubles.error("invalid_grant"), RefreshRejected),
        (troubles.status(503), Unavailable),
    ],
)
def test_a_token_that_is_not_taken_loses_nothing_that_is_there(
    engine, rogue, theirs, trouble, error
):
    account = sign_in(engine, rogue)
    rogue.script("refresh", trouble, times=1)
    with pytest.raises(error):
        engine.adopt("idp", theirs)
    assert account_of(engine) == account
    assert engine.adopt("idp", theirs).username == "rosa", "and may be handed over again"


def test_a_newer_one_replaces_the_account_and_ends_no_grant(engine, rogue, account, theirs):
    """Many providers end all of a person's grant to this client with one of its tokens."""
    engine.adopt("idp", theirs)
    assert account_of(engine).access_token != account.access_token
    assert rogue.revoked == []


def test_an_account_whose_refresh_was_refused_is_well_again(engine, rogue, theirs, clock):
    sign_in(engine, rogue)
    rogue.script("refresh", troubles.error("invalid_grant"), times=1)
    clock.advance(rogue.access_token_ttl)
    with pytest.raises(RefreshRejected):
        engine.token("idp")
    engine.adopt("idp", theirs)
    assert engine.token("idp").valid(clock())


def test_a_doubted_id_token_costs_no_sign_in(engine, rogue, theirs):
    """A refresh needs none (OIDC Core 12.2), and has used up the token."""
    rogue.script("refresh", troubles.fields(id_token="x.y.z"), times=1)
    assert engine.adopt("idp", theirs).username == "rosa"


def test_who_may_not_sign_in_here_is_not_kept(rogue, theirs, clock):
    def nobody(*_):
        raise UserMismatch("Not on this server.")

    table = {"issuer": rogue.issuer, "client_id": rogue.client_id}
    rogue.clock = clock
    engine = Engine(Providers({"idp": table}), MemoryStore(), clock=clock, admit=nobody)
    with pytest.raises(UserMismatch):
        engine.adopt("idp", theirs)
    assert engine.accounts() == []
    assert rogue.revoked == [], "the other program's sign-in goes on"


def test_where_nothing_says_whose_it_is_for_certain_it_ends_as_failed(rogue, theirs, clock):
    """So that it is not taken for a provider that was away: the token is used up."""

    def by_claim(_, __, claim):
        claim("upn")

    table = {"issuer": rogue.issuer, "client_id": rogue.client_id}
    rogue.clock = clock
    engine = Engine(Providers({"idp": table}), MemoryStore(), clock=clock, admit=by_claim)
    rogue.script("userinfo", troubles.status(503))
    with pytest.raises(LoginFailed):
        engine.adopt("idp", theirs)
    assert engine.accounts() == []


def test_without_its_lock_the_token_is_not_used(engines, rogue, theirs):
    class Locked(MemoryStore):
        def locked(self, _):
            raise StoreError("The database is away.")

    engine = engines(Locked(), idp=rogue)
    with pytest.raises(StoreError):
        engine.adopt("idp", theirs)
    assert rogue.refreshes == 0


def test_a_provider_that_is_not_configured_gets_nothing(engine, theirs):
    with pytest.raises(ProviderNotFound):
        engine.adopt("nowhere", theirs)


def test_a_kernel_that_asks_meanwhile_waits_for_it(engine, rogue, theirs, clock):
    """Both refresh under the account's lock, the second with what the first saved."""
    sign_in(engine, rogue)
    clock.advance(rogue.access_token_ttl)
    gate = rogue.script("refresh", troubles.Gate(), times=1)
    with ThreadPoolExecutor(2) as pool:
        adopting = pool.submit(engine.adopt, "idp", theirs)
        gate.arrived.wait(PATIENCE)
        asking = pool.submit(engine.token, "idp")
        gate.release()
        adopting.result()
        assert asking.result().access_token == account_of(engine).access_token
    assert rogue.refreshes == 1
