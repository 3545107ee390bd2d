"""Signing out: gone from here at once, then taken back there, or said why not (SECURITY 15)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.sign_in import account_of, provider_at, sign_in, table
from jupyter_auth.core.errors import LoginRequired
from jupyter_auth.core.models import Logout
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.core.tokens import revocation
from memory_store import MemoryStore
from patience import PATIENCE
from providers import troubles
from providers.rogue import RogueProvider
from providers.troubles import MISSING


def test_a_real_provider_takes_both_tokens_back(engines, oidc):
    import time

    engine = engines(clock=time.time, idp=oidc)
    account = sign_in(engine, oidc)
    assert engine.logout("idp") == Logout(removed=True, revoked=True)
    for token in (account.access_token, account.refresh_token):
        assert not oidc.introspect(token.reveal())["active"]


def test_the_refresh_token_goes_first(engine, rogue, account):
    engine.logout("idp")
    assert rogue.revoked == [account.refresh_token.reveal(), account.access_token.reveal()]
    hints = [request.form["token_type_hint"] for request in rogue.seen("revoke")]
    assert hints == ["refresh_token", "access_token"]


@pytest.mark.usefixtures("account")
def test_it_is_gone_here_before_the_provider_hears_of_it(engine, rogue):
    gate = rogue.script("revoke", troubles.Gate())
    with ThreadPoolExecutor(1) as pool:
        leaving = pool.submit(engine.logout, "idp")
        try:
            assert gate.arrived.wait(PATIENCE)
            assert engine.accounts() == []
            with pytest.raises(LoginRequired):
                engine.token("idp")
        finally:
            gate.release()
        assert leaving.result(PATIENCE).revoked


@pytest.mark.usefixtures("account")
def test_nothing_is_revoked_where_that_is_not_wanted(engine, rogue):
    assert engine.logout("idp", revoke=False) == Logout(removed=True, revoked=False)
    assert rogue.revoked == []


def test_nobody_to_sign_out_is_said(engine):
    assert engine.logout("idp").removed is False
    assert engine.logout("unknown").note == "No account was signed in."


@pytest.mark.usefixtures("account")
def test_it_is_told_of(engine):
    since = engine.changes().sequence
    engine.logout("idp")
    (change,) = engine.changes(since).changes
    assert (change.kind, change.provider, change.session_key) == ("removed", "idp", "default")


@pytest.mark.usefixtures("account")
def test_other_accounts_stay(engine, rogue):
    work = sign_in(engine, rogue, key="work")
    engine.logout("idp")
    assert account_of(engine, key="work") == work


def test_a_provider_that_offers_no_revocation_is_said(rogue, engines):
    rogue.script("discovery", troubles.fields(revocation_endpoint=MISSING))
    new = engines(idp=rogue)
    sign_in(new, rogue)
    out = new.logout("idp")
    assert (out.removed, out.revoked) == (True, False)
    assert "does not support revocation" in out.note


@pytest.mark.usefixtures("account")
def test_what_a_provider_does_not_revoke_is_said_and_not_tried_again(engine, rogue):
    """RFC 7009 2.2.1. What was revoked before it is enough: nothing new comes of it."""
    rogue.script("revoke", lambda proceed: proceed(), times=1)
    rogue.script("revoke", troubles.error("unsupported_token_type"))
    out = engine.logout("idp")
    assert (out.revoked, "does not revoke the access token" in out.note) == (True, True)
    assert "again" not in out.note
    sign_in(engine, rogue)
    out = engine.logout("idp")
    assert not out.revoked
    assert "refresh token and access token" in out.note


@pytest.mark.parametrize(
    ("refused", "revoked", "said"),
    [
        ([None, troubles.error("invalid_token", 400, "Token expired or revoked")], True, ""),
        ([troubles.error("invalid_token")] * 2, True, ""),
        ([None, troubles.error("unsupported_token_type")], True, "unsupported_token_type"),
        ([None, troubles.error("invalid_request", 400, "No such token")], True, "No such token"),
        ([None, troubles.status(403)], True, "HTTP 403"),
        ([troubles.status(404)] * 2, False, "HTTP 404"),
        ([troubles.error("unauthorized_client", 400, "not yours")] * 2, False, "not yours"),
    ],
    ids=["gone along", "gone before", "one kind", "400", "403", "404", "not allowed"],
)
@pytest.mark.usefixtures("account")
def test_a_refused_revocation_is_the_last_word(engine, rogue, refused, revoked, said):
    """RFC 7009 2.2: an invalid token needs no more. A refusal is passed on, not tried again."""
    for each in refused:
        rogue.script("revoke", each or (lambda proceed: proceed()), times=1)
    out = engine.logout("idp")
    assert (out.removed, out.revoked) == (True, revoked)
    assert said in out.note if said else out.note == ""
    assert "retried" not in out.note
    assert revocations() == []
    assert len(rogue.seen("revoke")) == 2


def test_nor_is_one_asked_that_must_not_be(engines, rogue):
    engine = engines(unrelated=rogue)
    engine.configure(provider_at(rogue, revoke=False))
    sign_in(engine, rogue)
    assert engine.logout("idp").revoked is False
    assert rogue.revoked == []


def test_an_account_whose_provider_is_gone_can_be_signed_out(engines, rogue):
    store = MemoryStore()
    sign_in(engines(store, idp=rogue), rogue)
    out = engines(store, other=rogue).logout("idp")
    assert (out.removed, out.revoked) == (True, False)
    assert rogue.revoked == []
    assert store.accounts() == []


@pytest.mark.parametrize(
    "trouble",
    [troubles.status(500), troubles.close(), troubles.Gate(), troubles.status(429)],
    ids=["500", "hang-up", "silence", "429"],
)
@pytest.mark.usefixtures("account")
def test_what_could_not_be_revoked_is_said(engine, rogue, impatient, trouble):
    rogue.script("revoke", trouble)
    with impatient():
        out = engine.logout("idp")
    assert (out.removed, out.revoked) == (True, False)
    assert "retried while this program runs" in out.note
    assert engine.accounts() == []


@pytest.fixture
def soon(monkeypatch):
    """Revocations are tried again at once."""
    monkeypatch.setattr(revocation, "RETRIES", (0.02,) * 10_000)


def revocations() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "revocation"]


@pytest.mark.usefixtures("soon")
def test_and_tried_again_until_it_is_done(engine, rogue, account):
    rogue.offline()
    assert engine.logout("idp").revoked is False
    rogue.online()
    for thread in revocations():
        thread.join(PATIENCE)
    assert rogue.revoked == [account.refresh_token.reveal(), account.access_token.reveal()]


@pytest.mark.usefixtures("soon")
def test_what_is_tried_again_never_goes_to_another(engines, rogue):
    """By then the name may mean somebody else's server."""
    engine = engines(unrelated=rogue)
    engine.configure(Provider(name="idp", **table(rogue)))
    sign_in(engine, rogue)
    rogue.offline()
    with RogueProvider() as evil:
        engine.logout("idp")
        engine.configure(Provider(name="idp", **table(evil)))
        rogue.online()
        for thread in revocations():
            thread.join(PATIENCE)
        assert evil.requests == []
    assert len(rogue.revoked) == 2


@pytest.mark.usefixtures("account")
def test_closing_ends_the_trying(engine, rogue):
    rogue.script("revoke", troubles.status(500))
    engine.logout("idp")
    engine.close()
    for thread in revocations():
        thread.join(PATIENCE)
    assert revocations() == []


@pytest.mark.usefixtures("account")
def test_a_sign_out_during_a_refresh_is_the_last_word(engine, rogue, clock):
    clock.advance(3600)
    gate = rogue.script("refresh", troubles.Gate())
    with ThreadPoolExecutor(2) as pool:
        asking = pool.submit(engine.token, "idp")
        assert gate.arrived.wait(PATIENCE)
        leaving = pool.submit(engine.logout, "idp")
        gate.release()
        fresh = asking.result(PATIENCE)
        assert leaving.result(PATIENCE).revoked
    assert engine.accounts() == []
    assert not rogue.active(fresh.access_token.reveal())
