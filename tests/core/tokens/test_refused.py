"""An account whose refresh is refused, or fails again and again: kept, until a new sign-in."""

from __future__ import annotations

import pytest

from core.sign_in import digest_of, sign_in
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.errors import AuthError, ConfigurationError, LoginRequired, RefreshRejected
from jupyter_auth.core.models import AccountKey
from jupyter_auth.core.tokens.need import Need
from providers import troubles
from providers.troubles import MISSING

KEY = AccountKey("idp")
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


def test_what_another_process_achieved_ends_the_trouble(engines, files, rogue, clock):
    engine, other = (engines(files, idp=rogue) for _ in range(2))
    sign_in(engine, rogue)
    clock.advance(3600)
    rogue.script("refresh", troubles.status(502))
    for _ in range(200):
        with pytest.raises(AuthError):
            engine.token("idp")
        clock.advance(1)
    assert engine.accounts()[0].trouble
    rogue.behave()
    assert other.token("idp")
    assert engine.accounts()[0].trouble == ""
    clock.advance(3600)
    rogue.script("refresh", troubles.status(502))
    with pytest.raises(ProviderUnavailable):  # the first of another token
        engine.token("idp")


@pytest.mark.usefixtures("account")
def test_a_sign_in_does_not_help_a_wrong_configuration(engine, rogue, clock):
    clock.advance(3600)
    rogue.script("refresh", troubles.error("invalid_client", 401))
    for _ in range(300):
        with pytest.raises(ConfigurationError, match="client ID or secret"):
            engine.token("idp")
        clock.advance(1)
    assert len(rogue.seen("refresh")) < 15
    assert engine.accounts()[0].trouble == ""


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


@pytest.mark.usefixtures("account")
def test_a_sign_in_may_come_with_the_news_of_it(engine, rogue, clock):
    clock.advance(3600)
    rogue.script("refresh", troubles.status(502))
    left = [True]
    engine.listen(lambda: left and left.pop() and sign_in(engine, rogue))
    while left:
        with pytest.raises(AuthError, match="answered 502"):
            engine.token("idp")
        clock.advance(1)
    assert rogue.active(engine.token("idp").access_token.reveal())
