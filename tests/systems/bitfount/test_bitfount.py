"""Bitfount's column, row by row of what is known of it: the device grant as Auth0 speaks it."""

from __future__ import annotations

import copy

import pytest

from clock import Clock
from core.sign_in import account_of
from jupyter_auth import UserSession
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import InsufficientScope, LoginRequired, UserMismatch
from jupyter_auth.core.models import AccountKey, LoginRequest
from jupyter_auth.core.provider.definitions import provider_from_mapping
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.wire import login_error
from memory_store import MemoryStore
from patience import PATIENCE
from providers import troubles
from providers.presets.bitfount import AUDIENCE, CLIENT_ID, KEY, KEY_ID, SCOPES, Bitfount
from systems.presets import bitfount_preset


@pytest.fixture
def bitfount():
    with Bitfount() as server:
        yield server


@pytest.fixture
def table(bitfount):
    """The preset, at the servers of the test."""
    return bitfount_preset(bitfount)


@pytest.fixture
def engine(table, bitfount):
    clock = bitfount.clock = Clock()
    engine = Engine(Providers({"bitfount": table}), MemoryStore(), clock=clock)
    yield engine
    engine.close()


def sign_in(engine, bitfount, *, approve=True, **asked):
    """A device login that its person has approved; as it ended."""
    login = engine.device.start(engine.begin(LoginRequest("bitfount", **asked)).id, confirm_by=None)
    if approve:
        bitfount.devices.approve(login.user_code)
    engine._clock.now = login.next_poll_at
    return engine.device.poll(login.id)


def test_flow_is_the_device_code(engine, bitfount):
    login = engine.device.start(engine.begin(LoginRequest("bitfount")).id, confirm_by=None)
    assert login.grant == "device_code"
    assert login.verification_uri_complete is None  # it may be absent
    assert login.next_poll_at == engine._clock.now + 5  # and so may the interval
    assert sign_in(engine, bitfount).status == "complete"


def test_client_auth_is_none_of_a_public_client(engine, bitfount):
    sign_in(engine, bitfount)
    for request in (*bitfount.seen("device"), *bitfount.seen("token")):
        assert "authorization" not in request.headers
        assert request.form["client_id"] == CLIENT_ID
        assert "client_secret" not in request.form


def test_token_url_is_fixed(engine, bitfount):
    sign_in(engine, bitfount)
    assert [request.path for request in bitfount.requests[:2]] == [
        "/oauth/device/code",
        "/oauth/token",
    ]


def test_extra_params_are_the_audience(engine, bitfount):
    sign_in(engine, bitfount)
    (asked,) = bitfount.seen("device")
    expected = {"client_id": CLIENT_ID, "scope": SCOPES, "audience": AUDIENCE}
    assert asked.form.keys() == expected.keys() | {"code_challenge", "code_challenge_method"}
    assert asked.form.items() >= expected.items()


def test_api_header_is_a_bearer_at_hub_and_access_manager(broker, table, bitfount):
    engine = broker({"bitfount": table})
    bitfount.devices.interval = 0.1
    login = engine.device.start(engine.begin(LoginRequest("bitfount")).id, confirm_by=None)
    bitfount.devices.approve(login.user_code)
    since = engine.changes().sequence
    engine.changes(since, wait=PATIENCE)
    session = UserSession("bitfount", username="rosa", interactive=False)
    assert session.get("api/me").json() == {"username": "rosa"}
    assert session.get(f"{bitfount.access_manager}/api/me").ok
    assert {call.headers["authorization"] for call in bitfount.calls} == {
        f"Bearer {session.access_token!s}"
    }


ENVIRON = {"BITFOUNT_API_KEY_ID": KEY_ID, "BITFOUNT_API_KEY": KEY}


def test_api_header_may_be_a_key_half_of_it_for_the_hub(broker, table, bitfount):
    broker({"bitfount": table}, ENVIRON)
    session = UserSession("bitfount", username="alice", interactive=False)
    assert session.get("api/me").ok
    assert session.get(f"{bitfount.access_manager}/api/me").ok
    hub, access_manager = (
        (call.headers["x-api-key-id"], call.headers["x-api-key"]) for call in bitfount.calls
    )
    assert hub == (KEY_ID, KEY.partition(":")[0])
    assert access_manager == (KEY_ID, KEY)
    assert "authorization" not in bitfount.calls[0].headers
    assert session.api_keys == {"api_key_id": KEY_ID, "api_key": KEY}
    assert (session.api_keys.api_key_id, session.api_keys.api_key) == (KEY_ID, KEY)
    assert (session.api_keys.access_key_id, session.api_keys.access_key) == (KEY_ID, KEY)  # theirs
    assert copy.copy(session.api_keys).access_key == KEY
    with pytest.raises(AttributeError, match="'secret'; it has api_key_id, api_key"):
        _ = session.api_keys.secret
    assert KEY not in repr(vars(session.api_keys))
    assert session.username == "alice"  # a key does not say whose it is
    assert UserSession("bitfount", interactive=False).username is None
    assert UserSession("bitfount", scopes="openid more", interactive=False).authenticated
    assert KEY not in repr(session.api_keys) + repr(session)
    assert session.authenticated
    assert bitfount.requests == []  # nobody was asked for anything


