"""Insiders, row by row of what is known of it, at the real django-oauth-toolkit: one grant for each
application, slashes at the end, and refresh tokens that live for ever but rotate.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from jupyter_auth import UserSession
from jupyter_auth.core.errors import (
    ConfigurationError,
    LoginFailed,
    LoginRequired,
    RefreshRejected,
)
from jupyter_auth.core.login.login_store import AuthorizationResponse
from jupyter_auth.core.models import AccountKey, LoginRequest
from jupyter_auth.core.protocol import oauth
from jupyter_auth.core.secret import Secret
from jupyter_auth.server.browser import render
from patience import eventually
from providers.person import LoginRefused
from providers.presets.insiders import CALLBACK
from systems.presets import preset_at

TOKEN = "/oauth2/token/"
REVOKE = "/oauth2/revoke-token/"


@pytest.fixture
def table(insiders):
    """The preset, at the server of the test, with the client of the code grant."""
    credentials = {"client_id": insiders.code_client, "client_secret": insiders.client_secret}
    return preset_at("insiders", {"https://api.asi.swiss": insiders.origin}, **credentials)


@pytest.fixture
def engine(broker, table):
    return broker({"insiders": table})


@pytest.fixture
def sign_in(engine, insiders):
    """The browser's part of a login; the login with its outcome."""

    def go(key="default", **who):
        login = engine.begin(LoginRequest("insiders", key))
        url, binding = engine.open(login.id, CALLBACK, "me")
        back = dict(parse_qsl(urlsplit(insiders.login(url, **who)).query))
        return engine.finish(
            AuthorizationResponse(
                "insiders", back, {binding.name: binding.value}, "me", confirm_by=None
            )
        )

    return go


@pytest.fixture
def session(sign_in):
    assert sign_in().status == "complete"
    with UserSession("insiders", interactive=False) as made:
        yield made


def account(engine, key="default"):
    return engine._tokens.load(engine.configured("insiders"), AccountKey("insiders", key))


# -- the rows of the table -----------------------------------------------------------------------


def test_flow_code_and_callback(session):
    assert session.get("devices/", params={"current": True}).json()["count"] == 3
    assert session.get(f"{session._base_url}devices/").ok


def test_flow_denied(sign_in):
    login = sign_in(consent=False)
    assert (login.status, login.error["code"]) == ("denied", "login_denied")


def test_flow_one_per_application(broker, table, insiders):
    """A registration for passwords refuses a code: their authorize page says so and sends back."""
    engine = broker({"insiders": table | {"client_id": insiders.password_client}})
    login = engine.begin(LoginRequest("insiders", grant="authorization_code"))
    url, _ = engine.open(login.id, CALLBACK, "me")
    with pytest.raises(LoginRefused, match=r"(?i)redirect"):  # it has none: nothing comes back
        insiders.login(url)


def test_client_auth_basic(session, insiders):  # noqa: ARG001
    (asked,) = insiders.journal(TOKEN)
    assert asked["basic"]
    assert not {"client_id", "client_secret"} & asked["form"].keys()


def test_token_url_fixed_with_a_slash_at_the_end(broker, table, insiders):
    """Without it a POST becomes a redirect: never followed, and said in so many words."""
    table["endpoints"]["token_endpoint"] = table["endpoints"]["token_endpoint"].rstrip("/")
    engine = broker({"insiders": table})
    login = engine.begin(LoginRequest("insiders"))
    url, binding = engine.open(login.id, CALLBACK, "me")
    back = dict(parse_qsl(urlsplit(insiders.login(url)).query))
    ended = engine.finish(
        AuthorizationResponse(
            "insiders", back, {binding.name: binding.value}, "me", confirm_by=None
        )
    )
    assert ended.status == "failed"
    assert ended.error["code"] == "configuration_error"
    assert "trailing slash" in ended.error["hint"]
    assert insiders.journal(TOKEN) == []


def test_extra_params_none(session, insiders):  # noqa: ARG001
    (asked,) = insiders.journal(TOKEN)
    assert set(asked["form"]) == {"grant_type", "code", "redirect_uri", "code_verifier"}
    first = insiders.journal("/oauth2/authorize/")[0]["query"]
    assert (first["scope"], first["code_challenge_method"]) == ("all", "S256")


