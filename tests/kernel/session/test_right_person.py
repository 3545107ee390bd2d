"""A session goes on as the person it was made for, or not at all; people live side by side."""

from __future__ import annotations

import pickle

import httpx
import pytest
import requests

from jupyter_auth.core.errors import LoginRequired, UserMismatch
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.kernel.http.other_clients import credential, httpx_auth
from jupyter_auth.kernel.http.requests_auth import TokenAuth
from jupyter_auth.kernel.http.warnings import AuthWarning
from jupyter_auth.kernel.session.user_session import UserSession
from kernel.forks_and_interrupts import child
from kernel.sign_in import person, sign_in
from patience import PATIENCE, eventually
from providers.troubles import error


@pytest.fixture
def arrive(engine, rogue):
    """Sign somebody in, under a key of a session's choice."""

    def done(name, session_key="default"):
        rogue.sub, rogue.username = f"u-{name}", name
        login = engine.begin(LoginRequest("idp", session_key, force=True))
        assert sign_in(engine, rogue, login).status == "complete"

    return done


@pytest.fixture
def comes(engine, rogue):
    """Somebody who deals with the next login."""

    def next_one(name):
        rogue.sub, rogue.username = f"u-{name}", name
        return person(engine, rogue)

    return next_one


def heard(session):
    """The kernel has been told that something changed: the token in memory is gone."""
    return eventually(lambda: session._account.tokens.held is None)


def who(session):
    return session.get("/api/x").json()["sub"]


@pytest.fixture
def rosas(kernel_api, arrive):  # noqa: ARG001
    """A session of rosa's, who did not have to be named."""
    arrive("rosa")
    session = UserSession("idp", interactive=True, timeout=PATIENCE)
    assert who(session) == "u-rosa"
    yield session
    session.close()


def test_another_persons_token_is_not_sent(rosas, arrive, rogue):
    arrive("bob")
    assert heard(rosas)
    before = len(rogue.seen("api"))
    for _ in range(2):
        with pytest.raises(UserMismatch, match="bob has signed in to The IdP") as caught:
            rosas.get("/api/x")
    assert isinstance(caught.value, AssertionError)
    assert len(rogue.seen("api")) == before


def test_what_the_error_says_works(rosas, arrive, engine):
    arrive("bob")
    assert heard(rosas)
    with pytest.raises(UserMismatch, match=r"session\.authenticate\(\)"):
        rosas.get("/api/x")
    rosas.authenticate()
    assert who(rosas) == "u-bob"
    assert engine.logins() == []
    arrive("rosa")
    assert heard(rosas)
    with pytest.raises(UserMismatch):
        rosas.get("/api/x")


def test_nothing_of_another_person_is_shown(rosas, arrive):
    assert (rosas.username, rosas.authenticated) == ("rosa", True)
    assert rosas.id_token
    arrive("bob")
    assert (rosas.username, rosas.authenticated, rosas.scopes, rosas.id_token) == (
        *(None, False, (), None),
    )
    assert "bob" not in repr(rosas)
    assert heard(rosas)
    with pytest.raises(UserMismatch):
        _ = rosas.access_token


def test_another_person_is_not_signed_out(rosas, arrive, engine):
    arrive("bob")
    gone = rosas.logout()
    assert (gone.removed, gone.note) == (False, "bob stays signed in.")
    assert [each.username for each in engine.accounts()] == ["bob"]


def test_who_signs_in_at_a_requests_prompt_is_no_other_person(rosas, comes, rogue):
    rogue.expire()
    rogue.script("refresh", error("invalid_grant"))
    before = len(rogue.seen("api"))
    with comes("bob"), pytest.raises(UserMismatch, match="bob has signed in"):
        rosas.get("/api/x")
    # The request that found the token dead, and none as bob.
    assert [each for each in rogue.seen("api")[before:] if _sub(rogue, each) == "u-bob"] == []


