"""A login: begun by a kernel, opened by a browser, finished at a provider."""

from __future__ import annotations

import base64
import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl, urlsplit

import pytest

from core.sign_in import (
    REDIRECT_URI,
    USER,
    Callback,
    account_of,
    arrive,
    ended,
    provider_at,
    sign_in,
    visit,
)
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.errors import (
    ConfigurationError,
    LoginExpired,
    LoginRequired,
    ProviderNotFound,
)
from jupyter_auth.core.login.logins import LIFETIME, MAX_PENDING
from jupyter_auth.core.login.openings import MAX_OPENINGS
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.provider import Provider
from providers import troubles
from providers.troubles import MISSING


def opened(engine, login, user: str = USER) -> dict[str, str]:
    url, _ = engine.open(login.id, REDIRECT_URI, user)
    return dict(parse_qsl(urlsplit(url).query))


# -- the way it should go ------------------------------------------------------------------------


def test_a_person_signs_in_at_a_real_provider(engines, files, oidc):
    engine = engines(files, time.time, idp=oidc)
    account = sign_in(engine, oidc)
    assert account.subject == "u-1001"
    assert account.username == "alice"
    assert account.issuer == oidc.issuer
    assert {"openid", "profile"} <= set(account.scopes)
    assert account.refresh_token
    assert oidc.introspect(engine.token("idp").access_token.reveal())["active"]
    (info,) = engine.accounts()
    assert (info.provider, info.username, info.refreshes) == ("idp", "alice", True)
    assert engine.id_token("idp") == account.id_token


def test_a_silent_sign_in_replaces_no_other_person(engines, files, oidc):
    """The browser may be another person's by now, and kernels run on."""
    engine = engines(files, time.time, idp=oidc)
    first = sign_in(engine, oidc)
    for person, status in (("bob", "failed"), ("alice", "complete")):
        login = engine.redirect.begin_silent("idp", "/lab")
        url, binding = engine.open(login.id, REDIRECT_URI, USER)
        params = visit(oidc, url.replace("prompt=none", "prompt=login"), person)
        there = Callback("idp", params, {binding.name: binding.value})
        assert there.finish(engine).status == status
    account = account_of(engine)
    assert (account.subject, account.person) == ("u-1001", first.person)
    assert account.signed_in_at > first.signed_in_at


def test_each_login_is_told_of_as_it_moves(engine, rogue):
    since = engine.changes().sequence
    sign_in(engine, rogue)
    told = [(c.kind, c.login and c.login.status) for c in engine.changes(since).changes]
    assert told == [("login", "pending"), ("account", None), ("login", "complete")]


def test_keys_hold_several_accounts(engine, rogue):
    sign_in(engine, rogue)
    rogue.username, rogue.sub = "rolf", "u-2002"
    sign_in(engine, rogue, key="work")
    assert account_of(engine).username == "rosa"
    assert account_of(engine, key="work").username == "rolf"
    assert len(engine.accounts()) == 2


def test_who_signed_in_may_be_told_by_userinfo_alone(engine, rogue):
    rogue.id_token.claims["preferred_username"] = MISSING
    assert sign_in(engine, rogue).username == "rosa"
    rogue.script("userinfo", troubles.status(500))
    assert sign_in(engine, rogue).username is None  # no reason to fail a login


def test_userinfo_about_somebody_else_is_refused(engine, rogue, login):
    rogue.id_token.claims["preferred_username"] = MISSING
    rogue.script("userinfo", troubles.fields(sub="u-9"))
    ended(arrive(engine, login, rogue).finish(engine), "provider_error")
    assert engine.accounts() == []


# -- PKCE and what else is sent (SECURITY 1) -----------------------------------------------------


@pytest.mark.parametrize("listed", [["S256"], ["plain"], [], MISSING])
def test_every_request_has_a_challenge_of_its_own(engine, rogue, listed):
    rogue.script("discovery", troubles.fields(code_challenge_methods_supported=listed))
    login = engine.begin(LoginRequest("idp"))
    asked = [opened(engine, login) for _ in range(3)]
    assert {each["code_challenge_method"] for each in asked} == {"S256"}
    for name in ("code_challenge", "state", "nonce"):
        assert len({each[name] for each in asked}) == 3
        assert all(len(each[name]) >= 43 for each in asked)


def test_the_verifier_proves_the_challenge_and_goes_to_the_token_endpoint_alone(
    engine, rogue, callback
):
    callback.finish(engine)
    (asked,), (exchange,) = rogue.seen("authorize"), rogue.seen("token")
    verifier = exchange.form["code_verifier"]
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert asked.query["code_challenge"] == challenge
    assert len(verifier) >= 43
    others = [r for r in rogue.requests if r is not exchange]
    assert not [r for r in others if verifier in f"{r.target}{r.headers}{r.body!r}"]


def test_what_was_asked_for_is_sent(engine):
    login = engine.begin(LoginRequest("idp", username="rosa", scopes=["openid", "x"], force=True))
    asked = opened(engine, login)
    assert asked["scope"] == "openid x"
    assert asked["prompt"] == "login"
    assert asked["login_hint"] == "rosa"
    assert asked["redirect_uri"] == REDIRECT_URI
    assert asked["response_type"] == "code"
    asked = opened(engine, engine.begin(LoginRequest("idp")))
    assert "prompt" not in asked
    assert "login_hint" not in asked


