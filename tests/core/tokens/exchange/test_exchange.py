"""Accounts made of another account's token (RFC 8693), at a real server that checks it."""

from __future__ import annotations

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from clock import OffsetClock
from core.sign_in import account_of, expire_here, sign_in
from core.tokens.exchange.derived import engine_with, exchanges, tables
from jupyter_auth.core.errors import ConfigurationError, LoginRequired, ProviderError
from jupyter_auth.core.models import AccountKey, LoginRequest
from jupyter_auth.core.tokens.need import Need
from memory_store import MemoryStore
from patience import PATIENCE, until

THREADS = 16
HOUR = 3601.0
KEY = AccountKey("derived")


@pytest.fixture
def clock() -> OffsetClock:
    return OffsetClock()


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def engine(oidc, store, clock):
    engine = engine_with(store, clock, tables(oidc))
    yield engine
    engine.close()


@pytest.fixture
def signed_in(engine, oidc):
    sign_in(engine, oidc)
    oidc.reset()
    return engine


def together(call):
    barrier = threading.Barrier(THREADS)

    def one(_: int):
        barrier.wait(PATIENCE)
        return call()

    with ThreadPoolExecutor(THREADS) as pool:
        return {*pool.map(one, range(THREADS))}


def test_a_token_is_made_of_the_sources_and_works_at_the_api(signed_in, oidc):
    token = signed_in.token("derived")
    known = oidc.introspect(token.access_token.reveal())
    assert (known["client_id"], known["sub"]) == ("exchanger", "u-1001")
    assert token.scopes == ("api:read",)
    assert token.access_token != signed_in.token("idp").access_token
    assert signed_in.token("derived").digest == token.digest
    assert exchanges(oidc) == 1
    assert token.person == signed_in.account(KEY).person == account_of(signed_in).person


def test_it_is_made_again_once_for_each_expiry(signed_in, oidc, clock):
    first = together(lambda: signed_in.token("derived").digest)
    assert (len(first), exchanges(oidc)) == (1, 1)
    clock.ahead += HOUR  # of both: the source is refreshed first
    second = together(lambda: signed_in.token("derived").digest)
    assert (len(second), exchanges(oidc), oidc.refresh_count) == (1, 2, 1)
    assert first != second
    assert oidc.reuse_count == 0


def test_the_source_rotates_meanwhile(signed_in, oidc, store):
    token = signed_in.token("derived").digest
    for _ in range(3):
        expire_here(store, account_of(signed_in))
        signed_in.token("idp")
    assert oidc.refresh_count == 3
    assert signed_in.token("derived").digest == token
    other = signed_in.token("derived", need=Need(rejected=token)).digest
    assert (other != token, exchanges(oidc)) == (True, 2)


def test_an_id_token_is_exchanged_too(oidc, store, clock):
    engine = engine_with(store, clock, tables(oidc, subject_token="id_token"))
    sign_in(engine, oidc, scopes=("openid", "offline_access"))
    known = oidc.introspect(engine.token("derived").access_token.reveal())
    assert known["sub"] == "u-1001"


def test_a_target_that_is_refused_does_not_end_the_source(oidc, store, clock):
    engine = engine_with(store, clock, tables(oidc, audience="https://other.example"))
    sign_in(engine, oidc)
    with pytest.raises(ProviderError, match="invalid_target"):
        engine.token("derived")
    assert engine.token("idp").valid(clock())
    assert engine.account(AccountKey("idp")).trouble == ""
    assert oidc.refresh_count == 0


def test_a_refused_subject_is_refreshed_once(signed_in, oidc):
    """Its access token was revoked there, not its refresh token."""
    oidc.expire()
    token = signed_in.token("derived")
    assert oidc.introspect(token.access_token.reveal())["active"]
    assert (oidc.refresh_count, exchanges(oidc)) == (1, 1)


def test_a_source_that_was_revoked_has_to_be_signed_in_to(signed_in):
    signed_in.token("derived")
    source = account_of(signed_in)
    _revoke(signed_in, source)
    held = signed_in.token("derived")
    with pytest.raises(LoginRequired) as caught:
        signed_in.token("derived", need=Need(rejected=held.digest))
    assert caught.value.next_step.provider == "idp"


def _revoke(engine, account) -> None:
    """As its person does at the provider's own page."""
    from jupyter_auth.core.protocol import oauth

    party = engine._parties.of("idp")
    assert oauth.revoke(party, account.refresh_token, "refresh_token") == ""


def test_it_is_listed_while_its_source_is_signed_in(engine, oidc):
    assert engine.accounts() == []
    with pytest.raises(LoginRequired, match="whose token Derived API exchanges") as caught:
        engine.token("derived")
    assert caught.value.next_step.provider == "idp"
    sign_in(engine, oidc)
    assert [(each.provider, each.username) for each in engine.accounts()] == [
        ("derived", "alice"),
        ("idp", "alice"),
    ]
    assert engine.account(KEY) == engine.accounts()[0]
    engine.logout("idp")
    assert engine.accounts() == []
    with pytest.raises(LoginRequired):
        engine.token("derived")


