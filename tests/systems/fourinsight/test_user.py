"""4insight's column for people, row by row of what is known of it: a text is pasted."""

from __future__ import annotations

import base64
import json
import time

import pytest

from clock import Clock
from core.sign_in import account_of
from jupyter_auth import UserSession
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError, LoginFailed, LoginRequired
from jupyter_auth.core.models import AccountKey, LoginRequest
from jupyter_auth.core.protocol.parties import Party
from jupyter_auth.core.provider.definitions import provider_from_mapping
from jupyter_auth.core.provider.field_types import Endpoints
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.tokens.store import FileStore
from providers.presets.fourinsight import USER_TOKEN_PATH, FourInsight
from providers.troubles import Reply
from systems.fourinsight.sign_in import paste, sign_in
from systems.presets import preset_at


@pytest.fixture
def fourinsight():
    with FourInsight(Clock()) as server:
        yield server


@pytest.fixture
def table(fourinsight):
    """The preset, at the server of the test; the secret as its own package would give it."""
    moved = {
        "https://login.microsoftonline.com": fourinsight.origin,
        '"login.microsoftonline.com"': f'"{fourinsight.host}"',
        "https://api.4insight.io": fourinsight.origin,
    }
    return preset_at("4insight", moved, client_secret=fourinsight.user_client_secret)


@pytest.fixture
def engine(table, fourinsight, tmp_path):
    store = FileStore(tmp_path)
    engine = Engine(Providers({"4insight": table}), store, clock=fourinsight.clock)
    yield engine
    engine.close()


def test_flow_is_the_paste_of_a_json_package(engine, fourinsight):
    assert engine.configured("4insight").paste.url == "https://4insight.io/auth"
    assert sign_in(engine, fourinsight).status == "complete"


def test_flow_with_a_registration_of_ones_own_is_the_callback(table, fourinsight, tmp_path):
    """The same preset: nobody pastes anything."""
    own = {
        "grants": ["authorization_code"],
        "client_id": "mine",
        "endpoints": {
            **table["endpoints"],
            "authorization_endpoint": f"{fourinsight.origin}/authorize",
        },
    }
    engine = Engine(Providers({"4insight": table | own}), FileStore(tmp_path))
    login = engine.begin(LoginRequest("4insight"))
    url, _ = engine.open(login.id, "http://127.0.0.1/jupyter-auth/callback/4insight", "alice")
    assert login.grant == "authorization_code"
    assert url.startswith(f"{fourinsight.origin}/authorize?")


def test_client_auth_is_basic(engine, fourinsight):
    sign_in(engine, fourinsight)
    (sent,) = fourinsight.seen(USER_TOKEN_PATH)
    given = f"{fourinsight.user_client_id}:{fourinsight.user_client_secret}"
    assert sent.headers["authorization"] == f"Basic {base64.b64encode(given.encode()).decode()}"


def test_token_url_comes_with_the_package_but_only_at_an_allowed_host(engine, fourinsight):
    code = json.loads(fourinsight.package())["code"]
    with pytest.raises(ConfigurationError, match="Nothing was sent"):
        paste(engine, json.dumps({"endpoint": "https://evil.example/token", "code": code}))
    assert fourinsight.requests == []
    sign_in(engine, fourinsight)
    assert account_of(engine, "4insight").token_endpoint == fourinsight.origin + USER_TOKEN_PATH


def test_token_url_is_at_either_host_of_the_preset():
    party = Party(provider=Providers().get("4insight"), endpoints=Endpoints())
    for host in ("4subseaid.b2clogin.com", "login.microsoftonline.com"):
        url = f"https://{host}/4subseaid.onmicrosoft.com/oauth2/v2.0/token?p=B2C_1A_SignIn"
        assert party.at(url).endpoints.token_endpoint == url
    for host in ("4subseaid.b2clogin.com.evil.example", "other.b2clogin.com"):
        with pytest.raises(ConfigurationError, match="Nothing was sent"):
            party.at(f"https://{host}/token")


@pytest.mark.parametrize(
    ("package", "why"),
    [("no-such-package", "isn't installed here"), ("oauthlib", "does not have it in version ")],
)
def test_client_auth_without_the_package_that_has_the_secret(
    engine, table, fourinsight, package, why
):
    """It is said before a code is spent; who is signed in already stays so."""
    source = table["credentials_from"] | {"package": package, "file": "none.json"}
    table |= {"credentials_from": source}
    engine.configure(provider_from_mapping("4insight", table))
    sign_in(engine, fourinsight)
    fourinsight.requests.clear()
    lacks = table | {"client_secret": None}
    fourinsight.clock.advance(fourinsight.lifetime)
    pending = engine.begin(LoginRequest("4insight", "another"))
    engine.configure(provider_from_mapping("4insight", lacks))
    for call in (
        lambda: engine.begin(LoginRequest("4insight", "third")),
        lambda: engine.typed.paste(
            pending.id, Secret(fourinsight.package()), host=engine.typed.host(pending.id)
        ),
        lambda: engine.token("4insight"),
    ):
        with pytest.raises(ConfigurationError, match=f"package {package}, which {why}") as caught:
            call()
        assert f"-m pip install {package}` and try again" in caught.value.hint
    (client,) = (each for each in engine.examine("4insight") if each.about == "Client")
    assert (client.state, client.says) == ("wrong", caught.value.message)
    assert [each for each in fourinsight.requests if each.method == "POST"] == []
    engine.configure(provider_from_mapping("4insight", table))
    assert engine.token("4insight")