def test_api_header_bearer(session, insiders):
    assert session.get("devices/").ok
    session.auth = None
    assert session.get("devices/").status_code == 403
    assert len(insiders.journal("/api/v1/devices/")) == 2


def test_refresh_by_a_token_that_never_expires(session, engine, insiders):
    before = account(engine)
    assert 35990 < before.expires_at - before.issued_at <= 36000
    insiders.expire()
    assert session.get("devices/").ok  # 403 for a dead token: refreshed, and once again
    after = account(engine)
    assert after.refresh_token != before.refresh_token
    assert insiders.alive(after.refresh_token.reveal())
    assert [each["status"] for each in insiders.journal("/api/v1/devices/")] == [403, 200]


@pytest.mark.parametrize("status", [401, 403])
def test_refresh_where_django_rest_framework_answers(session, insiders, status):
    """A dead token is 401 there, with a challenge, or 403 where cookies are looked at first."""
    url = f"rest/{status}/"
    assert session.get(url).json()["owner"] == insiders.username
    insiders.expire()
    answer = session.get(url)
    assert answer.json()["owner"] == insiders.username
    (refused,) = answer.history
    assert refused.status_code == status
    assert ("WWW-Authenticate" in refused.headers) == (status == 401)


def test_revoke_both_tokens(session, engine, insiders):
    held = account(engine)
    outcome = session.logout()
    assert (outcome.removed, outcome.revoked, outcome.note) == (True, True, "")
    assert not insiders.alive(held.access_token.reveal())
    assert not insiders.alive(held.refresh_token.reveal())
    first, second = insiders.journal(REVOKE)
    assert first["form"]["token"] == held.refresh_token.reveal()  # it could make new ones
    assert second["form"]["token"] == held.access_token.reveal()
    assert {each["status"] for each in (first, second)} == {200}


def test_kept_under_ours_several_at_a_time(sign_in, engine, insiders):
    sign_in()
    sign_in("second", username="jane")
    jane = UserSession("insiders", session_key="second", interactive=False)
    assert jane.get("devices/").json()["owner"] == "jane"
    john = UserSession("insiders", interactive=False)
    assert john.get("devices/").json()["owner"] == insiders.username
    jane.logout()
    assert john.get("devices/").ok
    assert len(engine.accounts()) == 1


def test_leeway_ours(session, engine):
    held = account(engine)
    assert session._account.tokens.token().refresh_at == held.expires_at - 60


# -- how refresh tokens rotate -------------------------------------------------------------------


def refresh(engine, token):
    party = engine._parties.of("insiders")
    return oauth.refresh(party, token)


def test_rotation_kills_the_old_pair_at_once(session, engine, insiders):
    old = account(engine)
    assert session.get("devices/").ok
    fresh = refresh(engine, old.refresh_token)
    assert not insiders.alive(old.access_token.reveal())
    with pytest.raises(RefreshRejected, match="invalid_grant"):  # a replay is refused
        refresh(engine, old.refresh_token)
    assert insiders.alive(fresh.access_token.reveal())  # and the newer ones live


def test_with_a_grace_period_a_replay_gets_the_same_pair(session, engine, insiders):  # noqa: ARG001
    old = account(engine)
    insiders.configure(REFRESH_TOKEN_GRACE_PERIOD_SECONDS=60)
    first, second = (refresh(engine, old.refresh_token) for _ in range(2))
    assert first.access_token == second.access_token
    assert first.refresh_token == second.refresh_token


def test_with_reuse_protection_a_replay_ends_the_family(session, engine, insiders):
    """Somebody else used a copy: our next refresh is refused, and the sign-in is over."""
    insiders.configure(REFRESH_TOKEN_REUSE_PROTECTION=True)
    stolen = account(engine).refresh_token
    theirs = refresh(engine, stolen)
    insiders.expire()
    with pytest.raises(RefreshRejected):
        session.get("devices/")
    (info,) = engine.accounts()
    assert info.over(engine._clock())
    with pytest.raises(RefreshRejected):  # and theirs is worth nothing either
        refresh(engine, theirs.refresh_token)


