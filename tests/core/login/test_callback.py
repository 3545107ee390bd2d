"""What a browser brings back counts once, in that browser, from that provider (SECURITY 2-5, 7)."""

from __future__ import annotations

import dataclasses
import time
from urllib.parse import parse_qsl, urlsplit

import pytest

from core.sign_in import (
    REDIRECT_URI,
    USER,
    account_of,
    arrive,
    ended,
    sign_in,
    table,
    visit,
)
from jupyter_auth.core.errors import (
    LoginDenied,
    LoginExpired,
    LoginFailed,
)
from jupyter_auth.core.login.login_store import AuthorizationResponse
from jupyter_auth.core.login.logins import LIFETIME
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.core.wire import login_error
from providers import troubles
from providers.rogue import RogueProvider
from providers.troubles import MISSING

# -- state (SECURITY 2) --------------------------------------------------------------------------


def test_a_state_is_used_once(engine, rogue, callback):
    assert callback.finish(engine).status == "complete"
    with pytest.raises(LoginExpired):
        callback.finish(engine)
    assert len(rogue.seen("token")) == 1


def test_it_is_used_up_by_a_failure_too(engine, rogue, callback):
    rogue.script("token", troubles.status(500), times=1)
    assert callback.finish(engine).status == "failed"
    with pytest.raises(LoginExpired):
        callback.finish(engine)
    assert len(rogue.seen("token")) == 1


@pytest.mark.parametrize("state", ["", "unknown", "\ud800", "x" * 100_000, None])
def test_an_unknown_state_is_nothing(engine, rogue, callback, state):
    params = dict(callback.params)
    params.pop("state") if state is None else params.update(state=state)
    with pytest.raises(LoginExpired):
        dataclasses.replace(callback, params=params).finish(engine)
    assert rogue.seen("token") == []
    assert callback.finish(engine).status == "complete"  # the right one was not used up


def test_it_lasts_ten_minutes(engine, rogue, clock):
    in_time = arrive(engine, engine.begin(LoginRequest("idp")), rogue)
    clock.advance(LIFETIME - 1)
    assert in_time.finish(engine).status == "complete"
    late = arrive(engine, engine.begin(LoginRequest("idp")), rogue)
    clock.advance(LIFETIME)
    with pytest.raises(LoginExpired):
        late.finish(engine)
    assert len(rogue.seen("token")) == 1
    assert LIFETIME == 600


FOREIGN = {
    "no cookie": {"bindings": {}},
    "another cookie": {"bindings": {"jupyter-auth-x": "y"}},
    "another user": {"user": "mallory"},
    "no user": {"user": ""},
    "another provider's callback": {"provider": "other"},
}


