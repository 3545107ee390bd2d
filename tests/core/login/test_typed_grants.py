"""Passwords and pasted codes: where they go, what is asked first, and that nothing stays."""

from __future__ import annotations

import dataclasses
import json
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.sign_in import account_of, provider_at, table
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import (
    ConfigurationError,
    LoginCancelled,
    LoginFailed,
    LoginRequired,
    UserMismatch,
)
from jupyter_auth.core.local_engine import LocalAccounts
from jupyter_auth.core.login import grants
from jupyter_auth.core.models import AccountKey, LoginRequest
from jupyter_auth.core.provider.registry import Providers, provider_from_mapping
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.tokens.store import FileStore
from memory_store import MemoryStore
from providers import troubles
from providers.presets.fourinsight import USER_TOKEN_PATH, FourInsight
from providers.rogue import RogueProvider

PERSON = "alice@4subsea.example"


@pytest.fixture
def password_engine(engines, rogue, files):
    engine = engines(files, idp=rogue)
    engine.configure(provider_at(rogue, grants=["password"]))
    return engine


@pytest.fixture
def typed(password_engine, rogue):
    """Sign in by password; arguments replace what rosa would give."""
    login = password_engine.begin(LoginRequest("idp"))

    def typed(password: str | None = None, username: str = "rosa", login=login, **more):
        host = more.pop("host", password_engine.typed.host(login.id))
        secret = Secret(rogue.password if password is None else password)
        return password_engine.typed.password(login.id, username, secret, host=host)

    return typed


# -- password ------------------------------------------------------------------------------------


def test_a_password_signs_in(password_engine, rogue, typed):
    assert typed().status == "complete"
    assert account_of(password_engine).username == "rosa"
    (sent,) = rogue.seen("token")
    assert sent.form["grant_type"] == "password"
    assert sent.form["password"] == rogue.password
    assert "openid" in sent.form["scope"]


def test_it_is_refreshed_like_any_other(password_engine, rogue, typed, clock):
    typed()
    clock.advance(3600)
    assert password_engine.token("idp")
    assert rogue.refreshes == 1


def test_a_wrong_one_can_be_typed_again(password_engine, typed):
    with pytest.raises(LoginFailed):
        typed("guess")
    assert password_engine.logins()
    assert typed().status == "complete"


@pytest.mark.parametrize("trouble", [troubles.status(503), troubles.close()])
def test_a_provider_that_is_away_leaves_the_login_open(rogue, typed, trouble):
    rogue.script("token", trouble, times=1)
    with pytest.raises(ProviderUnavailable):
        typed()
    assert typed().status == "complete"


def test_no_password_is_kept_or_shown(password_engine, rogue, typed, tmp_path, caplog):
    caplog.set_level("DEBUG")
    said = f"no {rogue.password} here"
    rogue.script("token", troubles.error("invalid_grant", 400, said), times=1)
    with pytest.raises(LoginFailed) as caught:
        typed()
    for frame, _ in traceback.walk_tb(caught.value.__traceback__):
        if not frame.f_globals["__name__"].startswith("core."):  # all but this test's own
            assert rogue.password not in repr(frame.f_locals)
    typed()
    kept = "".join(p.read_text() for p in tmp_path.rglob("*.json"))
    assert account_of(password_engine).access_token.reveal() in kept
    for text in (str(caught.value), caplog.text, kept, repr(password_engine.changes(0))):
        assert rogue.password not in text


def test_somebody_else_is_refused_with_nothing_stored(password_engine, rogue, typed):
    login = password_engine.begin(LoginRequest("idp", username="alice"))
    with pytest.raises(UserMismatch):
        typed(login=login)
    assert password_engine.accounts() == []
    assert len(rogue.revoked) == 2


def test_nothing_is_sent_to_another_host_than_was_shown(rogue, typed):
    """The provider's configuration has changed between the form and its coming back."""
    with pytest.raises(LoginFailed, match="configuration has changed"):
        typed(host="elsewhere.example")
    assert rogue.seen("token") == []


def test_a_cancelled_login_takes_no_password(password_engine, rogue, typed):
    host = password_engine.typed.host(password_engine.logins()[0].id)
    password_engine.cancel(password_engine.logins()[0].id)
    with pytest.raises(LoginCancelled):
        typed(host=host)
    assert rogue.seen("token") == []