def _sub(rogue, request):
    family = rogue._bearer(request.headers["authorization"].removeprefix("Bearer "))
    return family and family.sub


def test_a_copy_and_a_child_are_of_the_same_person(rosas, arrive):
    copied = pickle.dumps(rosas)
    arrive("bob")
    assert heard(rosas)
    with pytest.raises(UserMismatch):
        pickle.loads(copied).get("/api/x")  # noqa: S301
    assert child(lambda: rosas.get("/api/x").status_code).startswith("UserMismatch")


@pytest.mark.usefixtures("kernel_api")
def test_other_clients_are_of_one_person_too(arrive, rogue):
    arrive("rosa")
    auths = {"requests": TokenAuth("idp"), "httpx": httpx_auth("idp"), "azure": credential("idp")}
    url = f"{rogue.issuer}/api/x"
    calls = {
        "requests": lambda: requests.get(url, auth=auths["requests"], timeout=PATIENCE),
        "httpx": lambda: httpx.get(url, auth=auths["httpx"], timeout=PATIENCE),
        "azure": lambda: auths["azure"].get_token("openid"),
    }
    for call in calls.values():
        assert call()
    copied = pickle.dumps(auths["requests"])
    arrive("bob")
    before = len(rogue.seen("api"))
    for call in calls.values():
        assert eventually(lambda call=call: refused(call))
    with pytest.raises(UserMismatch):
        requests.get(url, auth=pickle.loads(copied), timeout=PATIENCE)  # noqa: S301
    assert {_sub(rogue, each) for each in rogue.seen("api")[before:]} <= {"u-rosa"}


def refused(call):
    try:
        call()
    except UserMismatch:
        return True
    return False


class TestProviderThatNamesNobody:
    @pytest.fixture
    def configured(self, rogue):
        names = ("authorization_endpoint", "authorize"), ("token_endpoint", "token")
        endpoints = {name: f"{rogue.issuer}/{path}" for name, path in names}
        table = {"endpoints": endpoints, "client_id": rogue.client_id, "base_url": rogue.issuer}
        return {"idp": table}

    @pytest.mark.usefixtures("kernel_api")
    def test_another_sign_in_is_said(self, arrive):
        arrive("rosa")
        session = UserSession("idp", interactive=False)
        assert session.username is None
        assert session.get("/api/x").ok
        arrive("bob")
        assert heard(session)
        with pytest.warns(AuthWarning, match="does not say who"):
            assert session.get("/api/x").ok
        assert session.get("/api/x").ok  # said once

    @pytest.mark.usefixtures("kernel_api")
    def test_its_own_sign_in_is_not_another_persons(self, comes, rogue, recwarn):
        with comes("rosa"):
            session = UserSession("idp", interactive=True, timeout=PATIENCE)
        rogue.script("refresh", error("invalid_grant"))
        rogue.expire()
        with comes("rosa"):
            assert session.get("/api/x").ok
        assert session.authenticated
        assert not recwarn.list


# By user name


@pytest.mark.usefixtures("kernel_api")
def test_two_people_take_turns_without_signing_each_other_out(comes, engine, rogue):
    sessions = {}
    for name in ("alice", "bob"):
        with comes(name):
            made = UserSession("idp", username=name, interactive=True, timeout=PATIENCE)
        sessions[name] = made
        assert made.session_key == made.username == name
    logins = len(rogue.seen("authorize"))
    for name in ("alice", "bob", "alice"):
        again = UserSession("idp", username=name, interactive=False)
        assert (again.username, who(again)) == (name, f"u-{name}")
        assert who(sessions[name]) == f"u-{name}"
    rogue.expire()
    for name in ("alice", "bob"):
        rogue.sub = f"u-{name}"  # a refresh is answered for this one
        assert who(sessions[name]) == f"u-{name}"
    assert len(rogue.seen("authorize")) == logins
    assert {each.username for each in engine.accounts()} == {"alice", "bob"}