@pytest.mark.parametrize("change", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_state_is_nothing_and_is_not_used_up(engine, rogue, callback, login, change):
    with pytest.raises(LoginFailed):
        callback.finish(engine, **change)
    assert rogue.seen("token") == []
    assert engine.login(login.id).status == "pending"
    assert callback.finish(engine).status == "complete"


def test_a_cookie_of_the_right_name_needs_the_right_value(engine, rogue, callback):
    (name,) = callback.bindings
    for value in ("", "x", "\ud800", callback.bindings[name][:-1]):
        with pytest.raises(LoginFailed):
            callback.finish(engine, bindings={name: value})
    assert rogue.seen("token") == []


def test_openings_do_not_share_a_cookie(engine, rogue, login):
    one, two = arrive(engine, login, rogue), arrive(engine, login, rogue)
    assert one.bindings.keys().isdisjoint(two.bindings)
    with pytest.raises(LoginFailed):
        one.finish(engine, bindings=two.bindings)
    assert one.finish(engine, bindings=one.bindings | two.bindings).status == "complete"


def test_neither_cookie_nor_state_shows_what_it_stands_for(engine, login, login_store):
    _, binding = engine.open(login.id, REDIRECT_URI, USER)
    assert binding.value not in repr(binding)
    assert binding.name.startswith("jupyter-auth-")
    held = repr(vars(engine._logins)) + repr(login_store.read())
    assert binding.value not in held
    assert USER not in held


# -- login CSRF and fixation (SECURITY 3) --------------------------------------------------------


def test_mallorys_link_puts_nothing_into_her_account(engine, rogue):
    """Alice follows a link that mallory made: the way back carries mallory's cookie, not alice's"""
    login = engine.begin(LoginRequest("idp"))
    hers, _ = engine.open(login.id, REDIRECT_URI, "mallory")
    params = visit(rogue, hers)
    for bindings in ({}, {"jupyter-auth-of-alice": "x"}):
        with pytest.raises(LoginFailed):
            engine.finish(AuthorizationResponse("idp", params, bindings, "alice", confirm_by=None))
    assert rogue.seen("token") == []


def test_a_callback_forced_into_a_browser_signs_nobody_in(engine, rogue):
    mallorys = arrive(engine, engine.begin(LoginRequest("idp")), rogue, user="mallory")
    alices = arrive(engine, engine.begin(LoginRequest("idp")), rogue, user="alice")
    with pytest.raises(LoginFailed):
        alices.finish(engine, params=mallorys.params)
    stolen_code = {"code": mallorys.params["code"]}
    assert alices.finish(engine, params=stolen_code).status == "failed"  # PKCE: not her challenge
    assert engine.accounts() == []


# -- mix-up (SECURITY 4) -------------------------------------------------------------------------


def test_an_answer_without_the_issuer_that_was_promised_is_refused(engine, rogue, callback):
    params = {k: v for k, v in callback.params.items() if k != "iss"}
    finished = dataclasses.replace(callback, params=params).finish(engine)
    ended(finished, "login_failed")
    assert rogue.seen("token") == []


@pytest.mark.parametrize("promised", [True, False])
@pytest.mark.parametrize("issuer", ["https://evil.example.com", "", "\ud800", "{issuer}/"])
def test_an_answer_of_another_issuer_is_refused(engine, rogue, promised, issuer):
    rogue.metadata["authorization_response_iss_parameter_supported"] = promised
    callback = arrive(engine, engine.begin(LoginRequest("idp")), rogue)
    params = {"iss": issuer.format(issuer=rogue.issuer)}
    ended(callback.finish(engine, params=params), "login_failed")
    assert rogue.seen("token") == []


def test_where_none_is_promised_none_is_missed(engine, rogue):
    rogue.sends_iss = False
    assert sign_in(engine, rogue).username == "rosa"


def test_one_providers_answer_is_no_other_providers(clock, engines, rogue):
    with RogueProvider(clock=clock) as evil:
        engine = engines(idp=rogue, evil=evil)
        callback = arrive(engine, engine.begin(LoginRequest("idp")), rogue)
        with pytest.raises(LoginFailed):
            callback.finish(engine, provider="evil")
        assert evil.seen("token") == []


def test_a_provider_changed_meanwhile_gets_no_code(engines, rogue, clock):
    with RogueProvider(clock=clock) as evil:
        engine = engines(unrelated=rogue)
        engine.configure(Provider(name="idp", **table(rogue)))
        callback = arrive(engine, engine.begin(LoginRequest("idp")), rogue)
        engine.configure(Provider(name="idp", **table(evil)))
        ended(callback.finish(engine), "login_failed")
        assert evil.seen("token") == []


# -- the code (SECURITY 7) -----------------------------------------------------------------------

TROUBLES = {
    "500": (troubles.status(500), "provider_unavailable"),
    "hang-up": (troubles.close(), "provider_unavailable"),
    "answer lost": (troubles.close(after=True), "provider_unavailable"),
    "HTML": (troubles.html(), "provider_error"),
    "nothing": (troubles.empty(), "provider_error"),
    "list": (troubles.json_value([]), "provider_error"),
    "null": (troubles.json_value(None), "provider_error"),
    "huge": (troubles.huge(), "provider_error"),
    "redirect": (troubles.redirect("http://localhost:1/token"), "configuration_error"),
    "refused": (troubles.error("invalid_grant"), "login_failed"),
    "client refused": (troubles.error("invalid_client", 401), "configuration_error"),
}


@pytest.mark.parametrize(("trouble", "code"), TROUBLES.values(), ids=TROUBLES)
def test_a_code_is_sent_once_whatever_comes_back(engine, rogue, callback, trouble, code):
    rogue.script("token", trouble)
    finished = ended(callback.finish(engine), code)
    sent_once(engine, rogue, finished)


@pytest.mark.parametrize("dribble", [False, True])
def test_and_where_nothing_comes_back(engine, rogue, callback, impatient, dribble):
    rogue.script("token", troubles.Gate(dribble=dribble))
    with impatient():
        finished = ended(callback.finish(engine), "provider_unavailable")
    sent_once(engine, rogue, finished)


def sent_once(engine, rogue, finished):
    assert finished.status == "failed"
    assert engine.login(finished.id) == finished
    assert len(rogue.seen("token")) == 1
    assert engine.accounts() == []


def test_a_provider_gone_at_the_exchange_fails_the_login(engine, rogue, callback):
    rogue.offline()
    ended(callback.finish(engine), "provider_unavailable")
    rogue.online()
    assert sign_in(engine, rogue)


def test_a_failed_login_leaves_the_account_there_was(engine, rogue):
    before = sign_in(engine, rogue)
    callback = arrive(engine, engine.begin(LoginRequest("idp", force=True)), rogue)
    rogue.script("token", troubles.status(500))
    assert callback.finish(engine).status == "failed"
    assert account_of(engine) == before


@pytest.mark.parametrize("params", [{"code": ""}, {"code": MISSING}])
def test_no_code_is_no_login(engine, rogue, callback, params):
    given = {k: v for k, v in (callback.params | params).items() if v is not MISSING}
    ended(dataclasses.replace(callback, params=given).finish(engine), "login_failed")
    assert rogue.seen("token") == []


# -- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["access_denied", "user_cancelled_login", "user_denied"])
def test_a_person_may_say_no(engine, rogue, login, word):
    """LinkedIn and others have words of their own for it."""
    rogue.script("authorize", troubles.deny(word))
    finished = ended(arrive(engine, login, rogue).finish(engine), "login_denied")
    assert finished.status == "denied"
    assert isinstance(login_error(finished), LoginDenied)
    assert rogue.seen("token") == []


def test_at_a_real_provider_too(engines, oidc):
    engine = engines(clock=time.time, idp=oidc)
    login = engine.begin(LoginRequest("idp"))
    url, binding = engine.open(login.id, REDIRECT_URI, USER)
    location = oidc.login(url, consent=False)
    params = dict(parse_qsl(urlsplit(location).query))
    finished = engine.finish(
        AuthorizationResponse("idp", params, {binding.name: binding.value}, USER, confirm_by=None)
    )
    assert finished.status == "denied"


def test_another_error_is_a_failure_and_is_shown_as_plain_text(engine, callback):
    params = {"error": "invalid_scope", "error_description": "<b>\r\nno\x1b[31m" + "x" * 9999}
    finished = ended(callback.finish(engine, params=params), "login_failed")
    message = finished.error["message"]
    assert "invalid_scope" in message
    assert message.isprintable()
    assert len(message) < 600


@pytest.mark.parametrize("signature", ["none", "HS256", "stranger", "broken"])
def test_a_forged_id_token_signs_nobody_in(engine, rogue, login, signature):
    rogue.id_token.signature = signature
    ended(arrive(engine, login, rogue).finish(engine), "provider_error")
    assert engine.accounts() == []


@pytest.mark.parametrize("claim", ["iss", "aud", "nonce", "at_hash", "sub", "exp", "iat"])
def test_nor_does_one_with_a_wrong_claim(engine, rogue, login, claim):
    rogue.id_token.claims[claim] = "wrong" if claim != "sub" else ["u-2001"]
    ended(arrive(engine, login, rogue).finish(engine), "provider_error")
    assert engine.accounts() == []


@pytest.mark.parametrize("spoilt", ["signature", "nonce", "keys"])
def test_one_that_nobody_asked_for_costs_no_sign_in(engine, rogue, spoilt):
    """So leaving openid out of the scopes is a way out, whatever a provider returns then."""
    rogue.scope = "openid email"
    match spoilt:
        case "signature":
            rogue.id_token.signature = "none"
        case "nonce":
            rogue.id_token.claims["nonce"] = MISSING
        case "keys":
            rogue.metadata["jwks_uri"] = None
    login = engine.begin(LoginRequest("idp", scopes=("email",)))
    assert arrive(engine, login, rogue).finish(engine).status == "complete"
    account = account_of(engine)
    assert account.username == "rosa"
    assert (account.id_token is None) == (spoilt != "nonce")  # none that is not believed is kept


def test_who_is_not_said_is_not_somebody_else(engine, rogue):
    rogue.scope = "email"
    rogue.script("userinfo", troubles.status(500))
    login = engine.begin(LoginRequest("idp", username="rosa", scopes=("email",)))
    finished = ended(arrive(engine, login, rogue).finish(engine), "user_mismatch")
    assert "did not say who signed in" in finished.error["message"]
    assert "username_url" in finished.error["hint"]


def test_somebody_else_than_asked_for_is_refused(engine, rogue):
    login = engine.begin(LoginRequest("idp", username="rosa"))
    rogue.username, rogue.sub = "mallory", "u-6"
    finished = ended(arrive(engine, login, rogue).finish(engine), "user_mismatch")
    assert "mallory" in finished.error["message"]
    assert engine.accounts() == []
    assert len(rogue.revoked) == 2  # what was granted to nobody


def test_and_does_not_replace_who_is_there(engine, rogue):
    before = sign_in(engine, rogue, username="u-2001")
    rogue.username, rogue.sub = "mallory", "u-6"
    callback = arrive(engine, engine.begin(LoginRequest("idp", username="u-2001")), rogue)
    ended(callback.finish(engine), "user_mismatch")
    assert account_of(engine) == before