def test_signing_out_of_the_source_revokes_it_and_tells_kernels(signed_in, oidc):
    token = signed_in.token("derived").access_token.reveal()
    since = signed_in.changes().sequence
    signed_in.logout("idp")
    told = {(each.kind, each.provider) for each in signed_in.changes(since).changes}
    assert {("removed", "idp"), ("removed", "derived")} <= told
    until(lambda: not oidc.introspect(token)["active"])


def test_signing_out_of_the_source_meanwhile_revokes_it_too(signed_in, oidc):
    exchange, made = signed_in._tokens._exchange, []

    def and_then_sign_out(*given):
        made.append(exchange(*given))
        signed_in.logout("idp", revoke=False)
        return made[0]

    signed_in._tokens._exchange = and_then_sign_out
    with pytest.raises(LoginRequired):
        signed_in.token("derived")
    until(lambda: not oidc.introspect(made[0].access_token.reveal())["active"])


def test_signing_out_of_it_alone_leaves_the_source(signed_in, oidc):
    token = signed_in.token("derived").access_token.reveal()
    assert signed_in.logout("derived").removed
    assert not oidc.introspect(token)["active"]
    assert [each.provider for each in signed_in.accounts()] == ["idp"]
    with pytest.raises(LoginRequired, match="You signed out of derived"):
        signed_in.token("derived")
    assert not signed_in.logout("derived").removed
    sign_in(signed_in, oidc)
    assert signed_in.token("derived")


def test_an_account_from_before_it_exchanged_tokens_can_be_signed_out_of(oidc, store, clock):
    given = tables(oidc)
    sign_in(engine_with(store, clock, {**given, "derived": given["idp"]}), oidc, "derived")
    engine = engine_with(store, clock, given)
    assert [each.provider for each in engine.accounts()] == ["derived"]
    assert engine.logout("derived").removed
    assert (engine.accounts(), store.accounts()) == ([], [])


def test_a_sign_in_to_it_is_one_to_the_source_and_says_what_for(engine):
    login = engine.begin(LoginRequest("derived", scopes=("api:read",)))
    assert (login.provider, login.reason) == ("idp", "This sign-in is for Derived API.")
    assert engine.begin(LoginRequest("idp")).id == login.id


def test_each_session_key_has_its_own(signed_in, oidc):
    sign_in(signed_in, oidc, key="work", person="bob")
    tokens = [signed_in.token("derived", key) for key in ("default", "work")]
    whose = [oidc.introspect(each.access_token.reveal())["sub"] for each in tokens]
    assert whose == ["u-1001", "u-1002"]


def test_another_person_who_signs_in_gets_none_of_the_first_ones(signed_in, oidc):
    first = signed_in.token("derived")
    sign_in(signed_in, oidc, person="bob")
    second = signed_in.token("derived")
    assert oidc.introspect(second.access_token.reveal())["sub"] == "u-1002"
    assert first.person != second.person


@pytest.mark.parametrize("changed", ["idp", "derived"])
def test_it_answers_to_both_definitions(signed_in, store, oidc, clock, changed):
    """What was exchanged for one definition is not sent where another one says."""
    signed_in.token("derived")
    held = account_of(signed_in, "derived")
    given = tables(oidc)
    given[changed]["api_origins"] = ["https://other.example"]
    other = engine_with(store, clock, given)
    other._tokens._made = signed_in._tokens._made
    assert held.access_token
    assert other._tokens.load(other.configured("derived"), KEY) is None


def test_the_store_holds_none(signed_in, store):
    token = signed_in.token("derived").access_token
    assert [each.provider for each in store.accounts()] == ["idp"]
    assert token.reveal() not in repr([dataclasses.asdict(each) for each in store.accounts()])


@pytest.mark.parametrize(
    ("source", "says"),
    [("derived", "exchanged ones themselves"), ("chained", "exchanged ones"), ("x", "not known")],
)
def test_a_chain_a_circle_and_an_unknown_source_are_refused(oidc, store, clock, source, says):
    given = tables(oidc)
    given["chained"] = given["derived"] | {"exchange": {"from": "derived"}}
    given["derived"] = given["derived"] | {"exchange": {"from": source}}
    engine = engine_with(store, clock, given)
    with pytest.raises(ConfigurationError, match=says):
        engine.token("derived")
    with pytest.raises(ConfigurationError, match=says):
        engine.begin(LoginRequest("derived"))


@pytest.mark.usefixtures("signed_in")
def test_a_broken_source_hides_no_other_account(store, oidc, clock):
    broken = ConfigurationError("Broken.")
    engine = engine_with(store, clock, tables(oidc) | {"idp": broken})
    assert [each.provider for each in engine.accounts()] == ["idp"]
    assert engine.account(KEY) is None
    with pytest.raises(ConfigurationError, match="Broken"):
        engine.token("derived")


def test_it_is_for_one_api(signed_in):
    with pytest.raises(ConfigurationError, match="exchanges tokens for one API"):
        signed_in.token("derived", need=Need(resource="https://other.example"))
