"""What is publicly reported of real providers, by a user's few lines: they get in, and stay in."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import pytest

from jupyter_auth import AuthError, ConfigurationError, Provider, UserSession
from patience import PATIENCE
from processes import free_port
from providers.troubles import (
    MISSING,
    Reply,
    deny,
    error,
    fields,
    html,
    json_value,
    redirect,
)

NOW = int(time.time())
SECRET = "a+b/c=="
INVALID = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class Reported:
    """``rogue``, with what a ``Browser`` needs of a server."""

    def __init__(self, rogue):
        self.origin, self.rogue = rogue.url, rogue

    def login(self, url, *, consent=True):
        assert consent
        if codes := parse_qs(urlsplit(url).query).get("user_code"):
            self.rogue.devices.approve(codes[0])
            return url
        return self.rogue.authorize(url)


@pytest.fixture
def server(rogue):
    rogue.devices.interval = 1
    return Reported(rogue)


@pytest.fixture
def sign_in(rogue, browser):  # noqa: ARG001
    """``sign_in(client_secret=..., grant=...)``: fields of the provider, and of the session."""

    def sign_in(grant=None, *, auth_force=False, **given):
        given = {"issuer": rogue.url, "client_id": rogue.client_id, "base_url": rogue.url} | given
        rogue.client_secret = given.get("client_secret")
        acme = Provider(name="acme", **given)
        return UserSession(
            acme, grant=grant, auth_force=auth_force, interactive=True, timeout=PATIENCE
        )

    return sign_in


def unless(rogue, fine, trouble):
    """That trouble, but for requests which are fine."""
    return lambda proceed: (proceed if fine(rogue.requests[-1]) else lambda: trouble(proceed))()


def not_at(rogue, path, trouble):
    return unless(rogue, lambda request: request.path != path, trouble)


# -- in --------------------------------------------------------------------------------------------

OPENID = "/.well-known/openid-configuration"
OTHER = "/.well-known/oauth-authorization-server"
AT_OPENID = {
    "a page": html(),
    "a failure": error("server_error", 500),
    "nothing": error("not_found", 404),
    "a login page": redirect("/login", 302),
    "the other address": redirect(OTHER, 301),
}
ID_TOKENS = {
    "a number for the person": lambda _: {"sub": 4711},
    "two audiences": lambda _: {"aud": ["notebook", "https://api.example"]},
    "nulls": lambda _: {"azp": None, "at_hash": None},
    "times as texts": lambda now: {"iat": str(now), "exp": str(now + 600)},
}
TOKENS = {
    "a list of scopes": {"scope": ["openid", "email"]},
    "a text of seconds": {"expires_in": "3600"},
    "empty texts": {"scope": "", "id_token": ""},
}


@pytest.mark.parametrize("there", AT_OPENID.values(), ids=AT_OPENID)
def test_metadata_is_found(sign_in, rogue, there):
    rogue.script("discovery", not_at(rogue, OPENID, there))
    assert sign_in().get("x").ok


def test_metadata_of_another_issuer_on_purpose(sign_in, rogue):
    rogue.issuer = "https://login.acme.example/0e96f835/v2.0/"
    session = sign_in(issuer=rogue.issuer, metadata_url=rogue.url + OPENID, api_origins=[rogue.url])
    assert session.get("x").ok


def test_an_issuer_with_a_slash_more(sign_in, rogue):
    rogue.issuer = f"{rogue.url}/"
    assert sign_in().get("x").ok


@pytest.mark.parametrize("claims", ID_TOKENS.values(), ids=ID_TOKENS)
def test_id_tokens(sign_in, rogue, claims):
    rogue.id_token.claims = claims(int(time.time()))
    assert sign_in().get("x").ok


@pytest.mark.parametrize("grant", ["authorization_code", "device_code"])
@pytest.mark.parametrize("answer", TOKENS.values(), ids=TOKENS)
def test_token_responses(sign_in, rogue, answer, grant):
    rogue.script("token", fields(**answer))
    assert sign_in(grant).get("x").ok


def test_a_secret_that_is_wanted_in_the_form(sign_in, rogue):
    rogue.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    in_form = unless(rogue, lambda r: "client_secret" in r.form, error("invalid_client", 401))
    rogue.script("token", in_form)
    assert sign_in(client_secret=SECRET).get("x").ok


def test_a_secret_that_is_not_decoded(sign_in):
    assert sign_in(client_secret=SECRET).get("x").ok


def test_a_device_grant_that_wants_pkce(sign_in, rogue):
    missing = error("invalid_request", description="Missing parameter: code_challenge_method")
    rogue.script("device", unless(rogue, lambda r: "code_challenge" in r.form, missing))
    assert sign_in("device_code").get("x").ok


def test_a_client_that_may_not_have_offline_access(sign_in, rogue):
    rogue.metadata = {"scopes_supported": ["openid", "profile", "offline_access"]}
    asks_less = unless(rogue, lambda r: "offline" not in r.query["scope"], deny("invalid_scope"))
    rogue.script("authorize", asks_less)
    assert sign_in().get("x").ok


def test_a_provider_that_knows_no_prompt_login(sign_in, rogue, browser):
    known = {"consent", "select_account"}
    prompts = unless(
        rogue, lambda r: set(r.query.get("prompt", "consent").split()) <= known, error("bad prompt")
    )
    rogue.script("authorize", prompts)
    google = {"authorize_params": {"access_type": "offline", "prompt": "consent"}}
    sign_in(**google)
    assert sign_in(auth_force=True, **google).get("x").ok
    assert len(browser.links) == 2


@pytest.mark.parametrize(
    "uri", ["http://localhost:{}", "http://localhost:{}/", "http://localhost/back"]
)
def test_redirect_uris(sign_in, uri):
    assert sign_in(redirect_uri=uri.format(free_port())).get("x").ok


def test_what_is_demanded_and_not_there_is_said(sign_in, rogue):
    rogue.metadata = {"require_pushed_authorization_requests": True}
    with pytest.raises(ConfigurationError, match="RFC 9126"):
        sign_in()


# -- on --------------------------------------------------------------------------------------------

DOUBTED = {
    "a clock that is behind": lambda now: {"iat": now + 180, "exp": now + 780},
    "the first one again": lambda now: {"iat": now - 7200, "exp": now - 3600},
    "nulls": lambda _: {"azp": None, "at_hash": None},
}
DEAD = {
    "GitHub": json_value({"error": "bad_refresh_token"}),
    "Entra": error("interaction_required"),
    "UAA": error("invalid_token", 401),
    "better-auth": error("invalid_request", description="invalid refresh token"),
    "Auth0": error("mfa_required", 403),
    "Slack": json_value({"ok": False, "error": "invalid_refresh_token"}),
    "HubSpot": json_value({"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid"}, 400),
    "Strava": json_value({"message": "Bad Request", "errors": [{"code": "invalid"}]}, 400),
    "Fitbit": json_value({"errors": [{"errorType": "invalid_grant"}], "success": False}, 400),
    "WeChat": json_value({"errcode": 40030, "errmsg": "invalid refresh_token"}),
    "a page": html(400),
}
OF_A_DEAD_TOKEN = {
    "401": Reply.json({}, 401),
    "403": Reply.json({}, 403, INVALID),
    "400": Reply.json({}, 400, INVALID),
    "no scheme": Reply.json({}, 403, {"WWW-Authenticate": 'error="invalid_token"'}),
}


@pytest.mark.parametrize("claims", DOUBTED.values(), ids=DOUBTED)
def test_no_id_token_of_a_refresh_costs_the_sign_in(sign_in, rogue, browser, restart, claims):
    sign_in()
    rogue.id_token.claims = claims(int(time.time()))
    for _ in range(2):
        rogue.expire()
        restart()
        assert sign_in().get("x").ok
    assert (rogue.refreshes, rogue.reuses, len(browser.links)) == (2, 0, 1)


@pytest.mark.parametrize("words", DEAD.values(), ids=DEAD)
def test_a_dead_refresh_token_in_whatever_words(sign_in, rogue, browser, words):
    session = sign_in()
    rogue.script("refresh", words)
    rogue.expire()
    assert session.get("x").ok
    assert len(browser.links) == 2


def test_a_token_endpoint_that_asks_for_a_pause_gets_one(sign_in, rogue):
    session = sign_in()
    rogue.expire()
    rogue.script("refresh", lambda _: Reply.json({"error": "slow"}, 429, {"Retry-After": "60"}))
    for _ in range(5):
        with pytest.raises(AuthError):
            session.get("x")
    assert len(rogue.seen("refresh")) == 1


@pytest.mark.parametrize("says", OF_A_DEAD_TOKEN.values(), ids=OF_A_DEAD_TOKEN)
def test_a_dead_access_token_in_whatever_words(sign_in, rogue, says):
    rogue.script("token", fields(expires_in=MISSING))
    session = sign_in()
    rogue.expire()
    rogue.script("api", unless(rogue, lambda r: rogue.active(r.bearer), lambda _: says))
    assert session.get("x").ok


# -- out -------------------------------------------------------------------------------------------

REVOKED = {
    "with the refresh token": error("invalid_token"),
    "not at all": error("unsupported_token_type"),
    "no longer": error("invalid_request", description="token not found"),
}


@pytest.mark.parametrize("of_access_token", REVOKED.values(), ids=REVOKED)
def test_an_access_token_is_revoked(sign_in, rogue, of_access_token):
    is_refresh = unless(rogue, lambda _: len(rogue.seen("revoke")) == 1, of_access_token)
    rogue.script("revoke", is_refresh)
    assert sign_in().logout().revoked
