"""What is said to a token endpoint, and what of its answer is believed (RFC 6749 4.1.3, 5, 6)."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from core.sign_in import CLIENT_SECRET, REDIRECT_URI, exchanged, party_at, refreshed, visit
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.errors import (
    AuthError,
    ConfigurationError,
    LoginFailed,
    ProviderError,
    RefreshRejected,
)
from jupyter_auth.core.protocol import oauth
from providers import troubles
from providers.rogue import RogueProvider
from providers.troubles import MISSING

# -- what is said --------------------------------------------------------------------------------


def test_a_code_becomes_tokens_and_they_are_refreshed(party, rogue, tokens):
    assert tokens.scopes == ("openid", "email")
    assert tokens.expires_in == 3600
    again = refreshed(party, tokens)
    assert again.access_token != tokens.access_token
    assert again.refresh_token != tokens.refresh_token
    assert rogue.active(again.access_token.reveal())


def test_a_public_client_says_its_id_and_no_more(party, rogue, tokens):
    refreshed(party, tokens)
    exchange, refresh = rogue.seen("token")
    assert set(exchange.form) == {
        "grant_type", "code", "code_verifier", "redirect_uri", "client_id"
    }  # fmt: skip
    assert refresh.form == {
        "grant_type": "refresh_token",
        "refresh_token": tokens.refresh_token.reveal(),
        "client_id": rogue.client_id,
    }
    for request in (exchange, refresh):
        assert "authorization" not in request.headers
        assert request.query == {}


def test_basic_authentication_encodes_what_it_must(rogue):
    """RFC 6749 2.3.1: id and secret are form-encoded before they are joined by a colon."""
    rogue.client_secret = quote(
        CLIENT_SECRET, safe=""
    )  # rogue compares what came without decoding it
    party = party_at(rogue, client_secret=CLIENT_SECRET)
    refreshed(party, exchanged(party, rogue))
    for request in rogue.seen("token"):
        assert "client_secret" not in request.form
        basic = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        assert basic == f"notebook:{quote(CLIENT_SECRET, safe='')}"


def test_post_authentication_is_in_the_form(rogue):
    rogue.client_secret = CLIENT_SECRET
    party = party_at(rogue, client_secret=CLIENT_SECRET, client_auth="post")
    refreshed(party, exchanged(party, rogue))
    assert [request.form["client_secret"] for request in rogue.seen("token")] == [
        CLIENT_SECRET,
        CLIENT_SECRET,
    ]


def test_configured_parameters_are_sent(rogue):
    party = party_at(
        rogue,
        audience="https://api.example.com",
        authorize_params={"access_type": "offline"},
        token_params={"resource": "https://api.example.com"},
    )
    refreshed(party, exchanged(party, rogue))
    asked = rogue.seen("authorize")[0].query
    assert asked["access_type"] == "offline"
    assert asked["audience"] == "https://api.example.com"
    for request in rogue.seen("token"):
        assert request.form["resource"] == "https://api.example.com"


@pytest.mark.parametrize(
    ("configured", "prompt", "sent"),
    [
        ({}, None, None),
        ({}, "login", "login"),
        ({"prompt": "consent"}, None, "consent"),
        ({"prompt": "consent"}, "login", "login consent"),
        ({"prompt": "login consent"}, "login", "login consent"),
    ],
)
def test_a_configured_prompt_and_a_forced_one_go_together(rogue, configured, prompt, sent):
    party = party_at(rogue, authorize_params=configured)
    url = oauth.authorization_url(
        party,
        redirect_uri=REDIRECT_URI,
        scopes=(),
        state="s",
        nonce="n",
        verifier=oauth.new_verifier(),
        prompt=prompt,
    )
    visit(rogue, url)
    assert rogue.seen("authorize")[0].query.get("prompt") == sent


# -- what is believed ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (3600, 3600.0),
        ("3600", 3600.0),
        ("3599.5", 3599.5),
        (0.5, 0.5),
        (10**8, 1e8),
        (10**12, None),
        (10**400, None),
        (float("inf"), None),
        (MISSING, None),
        (None, None),
        ("", None),
        (0, None),
        (-1, None),
        ("-1", None),
        (float("nan"), None),
        (True, None),
        ("soon", None),
        ([], None),
        ({"seconds": 5}, None),
    ],
    ids=lambda value: f"{value!r:.12}",
)
def test_a_life_time_that_cannot_be_read_is_none(party, rogue, tokens, said, meant):
    """Never an error: the answer may hold the only refresh token that is left."""
    rogue.script("token", troubles.fields(expires_in=said))
    answer = refreshed(party, tokens)
    assert answer.expires_in == meant
    assert answer.refresh_token != tokens.refresh_token


@pytest.mark.parametrize("name", ["access_token", "refresh_token", "id_token", "token_type"])
@pytest.mark.parametrize("value", [5, True, [], ["x"], {}, 1.5])
def test_a_token_is_a_text(party, rogue, name, value):
    rogue.script("token", troubles.fields(**{name: value}))
    with pytest.raises(ProviderError, match=name):
        exchanged(party, rogue)


@pytest.mark.parametrize("name", ["access_token", "refresh_token", "id_token"])
@pytest.mark.parametrize("value", ["a\nb", "a\r\nX-Header: b", "a\x00", "\ud800", "é", "a\u2028"])
def test_a_token_is_made_of_visible_ascii(party, rogue, name, value):
    """RFC 6749 A.12 and A.17; anything else would break a header, or show the token in an error."""
    rogue.script("token", troubles.fields(**{name: f"planted-{value}"}))
    with pytest.raises(ProviderError, match=name) as caught:
        exchanged(party, rogue)
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("value", [MISSING, None, ""])
def test_without_an_access_token_there_is_no_answer(party, rogue, tokens, value):
    rogue.script("token", troubles.fields(access_token=value))
    with pytest.raises(ProviderError, match="access"):
        refreshed(party, tokens)


@pytest.mark.parametrize("name", ["refresh_token", "id_token"])
@pytest.mark.parametrize("value", [MISSING, None, ""])
def test_what_is_not_sent_is_none(party, rogue, name, value):
    rogue.script("token", troubles.fields(**{name: value}))
    assert getattr(exchanged(party, rogue), name) is None


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("openid email", ("openid", "email")),
        (" openid  email ", ("openid", "email")),
        ("", None),
        ("null", None),
        (MISSING, None),
        (None, None),
    ],
)
def test_scopes_are_words(party, rogue, tokens, said, meant):
    rogue.script("token", troubles.fields(scope=said))
    assert refreshed(party, tokens).scopes == meant


@pytest.mark.parametrize("kind", ["bearer", "Bearer", "bearer_token", MISSING, None])
def test_a_token_type_may_be_left_out(party, rogue, kind):
    rogue.script("token", troubles.fields(token_type=kind))
    assert exchanged(party, rogue).access_token


def test_an_error_of_null_is_none(party, rogue):
    rogue.script("token", troubles.fields(error=None))
    assert exchanged(party, rogue).access_token


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (troubles.status(500), ProviderUnavailable),
        (troubles.error("invalid_grant", 500), ProviderUnavailable),
        (troubles.close(), ProviderUnavailable),
        (troubles.html(), ProviderError),
        (troubles.empty(), ProviderError),
        (troubles.json_value([]), ProviderError),
        (troubles.json_value(None), ProviderError),
        (troubles.json_value({}), ProviderError),
        (troubles.status(200, '{"access_token": "a", "access_token": "b"}'), ProviderError),
        (troubles.huge(), ProviderError),
        (troubles.status(408), ProviderUnavailable),
        (troubles.status(429), ProviderUnavailable),
        (troubles.error("temporarily_unavailable"), ProviderUnavailable),
        (troubles.error("server_error"), ProviderUnavailable),
        (troubles.error("slow_down"), ProviderUnavailable),
        (troubles.error("invalid_client", 401), ConfigurationError),
    ],
)
def test_what_is_no_refusal_of_a_refresh(party, rogue, tokens, trouble, error):
    rogue.script("refresh", trouble)
    with pytest.raises(AuthError) as caught:
        refreshed(party, tokens)
    assert isinstance(caught.value, error)
    assert not isinstance(caught.value, RefreshRejected)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (
            troubles.error("interaction_required", description="Use MFA."),
            "inter.*ed: Use",
        ),
        (troubles.error("login_required"), "login_required"),
        (troubles.error("mfa_required", 403), "mfa_required"),
        (troubles.error("invalid_token", 401), "invalid_token"),
        (troubles.error("bad_refresh_token", 200), "bad_refresh_token"),
        (troubles.error("unauthorized_client"), "unauthorized_client"),
        (troubles.error("unsupported_grant_type"), "unsupported_grant_type"),
        (troubles.error("invalid_request"), "invalid_request"),
        (troubles.error("INVALID_GRANT"), "INVALID_GRANT"),
        (
            troubles.json_value({"ok": False, "error": "invalid_refresh_token"}),
            "invalid_ref",
        ),
        (troubles.json_value({"success": False, "message": "m"}), "error: m"),
        (troubles.json_value({"status": "BAD_REFRESH_TOKEN", "message": "m"}, 400), "BAD_.*: m"),
        (troubles.json_value({"error": "Bad Request", "message": "m"}, 400), "Bad Request"),
        (troubles.json_value({"message": "Bad", "errors": [{"code": "no"}]}, 400), "no: Bad"),
        (troubles.json_value({"errors": [{"errorType": "e", "message": "m"}]}, 401), "e: m"),
        (troubles.json_value({"errors": ["m"]}, 400), "error: m"),
        (troubles.json_value(["m"], 400), "HTTP 400: m"),
        (troubles.json_value("m", 400), "HTTP 400: m"),
        (troubles.json_value([{"errorCode": "C", "message": "m"}], 400), "C: m"),
        (troubles.json_value({"ErrorCode": "C", "ErrorMessage": "m"}, 401), "C: m"),
        (troubles.json_value({"errcode": 40030, "errmsg": "m"}), "error: m"),
        (troubles.status(400, "It is dead."), "HTTP 400: It is dead"),
        (troubles.json_value({"access_token": "", "message": "m"}), "error: m"),
        (troubles.json_value({"errors": [5], "message": 5}, 400), "HTTP 400"),
        (troubles.json_value([], 400), "HTTP 400"),
        (troubles.json_value({}, 400), "HTTP 400"),
        (troubles.status(400), "HTTP 400"),
        (troubles.status(400, '{"error": "x", "error": "invalid_grant"}'), "HTTP 400"),
        (troubles.html(403), "HTTP 403"),
        (troubles.status(404), "HTTP 404"),
    ],
)
def test_a_refusal_of_a_refresh_in_whatever_words(party, rogue, tokens, trouble, words):
    rogue.script("refresh", trouble)
    said = rf"refused to renew this sign-in \({words}"
    with pytest.raises(RefreshRejected, match=said) as caught:
        refreshed(party, tokens)
    assert not caught.value.final


@pytest.mark.parametrize(
    "trouble",
    [
        *(troubles.error("invalid_grant", status) for status in (200, 400, 401)),
        troubles.json_value({"errors": [{"errorType": "invalid_grant"}], "success": False}, 400),
    ],
)
def test_invalid_grant_alone_is_final(party, rogue, tokens, trouble):
    rogue.script("refresh", trouble)
    with pytest.raises(RefreshRejected, match=r"ended this sign-in \(invalid_grant\)") as caught:
        refreshed(party, tokens)
    assert caught.value.final


def test_a_code_refused_is_a_login_failed(party, rogue):
    rogue.script("token", troubles.error("invalid_grant"))
    with pytest.raises(LoginFailed):
        exchanged(party, rogue)


@pytest.mark.parametrize("trouble", ["silence", "dribble"])
def test_waiting_has_an_end(party, rogue, tokens, impatient, trouble):
    rogue.script("token", troubles.Gate(dribble=trouble == "dribble"))
    with impatient(), pytest.raises(ProviderUnavailable):
        refreshed(party, tokens)


# -- a redirect (SECURITY 7) ---------------------------------------------------------------------


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_nothing_is_posted_to_another_host(party, rogue, tokens, code):
    with RogueProvider() as other:
        rogue.script("token", troubles.redirect(f"{other.issuer}/token", code))
        with pytest.raises(ConfigurationError, match="redirect"):
            refreshed(party, tokens)
        with pytest.raises(ConfigurationError, match="redirect"):
            exchanged(party, rogue)
        rogue.script("revoke", troubles.redirect(f"{other.issuer}/revoke", code))
        with pytest.raises(ConfigurationError, match="redirect"):
            oauth.revoke(party, tokens.refresh_token, "refresh_token")
        assert other.requests == []
    assert len(rogue.seen("token")) == 3  # each was sent once