def test_granted_scopes_are_those_of_the_answer_else_those_asked_for(engine, rogue):
    rogue.scope = "openid less"
    assert sign_in(engine, rogue, scopes=["openid", "more"]).scopes == ("openid", "less")
    rogue.script("token", troubles.fields(scope=MISSING))
    assert sign_in(engine, rogue, scopes=["openid", "more"]).scopes == ("openid", "more")


def test_a_provider_that_sends_id_tokens_unasked_is_no_trouble(engine, rogue):
    """Where no nonce was sent there is none to compare."""
    rogue.scope = "openid"
    assert sign_in(engine, rogue, scopes=["read"]).username == "rosa"


def test_an_authorization_endpoint_that_is_a_path_lies_where_the_browser_is(engines, rogue):
    engine = engines(idp=rogue)
    engine.configure(
        provider_at(rogue, "demo", endpoints={"authorization_endpoint": "/demo/authorize"})
    )
    url, _ = engine.open(
        engine.begin(LoginRequest("demo")).id, "http://localhost:9999/base/callback/demo", USER
    )
    assert url.startswith("http://localhost:9999/demo/authorize?")


# -- begin ---------------------------------------------------------------------------------------


def test_the_same_wish_is_the_same_login(engine):
    first = engine.begin(LoginRequest("idp", kernel="k1", notebook="one.ipynb"))
    assert engine.begin(LoginRequest("idp", kernel="k2", notebook="two.ipynb")) == first
    assert engine.logins() == [first]


def test_another_wish_is_another_login(engine):
    wishes = [
        {},
        {"session_key": "work"},
        {"username": "rosa"},
        {"scopes": ["x"]},
        {"scopes": ["x", "y"]},
        {"force": True},
    ]
    assert len({engine.begin(LoginRequest("idp", **wish)).id for wish in wishes}) == len(wishes)


def test_many_at_once_are_one_login(engine):
    engine.provider("idp")
    with ThreadPoolExecutor(32) as pool:
        ids = {
            login.id for login in pool.map(lambda _: engine.begin(LoginRequest("idp")), range(64))
        }
    assert len(ids) == 1


@pytest.mark.parametrize("end", ["complete", "cancelled", "expired"])
def test_an_ended_login_is_not_joined(engine, rogue, clock, login, end):
    match end:
        case "complete":
            arrive(engine, login, rogue).finish(engine)
        case "cancelled":
            engine.cancel(login.id)
        case "expired":
            clock.advance(LIFETIME)
    assert engine.begin(LoginRequest("idp")).id != login.id


def test_a_flood_pushes_out_nobody(engine, rogue):
    first = engine.begin(LoginRequest("idp"))
    callback = arrive(engine, first, rogue)
    for number in range(MAX_PENDING - 1):
        engine.begin(LoginRequest("idp", f"key-{number}"))
    with pytest.raises(LoginRequired, match="already pending"):
        engine.begin(LoginRequest("idp", "one more"))
    assert engine.begin(LoginRequest("idp")).id == first.id  # joining is no new one
    assert callback.finish(engine).status == "complete"
    assert engine.begin(LoginRequest("idp", "one more")).status == "pending"


def test_what_ended_is_forgotten_in_time_and_number(engine, clock, login_store):
    for number in range(1000):
        engine.cancel(engine.begin(LoginRequest("idp", f"key-{number}")).id)
    assert len(login_store.read()) < 300
    clock.advance(LIFETIME)
    assert engine.logins() == []
    assert len(login_store.read()) == 0


def test_of_too_many_openings_the_oldest_is_forgotten(engine, rogue, login):
    callbacks = [arrive(engine, login, rogue) for _ in range(MAX_OPENINGS + 1)]
    with pytest.raises(LoginExpired):
        callbacks[0].finish(engine)
    assert callbacks[1].finish(engine).status == "complete"


def test_begin_says_what_cannot_work(engine, engines, rogue):
    with pytest.raises(ProviderNotFound):
        engine.begin(LoginRequest("idq"))
    bare = engine.register(Provider(name="bare", issuer=rogue.issuer)).name
    with pytest.raises(ConfigurationError, match="client ID"):
        engine.begin(LoginRequest(bare))
    with pytest.raises(ConfigurationError, match="session_key"):
        engine.begin(LoginRequest("idp", "x" * 10_240))
    for key in ("\ud800", "\x00", "a\nb", "\u202eb"):
        with pytest.raises(ConfigurationError, match="visible characters"):
            engine.begin(LoginRequest("idp", key))
    rogue.offline()
    new = engines(idp=rogue)
    with pytest.raises(ProviderUnavailable):
        new.begin(LoginRequest("idp"))


@pytest.mark.parametrize("key", ["../../x", "\N{GRINNING FACE}", "x" * 1024])
def test_a_strange_key_is_a_key(engines, files, rogue, clock, key):
    rogue.clock = clock
    engine = engines(files, idp=rogue)
    assert sign_in(engine, rogue, key=key).session_key == key
    assert engine.token("idp", key)
    assert engine.logout("idp", key).removed
