"""An account when its provider is in trouble, has ended it, or is another than it was."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.sign_in import (
    account_of,
    digest_of,
    engine_of,
    party_at,
    provider_at,
    sharing,
    sign_in,
    table,
)
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.errors import (
    AuthError,
    ConfigurationError,
    LoginRequired,
    ProviderError,
    RefreshRejected,
)
from jupyter_auth.core.models import AccountKey, LoginRequest
from jupyter_auth.core.protocol import oauth
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.core.tokens.lifetimes import PAUSE
from jupyter_auth.core.tokens.need import Need
from memory_store import MemoryStore
from patience import PATIENCE, until
from providers import troubles
from providers.rogue import RogueProvider
from providers.troubles import MISSING

KEY = AccountKey("idp")


# -- when a refresh fails ------------------------------------------------------------------------

TROUBLES = {
    "500": (troubles.status(500), ProviderUnavailable),
    "429": (troubles.status(429), ProviderUnavailable),
    "hang-up": (troubles.close(), ProviderUnavailable),
    "HTML": (troubles.html(), ProviderError),
    "HTML 400": (troubles.html(400), RefreshRejected),
    "nothing": (troubles.empty(), ProviderError),
    "list": (troubles.json_value([]), ProviderError),
    "null": (troubles.json_value(None), ProviderError),
    "no token": (troubles.fields(access_token=MISSING), ProviderError),
    "twice": (troubles.status(200, '{"access_token":"a","access_token":"b"}'), ProviderError),
    "huge": (troubles.huge(), ProviderError),
    "refused": (troubles.error("invalid_request"), RefreshRejected),
    "busy": (troubles.error("temporarily_unavailable"), ProviderUnavailable),
    "redirect": (troubles.redirect("http://localhost:1/token"), ConfigurationError),
    "client": (troubles.error("invalid_client", 401), ConfigurationError),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_nothing_is_lost_whatever_comes_back(engine, rogue, clock, name):
    trouble, kind = TROUBLES[name]
    account = sign_in(engine, rogue)
    clock.advance(3600)
    # The work is not done: the refresh token is as good as before.
    rogue.script("refresh", lambda _: trouble(lambda: troubles.Reply.json({"access_token": "x"})))
    with pytest.raises(AuthError) as caught:
        engine.token("idp")
    assert type(caught.value) is kind
    nothing_is_lost(engine, rogue, account)


@pytest.mark.parametrize("dribble", [False, True])
def test_nothing_is_lost_where_nothing_comes_back(engine, rogue, clock, impatient, dribble):
    account = sign_in(engine, rogue)
    clock.advance(3600)
    then = troubles.json_value({"access_token": "x"})
    rogue.script("refresh", troubles.Gate(dribble=dribble, then=then))
    with impatient(), pytest.raises(ProviderUnavailable):
        engine.token("idp")
    nothing_is_lost(engine, rogue, account)


def nothing_is_lost(engine, rogue, account):
    found = account_of(engine)
    assert dataclasses.replace(found, refused=None) == account
    rogue.behave()
    if found.refused:
        engine._clock.advance(2)
    assert rogue.active(engine.token("idp").access_token.reveal())
    assert rogue.reuses == 0


@pytest.mark.usefixtures("account")
def test_offline_loses_nothing(engine, rogue, clock):
    clock.advance(3600)
    rogue.offline()
    for _ in range(3):
        with pytest.raises(ProviderUnavailable):
            engine.token("idp")
    rogue.online()
    assert rogue.active(engine.token("idp").access_token.reveal())


@pytest.mark.parametrize(
    "trouble",
    [troubles.status(500), troubles.html(), troubles.redirect("/portal", 302)],
    ids=["500", "HTML", "redirect"],
)
def test_a_token_that_still_works_is_given_meanwhile(engine, rogue, account, clock, trouble):
    clock.advance(3550)
    rogue.script("refresh", trouble)
    for _ in range(5):
        assert digest_of(engine) == account.access_token.digest
    assert len(rogue.seen("refresh")) == 1  # the provider is left in peace
    clock.advance(PAUSE)
    rogue.behave()
    assert digest_of(engine) != account.access_token.digest


def test_but_not_one_that_was_refused(engine, rogue, account):
    rogue.script("refresh", troubles.status(500))
    with pytest.raises(ProviderUnavailable):
        engine.token("idp", need=Need(rejected=account.access_token.digest))


@pytest.mark.usefixtures("account")
def test_a_login_ends_the_pause(engine, rogue, clock):
    clock.advance(3550)
    rogue.script("refresh", troubles.status(500), times=1)
    digest_of(engine)
    rogue.access_token_ttl = 30
    sign_in(engine, rogue)
    clock.advance(28)
    assert digest_of(engine)
    assert rogue.refreshes == 1


def test_a_provider_that_hangs_stalls_nobody_else(engines, rogue, clock):
    with RogueProvider() as other:
        engine = engines(idp=rogue, other=other)
        sign_in(engine, rogue)
        sign_in(engine, other, "other")
        clock.advance(3600)
        gate = rogue.script("token", troubles.Gate(then=troubles.status(500)))
        with ThreadPoolExecutor(64) as pool:
            stuck = [pool.submit(engine.token, "idp") for _ in range(63)]
            until(lambda: sharing() == len(stuck))
            assert engine.token("other")  # refreshed, while all those wait
            assert engine.begin(LoginRequest("other")).status == "pending"
            assert not [each for each in stuck if each.done()]
            gate.release()
        assert {type(each.exception()) for each in stuck} == {ProviderUnavailable}
        assert len(rogue.seen("refresh")) == 1


# -- an account that is not refreshed ------------------------------------------------------------


def test_a_sibling_that_was_faster_is_believed(engines, files, rogue, clock):
    """Another process refreshed while we waited for the lock: what rests counts."""
    engine = engines(files, idp=rogue)
    old = sign_in(engine, rogue)
    clock.advance(3600)
    with ThreadPoolExecutor(1) as pool:
        with files.locked(KEY) as slot:
            waiting = pool.submit(engine.token, "idp")
            until(lambda: sharing() == 1)
            answer = oauth.refresh(party_at(rogue), old.refresh_token)
            sibling = dataclasses.replace(
                old,
                access_token=answer.access_token,
                refresh_token=answer.refresh_token,
                issued_at=clock(),
                expires_at=clock() + 3600,
            )
            slot.save(sibling)
        assert waiting.result(PATIENCE).access_token == sibling.access_token
    assert (rogue.refreshes, rogue.reuses) == (1, 0)


def test_without_a_refresh_token_there_is_an_end(engine, rogue, clock):
    rogue.script("token", troubles.fields(refresh_token=MISSING))
    account = sign_in(engine, rogue)
    (info,) = engine.accounts()
    assert info.refreshes is False
    clock.advance(3599)
    assert digest_of(engine) == account.access_token.digest
    with pytest.raises(LoginRequired, match="cannot be refreshed"):
        engine.token("idp", need=Need(rejected=account.access_token.digest))
    clock.advance(1)
    with pytest.raises(LoginRequired, match="has expired and cannot be refreshed"):
        engine.token("idp")
    assert len(rogue.seen("token")) == 1


@pytest.mark.parametrize("key", ["default", "../../x", "x" * 10_240, "\ud800", "\x00"])
def test_nobody_signed_in_is_said(engine, key):
    with pytest.raises(LoginRequired, match="You're not signed in to idp") as caught:
        engine.token("idp", key)
    assert caught.value.hint.startswith("Sign in with `jupyter auth login idp")


# -- bound to its configuration (SECURITY 15) ----------------------------------------------------


@pytest.mark.parametrize("change", ["issuer", "token endpoint", "client", "audience"])
def test_another_configuration_of_the_name_never_gets_it(rogue, clock, change):
    store = MemoryStore()
    account = sign_in(engine_of(store, clock, idp=rogue), rogue)
    with RogueProvider() as evil:
        changes = {
            "issuer": {"issuer": evil.issuer},
            "token endpoint": {"endpoints": {"token_endpoint": f"{evil.issuer}/token"}},
            "client": {"client_id": "other"},
            "audience": {"audience": "other"},
        }
        other = engine_of(store, clock, unrelated=rogue)
        other.configure(provider_at(rogue, **changes[change]))
        clock.advance(3600)
        for rejected in (None, account.access_token.digest):
            with pytest.raises(LoginRequired):
                other.token("idp", need=Need(rejected=rejected))
        assert other.id_token("idp") is None
        note = other.logout("idp")
        assert note.removed
        assert not note.revoked
        assert "configuration has changed" in note.note
        assert evil.requests == []
    assert rogue.seen("refresh") == []
    assert rogue.revoked == []


def test_nor_does_one_that_comes_while_a_refresh_waits(engines, rogue, clock):
    """The provider that was compared is the one that is asked, whatever its name means by then."""
    store = MemoryStore()
    with RogueProvider() as evil:
        engine = engines(store, unrelated=rogue)
        engine.configure(Provider(name="idp", **table(rogue)))
        sign_in(engine, rogue)
        clock.advance(3600)
        locked = store.locked(KEY)
        with ThreadPoolExecutor(1) as pool:
            with locked:
                waiting = pool.submit(engine.token, "idp")
                until(lambda: sharing() == 1)
                engine.configure(Provider(name="idp", **table(evil)))
            assert rogue.active(waiting.result(PATIENCE).access_token.reveal())
        assert evil.requests == []