def test_without_rotation_the_refresh_token_is_kept(session, engine, insiders):
    insiders.configure(ROTATE_REFRESH_TOKEN=False)
    before = account(engine)
    insiders.expire()
    assert session.get("devices/").ok
    after = account(engine)
    assert after.refresh_token == before.refresh_token
    assert after.access_token != before.access_token


def test_two_sessions_refresh_once(session, engine, insiders):
    other = UserSession("insiders", interactive=False)
    assert other.get("devices/").ok
    assert session.get("devices/").ok
    insiders.expire()
    sent = len(insiders.journal(TOKEN))
    assert session.get("devices/").ok
    assert other.get("devices/").ok
    assert len(insiders.journal(TOKEN)) == sent + 1
    assert engine.accounts()


def test_a_client_secret_that_was_changed_there_loses_nothing(session, engine, table, broker):
    token, held = session._account.tokens.token(), account(engine)
    broker({"insiders": table | {"client_secret": "wrong"}})  # on the same store
    other = UserSession("insiders", interactive=False)
    with pytest.raises(ConfigurationError, match="invalid_client"):
        other._account.tokens.rejected(token)
    assert account(engine) == held


def test_signed_out_elsewhere_the_session_says_so(session, engine):
    engine.logout("insiders")
    assert eventually(lambda: not session.authenticated)
    with pytest.raises(LoginRequired):
        session.get("devices/")


# -- the other grant: user name and password -----------------------------------------------------


@pytest.fixture
def typed(broker, table, insiders):
    """What a person types for the application that is registered for passwords."""
    engine = broker({"insiders": table | {"client_id": insiders.password_client}})

    def go(username, password):
        login = engine.begin(LoginRequest("insiders", grant="password"))
        host = engine.typed.host(login.id)
        return engine.typed.password(login.id, username, Secret(password), host=host)

    return go


def test_flow_password(typed, insiders):
    assert typed(insiders.username, insiders.password).status == "complete"
    session = UserSession("insiders", interactive=False)
    assert session.get("devices/").json()["owner"] == insiders.username
    (asked,) = insiders.journal(TOKEN)
    assert asked["basic"]
    assert asked["form"]["grant_type"] == "password"
    assert asked["form"]["scope"] == "all"
    insiders.expire()
    assert session.get("devices/").ok  # by the refresh token: nobody types again


@pytest.mark.parametrize("who", ["nobody@example.org", None])
def test_a_wrong_user_or_password_can_be_typed_again(typed, insiders, who):
    with pytest.raises(LoginFailed, match="invalid_grant"):
        typed(who or insiders.username, "wrong")
    assert typed(insiders.username, insiders.password).status == "complete"


def test_a_password_is_refused_for_a_code_registration(engine, insiders):
    """400 ``unauthorized_client``: say which grant the registration seems to be made for."""
    login = engine.begin(LoginRequest("insiders", grant="password"))
    host = engine.typed.host(login.id)
    with pytest.raises(ConfigurationError, match="unauthorized_client") as caught:
        engine.typed.password(login.id, insiders.username, Secret(insiders.password), host=host)
    assert "the grant password" in caught.value.message
    assert "authorization_code" in caught.value.hint
    assert engine.accounts() == []


def test_a_redirect_that_is_refused_goes_on_with_a_password(broker, table, insiders):
    """A registration that was changed to passwords: their page sends ``unauthorized_client``."""
    engine = broker({"insiders": table | {"client_id": insiders.changed_client}})
    login = engine.begin(LoginRequest("insiders"))
    url, binding = engine.open(login.id, CALLBACK, "me")
    back = dict(parse_qsl(urlsplit(insiders.login(url)).query))
    refused = engine.finish(
        AuthorizationResponse(
            "insiders", back, {binding.name: binding.value}, "me", confirm_by=None
        )
    )
    assert (refused.status, refused.error["code"]) == ("failed", "login_failed")
    assert "unauthorized_client" in refused.error["message"]
    assert render.others(refused, engine.typed.alternatives(login.id)) == {
        "password": "with a password"  # what its page offers
    }
    again = engine.begin(LoginRequest("insiders", grant="password"))
    host = engine.typed.host(again.id)
    secret = Secret(insiders.password)
    assert (
        engine.typed.password(again.id, insiders.username, secret, host=host).status == "complete"
    )
    assert UserSession("insiders", interactive=False).get("devices/").ok
