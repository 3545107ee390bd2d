"""A token endpoint that says when to ask again, and one that takes its time."""

from __future__ import annotations

import pytest

from core.sign_in import digest_of, exchanged, party_at, provider_at, refreshed, sign_in, table
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.errors import ProviderError
from jupyter_auth.core.protocol import http
from jupyter_auth.core.tokens.need import Need
from providers import troubles
from providers.troubles import Reply


def busy(status=429, value="60"):
    return lambda _: Reply(status, b"{}", {"Retry-After": value})


@pytest.mark.parametrize("said", [(429, "60"), (503, "60"), (429, "59.5")])
def test_it_is_asked_once_until_then(engine, rogue, account, clock, said):
    sign_in(engine, rogue, key="other")
    clock.advance(3600)
    rogue.script("refresh", busy(*said))
    for key in ("default", "other", "default"):
        for _ in range(7):
            with pytest.raises(ProviderUnavailable, match="takes no requests until") as caught:
                engine.token("idp", key)
            assert caught.value.retry_at == clock.now + 60
    assert len(rogue.seen("refresh")) == 1
    rogue.behave()
    clock.advance(59)
    with pytest.raises(ProviderUnavailable):
        engine.token("idp")
    clock.advance(1)
    assert digest_of(engine) != account.access_token.digest
    assert rogue.reuses == 0


def test_other_processes_of_the_person_wait_too(engines, files, rogue, clock):
    first, second = (engines(files, idp=rogue) for _ in range(2))
    sign_in(first, rogue)
    clock.advance(3600)
    rogue.script("refresh", busy())
    for engine in (first, second):
        with pytest.raises(ProviderUnavailable, match="takes no requests until"):
            engine.token("idp")
    assert len(rogue.seen("refresh")) == 1


def test_a_token_that_works_is_used_meanwhile(engine, rogue, account, clock):
    clock.advance(3550)
    rogue.script("refresh", busy())
    for _ in range(40):
        assert digest_of(engine) == account.access_token.digest
        clock.advance(1)
    assert len(rogue.seen("refresh")) == 1


def test_so_do_service_accounts(engines, rogue, clock):
    rogue.client_secret = "secret"
    given = table(rogue, client_secret="secret", client_auth="post", service={})
    engine = engines(unrelated=rogue)
    engine.configure(provider_at(rogue, **{k: given[k] for k in given if k != "issuer"}))
    rogue.script("token", busy())
    for key in ("default", "other"):
        for _ in range(5):
            with pytest.raises(ProviderUnavailable, match="takes no requests until"):
                engine.client_token("idp", key)
    assert len(rogue.seen("token")) == 1
    rogue.behave()
    clock.advance(60)
    assert engine.client_token("idp")


@pytest.mark.parametrize("value", ["soon", "", "-5", "0", "nan"])
@pytest.mark.usefixtures("account")
def test_an_odd_date_is_none(engine, rogue, clock, value):
    clock.advance(3600)
    rogue.script("refresh", busy(value=value))
    with pytest.raises(ProviderUnavailable, match="answered 429"):
        engine.token("idp")
    rogue.behave()
    assert engine.token("idp")


@pytest.mark.usefixtures("account")
def test_it_is_believed_for_a_day_at_most(engine, rogue, clock):
    clock.advance(3600)
    rogue.script("refresh", busy(value="1e9"))
    with pytest.raises(ProviderUnavailable):
        engine.token("idp", need=Need())
    rogue.behave()
    clock.advance(86400)
    assert engine.token("idp")


# -- slow ones -----------------------------------------------------------------------------------


def test_a_provider_says_how_long_its_tokens_take(rogue, tokens, monkeypatch):
    monkeypatch.setattr(http, "READ_TIMEOUT", 0.05)
    monkeypatch.setattr(http, "TOTAL_TIMEOUT", 0.05)
    gate = rogue.script("token", troubles.Gate())
    with pytest.raises(ProviderUnavailable, match="did not answer in time"):
        refreshed(party_at(rogue, token_timeout=0.2), tokens)
    gate.release()
    rogue.behave()
    assert exchanged(party_at(rogue), rogue)  # TOKEN_TIMEOUT


@pytest.mark.parametrize("after", [True, False])
def test_what_a_broken_connection_may_have_lost_is_said(party, rogue, tokens, after):
    rogue.script("refresh", troubles.close(after=after))
    with pytest.raises(ProviderUnavailable, match="closed the connection") as caught:
        refreshed(party, tokens)
    assert "has used up the refresh token" in caught.value.hint


def test_nothing_may_be_lost_where_nothing_was_sent(party, rogue, tokens):
    rogue.offline()
    with pytest.raises(ProviderUnavailable, match="cannot be reached") as caught:
        refreshed(party, tokens)
    assert "refresh token" not in caught.value.hint
    rogue.online()


def test_a_spoiled_response_hides_its_refresh_token(party, rogue, tokens):
    rogue.script("refresh", troubles.fields(access_token=7))
    with pytest.raises(ProviderError) as caught:
        refreshed(party, tokens)
    assert caught.value.refresh_token.reveal() not in f"{caught.value!r} {vars(caught.value)}"
