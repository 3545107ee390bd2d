"""A session whose account is made of another one: who is asked for what, and what it then sends."""

from __future__ import annotations

import pytest

from core.tokens.exchange.derived import exchanges, tables
from jupyter_auth.core.errors import LoginRequired
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.kernel.broker.connect import connect
from jupyter_auth.kernel.commands import verbs
from jupyter_auth.kernel.session.user_session import UserSession, token
from kernel.sign_in import person, sign_in
from patience import PATIENCE

pytestmark = pytest.mark.usefixtures("kernel_api")


@pytest.fixture
def configured(oidc):
    given = tables(oidc)
    given["idp"] |= {"title": "The IdP", "username_claim": "preferred_username"}
    given["derived"]["base_url"] = oidc.issuer
    return given


@pytest.fixture
def signed_in(engine, oidc):
    sign_in(engine, oidc, engine.begin(LoginRequest("idp")))


def test_a_person_signs_in_to_the_source_and_is_told_what_for(engine, oidc, capfd):
    with person(engine, oidc):
        session = UserSession("derived", interactive=True, timeout=PATIENCE)
    shown = capfd.readouterr().err
    assert "Sign in to The IdP" in shown
    assert "This sign-in is for Derived API." in shown
    assert session.get("/api/x").json() == {
        "sub": "u-1001",
        "username": "alice",
        "scope": "api:read",
        "path": "/api/x",
    }
    assert (session.username, session.scopes) == ("alice", ("api:read",))
    assert session.authenticated


@pytest.mark.usefixtures("signed_in")
def test_who_is_signed_in_to_the_source_is_not_asked(engine):
    session = UserSession("derived", interactive=True)
    assert session.get("/api/x").json()["sub"] == "u-1001"
    assert token("derived") == session.access_token
    assert engine.logins() == []
    rows = verbs.status().rows
    assert [row[0] for row in rows] == ["derived", "idp"]
    assert {row[2] for row in rows} == {"alice"}


def test_with_nobody_there_the_next_step_works():
    with pytest.raises(LoginRequired, match="not signed in to Derived API") as caught:
        UserSession("derived", interactive=False)
    assert "`jupyter auth login derived`" in caught.value.hint
    with pytest.raises(LoginRequired) as caught:
        token("derived")
    assert "`jupyter auth login idp`" in caught.value.hint


@pytest.mark.usefixtures("signed_in")
def test_signing_out_of_it_is_signing_out_until_the_next_sign_in(engine, oidc):
    session = UserSession("derived")
    before = session.access_token
    assert verbs.logout("derived").startswith("Signed out of derived.")
    with pytest.raises(LoginRequired):
        session.get("/api/x")
    assert UserSession("idp").authenticated
    with person(engine, oidc):
        again = UserSession("derived", interactive=True, timeout=PATIENCE)
    assert again.access_token != before


@pytest.mark.usefixtures("signed_in")
def test_a_token_that_the_api_refuses_is_exchanged_again(oidc):
    session = UserSession("derived")
    assert session.get("/api/x").ok
    made = exchanges(oidc)
    oidc.expire()
    assert session.get("/api/x").ok
    assert exchanges(oidc) == made + 1


@pytest.mark.usefixtures("signed_in")
def test_once_the_source_is_signed_out_a_kernel_sends_nothing():
    session = UserSession("derived")
    assert session.get("/api/x").ok
    UserSession("idp").logout()
    with pytest.raises(LoginRequired):
        session.get("/api/x")


def test_doctor_says_whose_token_it_is():
    found = {each.about: each for each in connect().examine("derived")}
    assert "idp" in found["Exchange"].says
    assert not [each for each in found.values() if each.state == "wrong"]
    assert "Redirect URI" not in found
