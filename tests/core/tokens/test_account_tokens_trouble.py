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


# -- a refresh that is refused -------------------------------------------------------------------


WORDS = {
    "invalid_grant": troubles.error("invalid_grant"),
    "interaction_required": troubles.error("interaction_required"),
    "HTTP 400": troubles.status(400),
}


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.usefixtures("account")
def test_a_refused_account_is_kept_and_says_so(engine, rogue, clock, words):
    since = engine.changes().sequence
    clock.advance(3600)
    rogue.script("refresh", WORDS[words])
    for _ in range(4):
        with pytest.raises(RefreshRejected, match=words) as caught:
            engine.token("idp")
        assert caught.value.hint == "Sign in with `jupyter auth login idp` in a terminal."
    assert len(rogue.seen("refresh")) == 1
    (info,) = engine.accounts()
    assert words in info.trouble
    assert info.over(clock())
    assert engine.account(KEY) == info
    assert [change.kind for change in engine.changes(since).changes] == ["account"]


@pytest.mark.parametrize("words", WORDS)
def test_it_is_refused_in_every_process(engines, files, rogue, clock, words):
    sign_in(engines(files, idp=rogue), rogue)
    others = engines(files, idp=rogue)
    since = others.changes().sequence
    clock.advance(3600)
    rogue.script("refresh", WORDS[words])
    with pytest.raises(RefreshRejected):
        engines(files, idp=rogue).token("idp")
    with pytest.raises(RefreshRejected, match=words):
        others.token("idp")
    assert len(rogue.seen("refresh")) == 1
    assert words in others.accounts()[0].trouble
    others.poll()
    assert [change.kind for change in others.changes(since).changes] == ["account"]


@pytest.mark.parametrize("words", WORDS)
def test_while_the_token_works_it_is_used(engine, rogue, account, clock, words):
    """Some providers refuse early refreshes: one more at expiry decides."""
    rogue.script("refresh", WORDS[words])
    clock.advance(3550)
    for min_valid in (0, 0, 40, 40):
        assert digest_of(engine, min_valid=min_valid) == account.access_token.digest
    (info,) = engine.accounts()
    assert words in info.trouble
    assert not info.over(clock())
    assert len(rogue.seen("refresh")) == 1
    clock.advance(50)
    for _ in range(3):
        with pytest.raises(RefreshRejected):
            engine.token("idp")
    assert len(rogue.seen("refresh")) == 2


def test_a_refresh_at_expiry_may_be_granted(engine, rogue, account, clock):
    rogue.script("refresh", troubles.error("invalid_grant"), times=1)
    clock.advance(3550)
    assert digest_of(engine) == account.access_token.digest
    clock.advance(50)
    assert rogue.active(engine.token("idp").access_token.reveal())
    assert engine.accounts()[0].trouble == ""
    assert rogue.reuses == 0


def test_a_token_that_the_api_rejects_is_dead(engine, rogue, account, clock):
    rogue.script("refresh", troubles.error("invalid_grant"))
    for rejected in (account.access_token.digest, None, account.access_token.digest):
        with pytest.raises(RefreshRejected):
            engine.token("idp", need=Need(rejected=rejected))
    assert len(rogue.seen("refresh")) == 1
    assert engine.accounts()[0].over(clock())


def test_so_is_one_without_a_life_time(engine, rogue, clock):
    rogue.script("token", troubles.fields(expires_in=MISSING))
    account = sign_in(engine, rogue)
    rogue.script("refresh", troubles.error("login_required"))
    for rejected in (account.access_token.digest, None):
        with pytest.raises(RefreshRejected):
            engine.token("idp", need=Need(rejected=rejected))
    assert engine.accounts()[0].over(clock())


@pytest.mark.usefixtures("account")
def test_an_administrator_may_mend_what_is_refused(engine, rogue, clock):
    """It is tried again, with growing pauses; after ``invalid_grant`` it is not."""
    clock.advance(3600)
    rogue.script("refresh", troubles.error("unauthorized_client"))
    for _ in range(3600):
        with pytest.raises(RefreshRejected):
            engine.token("idp")
        clock.advance(1)
    assert 8 < len(rogue.seen("refresh")) < 14
    rogue.behave()
    clock.advance(3600)
    assert rogue.active(engine.token("idp").access_token.reveal())
    assert engine.accounts()[0].trouble == ""


@pytest.mark.usefixtures("account")
def test_what_is_final_is_not_tried_again(engine, rogue, clock):
    clock.advance(3600)
    rogue.script("refresh", troubles.error("invalid_grant"), times=1)
    for _ in range(3):
        with pytest.raises(RefreshRejected):
            engine.token("idp")
        clock.advance(86400)
    assert len(rogue.seen("refresh")) == 1


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.usefixtures("account")
def test_a_new_sign_in_ends_the_trouble(engine, rogue, clock, words):
    clock.advance(3600)
    rogue.script("refresh", WORDS[words], times=1)
    with pytest.raises(RefreshRejected):
        engine.token("idp")
    sign_in(engine, rogue)
    assert engine.accounts()[0].trouble == ""
    assert digest_of(engine)


def test_a_sign_out_of_a_refused_account_revokes(engine, rogue, account, clock):
    clock.advance(3600)
    rogue.script("refresh", troubles.error("interaction_required"))
    with pytest.raises(RefreshRejected):
        engine.token("idp")
    assert engine.logout("idp").revoked
    assert engine.accounts() == []
    assert not rogue.active(account.refresh_token.reveal())


@pytest.mark.usefixtures("account")
def test_after_many_failures_a_sign_in_is_offered_while_it_is_tried(engine, rogue, clock):
    since = engine.changes().sequence
    clock.advance(3600)
    rogue.script("refresh", troubles.status(502))
    kinds = []
    for _ in range(600):
        with pytest.raises(AuthError, match="answered 502") as caught:
            engine.token("idp")
        kinds.append(type(caught.value))
        clock.advance(1)
    assert set(kinds[:120]) == {ProviderUnavailable}
    assert kinds[-1] is LoginRequired
    assert 5 <= len(rogue.seen("refresh")) < 20
    assert "answered 502" in engine.accounts()[0].trouble
    assert [change.kind for change in engine.changes(since).changes] == ["account"]
    clock.advance(60)
    rogue.behave()
    assert rogue.active(engine.token("idp").access_token.reveal())
    assert engine.accounts()[0].trouble == ""


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