def test_client_auth_with_another_client_is_not_said_to_need_the_package(engine, table):
    own = {"client_id": "mine", "client_secret": None}
    engine.configure(provider_from_mapping("4insight", table | own | {"credentials_from": None}))
    assert engine.begin(LoginRequest("4insight")).status == "pending"
    assert Providers({"4insight": {"client_id": "mine"}}).get("4insight").credentials_from is None


def test_extra_params_are_none_at_all(engine, fourinsight):
    package = fourinsight.package()
    paste(engine, package)
    (sent,) = fourinsight.seen(USER_TOKEN_PATH)
    assert sent.form == {"grant_type": "authorization_code", "code": json.loads(package)["code"]}


def test_a_bare_code_is_no_traceback_of_json(engine, fourinsight):
    """It goes to the token endpoint of the preset, which may or may not know it."""
    with pytest.raises((LoginFailed, ConfigurationError)):
        paste(engine, json.loads(fourinsight.package())["code"])
    with pytest.raises(LoginFailed, match="not an authorization code"):
        paste(engine, "what is this")


def test_api_header_is_a_bearer(broker, table, fourinsight):
    engine = broker({"4insight": table})
    fourinsight.clock = time.time
    sign_in(engine, fourinsight)
    session = UserSession("4insight", interactive=False)
    answers = list(session.get_pages("v1.0/Campaigns"))
    assert [answer.json()["value"] for answer in answers] == [[1], [2], [3]]
    for call in fourinsight.seen("/v1.0/"):
        assert call.headers["authorization"] == f"Bearer {session.access_token!s}"
    assert session.authorized  # as requests-oauthlib's session says it, which theirs is
    assert session.client_id == fourinsight.user_client_id
    session.logout()
    assert not session.authorized


def test_refresh_is_by_refresh_token_at_the_same_url(engine, fourinsight):
    sign_in(engine, fourinsight)
    first = engine.token("4insight")
    fourinsight.clock.advance(fourinsight.lifetime)
    assert engine.token("4insight") != first
    assert [sent.form["grant_type"] for sent in fourinsight.seen(USER_TOKEN_PATH)] == [
        "authorization_code",
        "refresh_token",
    ]


def test_refresh_with_500_does_not_throw_the_login_away(engine, fourinsight):
    sign_in(engine, fourinsight)
    fourinsight.clock.advance(fourinsight.lifetime)
    fourinsight.refresh_trouble = Reply(500)
    with pytest.raises(Exception, match="500"):
        engine.token("4insight")
    fourinsight.refresh_trouble = None
    assert engine.token("4insight")


def test_revoke_is_none(engine, fourinsight):
    sign_in(engine, fourinsight)
    gone = engine.logout("4insight")
    assert (gone.removed, gone.revoked) == (True, False)
    assert "does not support revocation" in gone.note


@pytest.mark.parametrize("key", ["work", "../../x", "x" * 1000, "🔑"])
def test_kept_under_the_session_key_whatever_that_is(engine, fourinsight, key):
    sign_in(engine, fourinsight, key)
    assert engine.token("4insight", key)
    with pytest.raises(LoginRequired):
        engine.token("4insight")
    kept = engine._store.load(AccountKey("4insight", key))
    assert kept.session_key == key


def test_kept_under_a_key_that_is_too_long_fails_before_the_code_is_spent(engine, fourinsight):
    with pytest.raises(ConfigurationError, match="session_key"):
        engine.begin(LoginRequest("4insight", "x" * 10_000))
    assert fourinsight.requests == []


def test_leeway_is_ours(engine, fourinsight):
    sign_in(engine, fourinsight)
    first = engine.token("4insight")
    fourinsight.clock.advance(fourinsight.lifetime - 61)
    assert engine.token("4insight") == first
    fourinsight.clock.advance(2)
    assert engine.token("4insight") != first


def test_throttle_503_with_retry_after_is_waited_for(broker, table, fourinsight):
    engine = broker({"4insight": table})
    fourinsight.clock = time.time
    sign_in(engine, fourinsight)
    fourinsight.troubles.append(Reply(503, headers={"Retry-After": "0"}))
    assert UserSession("4insight", interactive=False).get("v1.0/Campaigns").ok