@pytest.mark.parametrize("missing", ENVIRON)
def test_api_header_of_half_a_key_is_none(broker, table, missing):
    broker({"bitfount": table}, {k: v for k, v in ENVIRON.items() if k != missing})
    with pytest.raises(LoginRequired):
        UserSession("bitfount", interactive=False)


def test_refresh_token_rotates(engine, bitfount):
    sign_in(engine, bitfount)
    before = account_of(engine, "bitfount").refresh_token
    engine._clock.advance(3600)
    assert engine.token("bitfount")
    assert account_of(engine, "bitfount").refresh_token != before


def test_refresh_may_lack_what_is_kept_then(engine, bitfount):
    sign_in(engine, bitfount)
    before = account_of(engine, "bitfount")
    bitfount.sparse = True
    engine._clock.advance(3600)
    assert engine.token("bitfount").access_token != before.access_token
    after = account_of(engine, "bitfount")
    assert (after.refresh_token, after.id_token) == (before.refresh_token, before.id_token)


def test_refresh_with_5xx_is_try_again_and_not_sign_in_again(engine, bitfount):
    sign_in(engine, bitfount)
    engine._clock.advance(3600)
    bitfount.script("refresh", troubles.status(502), times=1)
    with pytest.raises(Exception, match="502") as caught:
        engine.token("bitfount")
    assert not isinstance(caught.value, LoginRequired)
    assert engine.token("bitfount")


def test_revoke_is_none(engine, bitfount):
    sign_in(engine, bitfount)
    gone = engine.logout("bitfount")
    assert (gone.removed, gone.revoked) == (True, False)
    assert "does not support revocation" in gone.note
    assert bitfount.revoked == []


def test_kept_under_the_username_of_its_own_claim(engine, bitfount):
    assert sign_in(engine, bitfount, username="rosa").status == "complete"
    assert account_of(engine, "bitfount").username == "rosa"


def test_kept_under_somebody_elses_name_it_is_refused_and_nothing_sent(engine, bitfount):
    ended = sign_in(engine, bitfount, username="alice")
    assert isinstance(login_error(ended), UserMismatch)
    assert isinstance(login_error(ended), AssertionError)
    assert engine.accounts() == []
    assert bitfount.calls == []


def test_kept_for_fewer_scopes_it_is_not_taken_for_more(broker, table, bitfount):
    """Neither for those of the session nor for those of the configuration, once it asks for more;
    but what a provider did not grant is not asked for again and again."""
    engine = broker({"bitfount": table})
    bitfount.scope = "openid"  # as granted
    bitfount.devices.interval = 0.1
    login = engine.device.start(engine.begin(LoginRequest("bitfount")).id, confirm_by=None)
    bitfount.devices.approve(login.user_code)
    engine.changes(engine.changes().sequence, wait=PATIENCE)
    assert UserSession("bitfount", interactive=False).scopes == ("openid",)
    with pytest.raises(InsufficientScope, match="lacks the scopes pods"):
        UserSession("bitfount", scopes="openid pods", interactive=False)
    wider = table | {"scopes": [*table["scopes"], "pods"]}
    engine.configure(provider_from_mapping("bitfount", wider))
    with pytest.raises(InsufficientScope, match="lacks the scopes pods") as caught:
        UserSession("bitfount", interactive=False)
    assert caught.value.scopes == ("pods",)
    engine.configure(provider_from_mapping("bitfount", table | {"scopes": ["openid", "profile"]}))
    assert UserSession("bitfount", interactive=False).authenticated


def test_kept_under_another_configuration_it_is_nobodys(engine, bitfount, table):
    sign_in(engine, bitfount)
    other = Providers({"bitfount": table | {"audience": "https://another.example"}})
    again = Engine(other, engine._store, clock=engine._clock)
    assert engine._store.load(AccountKey("bitfount"))
    with pytest.raises(LoginRequired):
        again.token("bitfount")
    again.close()


def test_leeway_is_ten_minutes(engine, bitfount):
    sign_in(engine, bitfount)
    first = engine.token("bitfount")
    engine._clock.advance(3600 - 601)
    assert engine.token("bitfount") == first
    engine._clock.advance(2)
    assert engine.token("bitfount") != first


def test_throttle_429_of_a_poll_slows_down_for_good(engine, bitfount):
    login = engine.device.start(engine.begin(LoginRequest("bitfount")).id, confirm_by=None)
    bitfount.script("token", troubles.error("slow_down", 429), times=1)
    engine._clock.advance(5)
    engine.device.poll(login.id)
    assert engine.login(login.id).next_poll_at == engine._clock.now + 10
    engine._clock.advance(10)
    assert engine.device.poll(login.id).status == "pending"  # 403 and authorization_pending
    assert bitfount.devices.early == 0


@pytest.mark.parametrize(
    ("error", "status"), [("access_denied", "denied"), ("expired_token", "expired")]
)
def test_flow_that_ends_otherwise_is_a_connection_error(engine, bitfount, error, status):
    bitfount.script("token", troubles.error(error, 403))
    ended = sign_in(engine, bitfount, approve=False)
    assert ended.status == status
    assert isinstance(login_error(ended), ConnectionError)