def test_a_login_of_another_grant_takes_no_password(engine, rogue):
    login = engine.begin(LoginRequest("idp"))
    host = engine.typed.host(login.id)
    with pytest.raises(LoginFailed, match="does not use the password grant"):
        engine.typed.password(login.id, "rosa", Secret(rogue.password), host=host)


# -- who may have things typed for them ----------------------------------------------------------


@pytest.mark.parametrize("grant", sorted(grants.TYPED))
def test_nothing_is_typed_for_a_provider_that_a_notebook_made(rogue, grant):
    paste = {"url": "https://x.example/", "hosts": []}
    key = {"parts": {"key": "Key"}, "headers": {"*": {"x-key": "{key}"}}}
    made = provider_at(rogue, "own", grants=[grant], paste=paste, api_key=key)
    engine = Engine(Providers(), MemoryStore())
    handle = engine.register(made).name
    with pytest.raises(ConfigurationError, match="'own' was made in a notebook"):
        engine.begin(LoginRequest(handle))
    alone = LocalAccounts(Providers(), MemoryStore())
    assert alone.register(made).name == handle
    assert alone.begin(LoginRequest(handle)).grant == grant  # whoever wrote it is the one who types


def test_one_that_has_a_preset_s_name_takes_nothing_from_its_form(rogue, tmp_path):
    engine = Engine(Providers({}, user_file=tmp_path / "providers.toml"), MemoryStore())
    preset = table(rogue, grants=["password"])
    engine.add("idp", preset)
    login = engine.begin(LoginRequest("idp"))
    host = engine.typed.host(login.id)
    with RogueProvider() as evil:
        engine.register(provider_from_mapping("idp", preset | {"issuer": evil.issuer}))
        engine.typed.password(login.id, "rosa", Secret(rogue.password), host=host)
        assert evil.requests == []
    assert len(rogue.seen("token")) == 1


# -- paste ---------------------------------------------------------------------------------------


@pytest.fixture
def fourinsight():
    with FourInsight() as server:
        yield server


@pytest.fixture
def paste_engine(fourinsight, clock):
    fourinsight.clock = clock
    elsewhere = {"token_endpoint": f"{fourinsight.origin}/elsewhere"}
    fields = fourinsight.table() | {"endpoints": elsewhere}
    engine = Engine(Providers({"4insight": fields}), MemoryStore(), clock=clock)
    yield engine
    engine.close()


def paste(engine: Engine, text: str, **asked):
    login = engine.begin(LoginRequest("4insight", **asked))
    return engine.typed.paste(login.id, Secret(text), host=engine.typed.host(login.id))


def test_a_package_is_spent_but_nothing_is_stored_before_a_yes(paste_engine, fourinsight):
    login = paste(paste_engine, fourinsight.package())
    assert login.status == "pending"
    assert login.candidate.username == PERSON
    assert paste_engine.accounts() == []
    ended = paste_engine.confirm(login.id)
    assert (ended.status, ended.candidate) == ("complete", None)
    (account,) = paste_engine.accounts()
    assert account.username == PERSON


def test_a_no_stores_nothing(paste_engine, fourinsight):
    login = paste(paste_engine, fourinsight.package("mallory@evil.example"))
    assert paste_engine.cancel(login.id).status == "cancelled"
    assert paste_engine.accounts() == []
    with pytest.raises(LoginCancelled):
        paste_engine.confirm(login.id)


def test_without_a_paste_there_is_nobody_to_say_yes_to(paste_engine):
    login = paste_engine.begin(LoginRequest("4insight"))
    with pytest.raises(LoginFailed, match="No account is waiting"):
        paste_engine.confirm(login.id)
    assert paste_engine.accounts() == []


def test_a_yes_counts_once(paste_engine, fourinsight):
    login = paste(paste_engine, fourinsight.package())
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(paste_engine.confirm, login.id) for _ in range(8)]
    good = [f for f in futures if f.exception() is None]
    assert {f.result().status for f in good} == {"complete"}
    assert len(paste_engine.accounts()) == 1