@pytest.mark.usefixtures("kernel_api")
def test_the_account_is_found_wherever_it_is(arrive, engine):
    arrive("alice")
    arrive("bob", "work")
    assert UserSession("idp", username="alice", interactive=False).session_key == "default"
    assert UserSession("idp", username="bob", interactive=False).session_key == "work"
    assert UserSession("idp", username="u-bob", interactive=False).session_key == "work"
    assert engine.logins() == []


@pytest.mark.usefixtures("kernel_api")
def test_a_key_of_that_name_is_not_taken_from_another_person(arrive, comes, engine):
    arrive("bob", "alice")
    with comes("alice"):
        session = UserSession("idp", username="alice", interactive=True, timeout=PATIENCE)
    assert (session.username, session.session_key) == ("alice", "alice-2")
    assert {each.username for each in engine.accounts()} == {"alice", "bob"}
    assert UserSession("idp", username="alice", interactive=False).session_key == "alice-2"


@pytest.mark.usefixtures("kernel_api")
def test_the_hint_signs_the_right_one_in(arrive):
    arrive("rosa")
    with pytest.raises(LoginRequired, match="alice is not signed in to The IdP; rosa is") as caught:
        UserSession("idp", username="alice", interactive=False)
    assert "`jupyter auth login idp --key alice`" in caught.value.hint
    arrive("alice", "alice")  # what it does
    assert UserSession("idp", username="alice", interactive=False).username == "alice"


@pytest.mark.usefixtures("kernel_api")
def test_who_lost_the_default_account_goes_on_under_a_key_of_their_own(arrive, comes, engine):
    arrive("rosa")
    session = UserSession("idp", username="rosa", interactive=True, timeout=PATIENCE)
    assert who(session) == "u-rosa"
    arrive("bob")
    assert heard(session)
    with comes("rosa"):
        assert who(session) == "u-rosa"
    assert session.session_key == "rosa"
    assert {(each.session_key, each.username) for each in engine.accounts()} == {
        ("default", "bob"),
        ("rosa", "rosa"),
    }


@pytest.mark.usefixtures("kernel_api")
def test_or_is_told_where_nobody_is_there(arrive, rogue):
    arrive("rosa")
    session = UserSession("idp", username="rosa", interactive=False)
    assert who(session) == "u-rosa"
    arrive("bob")
    assert heard(session)
    before = len(rogue.seen("api"))
    with pytest.raises(UserMismatch):
        session.get("/api/x")
    assert len(rogue.seen("api")) == before
    arrive("rosa", "rosa")
    assert heard(session)
    assert who(session) == "u-rosa"


@pytest.mark.usefixtures("home")
def test_without_a_server_too(rogue, configured, monkeypatch):
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.kernel.broker.connect import connect

    own = Provider(name="idp", **configured["idp"])
    connect().register(own)
    engine = connect()

    def arrives(name):
        rogue.sub, rogue.username = f"u-{name}", name
        login = engine.begin(LoginRequest("idp", force=True))
        assert requests.get(engine.login(login.id).url, timeout=PATIENCE).ok
        assert eventually(lambda: engine.login(login.id).status == "complete")

    monkeypatch.setenv("BROWSER", "true")
    arrives("rosa")
    session = UserSession(own, interactive=False)
    assert who(session) == "u-rosa"
    auth, url = TokenAuth("idp"), f"{rogue.issuer}/api/x"
    assert requests.get(url, auth=auth, timeout=PATIENCE).ok
    arrives("bob")
    assert heard(session)
    with pytest.raises(UserMismatch):
        session.get("/api/x")
    assert eventually(lambda: refused(lambda: requests.get(url, auth=auth, timeout=PATIENCE)))
    with pytest.raises(UserMismatch, match="'default' at idp belongs to another person"):
        requests.get(url, auth=auth, timeout=PATIENCE)