EVIL = [
    "https://evil.example/token",
    "http://evil.example/token",
    "{origin}.evil.example/token",
    "http://{netloc}@evil.example/token",
    "http://{host}:1/token",
    "http://{host}./token",
    "https://{netloc}/token",
    "//{netloc}/token",
    "file:///etc/passwd",
    "",
    " {origin}/token",
    "{origin}\\@evil.example/",
]


@pytest.mark.parametrize("endpoint", [each for each in EVIL if each and "https://{n" not in each])
def test_an_endpoint_elsewhere_gets_nothing(paste_engine, fourinsight, endpoint):
    netloc = fourinsight.origin.removeprefix("http://")
    host = netloc.partition(":")[0]
    target = endpoint.format(origin=fourinsight.origin, netloc=netloc, host=host)
    code = json.loads(fourinsight.package())["code"]
    with pytest.raises(ConfigurationError, match="Nothing was sent"):
        paste(paste_engine, json.dumps({"endpoint": target, "code": code}))
    assert fourinsight.requests == []
    assert paste_engine.logins()  # the right one can still be pasted


def test_a_refresh_goes_to_the_endpoint_that_came_with_the_code(paste_engine, fourinsight, clock):
    login = paste(paste_engine, fourinsight.package())
    paste_engine.confirm(login.id)
    first = paste_engine.token("4insight")
    clock.advance(3600)
    assert paste_engine.token("4insight") != first
    assert [each.form["grant_type"] for each in fourinsight.seen(USER_TOKEN_PATH)] == [
        "authorization_code",
        "refresh_token",
    ]


def test_an_endpoint_that_is_no_longer_allowed_gets_no_refresh_token(
    paste_engine, fourinsight, clock
):
    login = paste(paste_engine, fourinsight.package())
    paste_engine.confirm(login.id)
    account = account_of(paste_engine, "4insight")
    clock.advance(3600)
    provider = paste_engine.configured("4insight")
    other = {
        "endpoints": {"token_endpoint": provider.endpoints.token_endpoint},
        "client_id": provider.client_id,
        "client_secret": provider.client_secret,
        "paste": {"url": "https://x.example/", "hosts": []},
    }
    paste_engine.configure(provider_from_mapping("4insight", other))
    with pytest.raises(LoginRequired):  # the account was made with other hosts
        paste_engine.token("4insight")
    # One of an earlier version, which did not say so.
    earlier = paste_engine.configured("4insight").first_fingerprint
    paste_engine._tokens.keep(dataclasses.replace(account, fingerprint=earlier))
    with pytest.raises(ConfigurationError, match="Nothing was sent"):
        paste_engine.token("4insight")
    assert len(fourinsight.seen(USER_TOKEN_PATH)) == 1


def test_the_endpoint_rests_with_the_account(paste_engine, fourinsight, tmp_path):
    login = paste(paste_engine, fourinsight.package())
    paste_engine.confirm(login.id)
    account = account_of(paste_engine, "4insight")
    store = FileStore(tmp_path)
    with store.locked(account.key) as slot:
        slot.save(account)
    assert store.load(AccountKey("4insight")).token_endpoint == account.token_endpoint


def test_a_bare_code_goes_to_the_provider_s_own_endpoint(paste_engine, fourinsight):
    code = json.loads(fourinsight.package())["code"]
    with pytest.raises(Exception):  # noqa: B017 (there is nobody at that path)
        paste(paste_engine, code)
    assert fourinsight.requests[0].path == "/elsewhere"


def test_a_spent_code_can_be_replaced(paste_engine, fourinsight):
    package = fourinsight.package()
    paste(paste_engine, package)
    with pytest.raises(LoginFailed):
        paste(paste_engine, package)
    assert paste(paste_engine, fourinsight.package()).candidate


def test_somebody_else_than_asked_for_is_refused_at_once(paste_engine, fourinsight):
    with pytest.raises(UserMismatch):
        paste(paste_engine, fourinsight.package(), username="bob@4subsea.example")
    assert paste_engine.accounts() == []


def test_a_provider_must_say_where_its_code_is_found(rogue):
    fields = {"issuer": rogue.issuer, "client_id": "x", "grants": ["paste"]}
    engine = Engine(Providers({"x": fields}), MemoryStore())
    with pytest.raises(ConfigurationError, match="does not say where"):
        engine.begin(LoginRequest("x"))
