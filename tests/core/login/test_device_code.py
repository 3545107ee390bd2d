"""The device grant (RFC 8628): a code to take along, and polling at the provider's pace."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from clock import Clock
from core.login.device_login import begun
from core.sign_in import account_of, provider_at
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.errors import ConfigurationError, LoginFailed, ProviderError
from jupyter_auth.core.models import LoginRequest
from patience import PATIENCE
from providers import troubles

# -- the way to the end --------------------------------------------------------------------------


def test_a_code_is_taken_along_and_the_account_is_there(engine, rogue, device):
    assert device.login.user_code in device.login.verification_uri_complete
    assert device.login.verification_uri == f"{rogue.issuer}/device-page"
    assert device.poll().status == "pending"
    rogue.devices.approve(device.login.user_code)
    ended = device.poll()
    assert ended.status == "complete"
    assert (ended.user_code, ended.verification_uri_complete) == (None, None)
    assert account_of(engine).username == "rosa"
    assert engine.token("idp")
    assert rogue.devices.early == 0


def test_the_request_is_that_of_rfc_8628(rogue, device):
    rogue.devices.approve(device.login.user_code)
    device.poll()
    (asked,) = rogue.seen("device")
    assert asked.form["client_id"] == rogue.client_id
    assert "openid" in asked.form["scope"]
    assert asked.form["code_challenge_method"] == "S256"
    (polled,) = rogue.seen("token")
    digest = hashlib.sha256(polled.form["code_verifier"].encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert asked.form["code_challenge"] == challenge
    assert polled.form == {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": polled.form["device_code"],
        "code_verifier": polled.form["code_verifier"],
        "client_id": rogue.client_id,
    }


def test_a_client_with_a_secret_needs_no_pkce(engines, clock, rogue):
    rogue.client_secret = "s3cret"
    engine = engines(unrelated=rogue)
    engine.configure(provider_at(rogue, client_secret="s3cret"))
    device = begun(engine, clock)
    assert "code_challenge" not in rogue.seen("device")[0].form
    rogue.devices.approve(device.login.user_code)
    assert device.poll().status == "complete"
    assert "code_verifier" not in rogue.seen("token")[0].form


def test_the_device_code_is_in_no_word_of_ours(engine, rogue, caplog, device):
    caplog.set_level("DEBUG")
    device.poll()
    code = rogue.seen("token")[0].form["device_code"]
    shown = f"{device.login!r}{engine.login(device.login.id)!r}{engine.changes(0)!r}{caplog.text}"
    assert code not in shown


def test_a_refresh_follows_as_after_any_sign_in(engine, rogue, clock, device):
    rogue.devices.approve(device.login.user_code)
    device.poll()
    first = engine.token("idp")
    clock.advance(3600)
    assert engine.token("idp") != first
    assert rogue.refreshes == 1


def test_who_waits_drives_it(engine, rogue, clock):
    """No page, no server: the one that waits for changes asks the provider too."""
    device = begun(engine, clock)
    rogue.devices.approve(device.login.user_code)
    clock.advance(5)
    since = engine.changes().sequence
    changes = engine.changes(since, wait=PATIENCE).changes
    assert "login" in {each.kind for each in changes}
    assert engine.login(device.login.id).status == "complete"


def test_two_who_open_it_see_one_code(engine, rogue, device):
    assert engine.device.start(device.login.id, confirm_by=None) == device.login
    assert len(rogue.seen("device")) == 1


def test_the_device_grant_is_another_login_than_the_redirect(engine):
    assert (
        engine.begin(LoginRequest("idp")).id
        != engine.begin(LoginRequest("idp", grant="device_code")).id
    )
    one, two = (engine.begin(LoginRequest("idp", grant="device_code")) for _ in range(2))
    assert one.id == two.id


def test_at_the_certified_provider(engines, oidc):
    clock = Clock(time.time())  # its ID tokens go by the real one
    engine = engines(clock=clock, idp=oidc)
    device = begun(engine, clock)
    assert device.pause == 5  # it says no interval
    assert device.poll().status == "pending"
    oidc.approve_device(device.login.verification_uri_complete)
    assert device.poll().status == "complete"
    assert account_of(engine).username == "alice"


# -- the pace ------------------------------------------------------------------------------------


def test_it_is_not_asked_before_its_time(engine, rogue, clock, device):
    clock.advance(4.9)
    assert engine.device.poll(device.login.id).status == "pending"
    assert engine.due() == []
    assert rogue.devices.polls == 0
    clock.advance(0.1)
    assert [each.id for each in engine.due()] == [device.login.id]


def test_five_seconds_where_no_interval_is_said(engine, rogue, clock):
    rogue.devices.interval = None
    device = begun(engine, clock)
    assert device.pause == 5


def test_the_interval_that_is_said(engine, rogue, clock):
    rogue.devices.interval = 7
    device = begun(engine, clock)
    assert device.pause == 7
    clock.advance(7)
    device.poll()
    assert device.pause == 7


def test_slow_down_adds_five_seconds_for_good(rogue, device):
    rogue.script("token", troubles.error("slow_down"), times=2)
    device.poll()
    assert device.pause == 10
    device.poll()
    assert device.pause == 15
    device.poll()
    assert device.pause == 15


def test_one_at_a_time_asks(engine, rogue, clock, device):
    gate = rogue.script("token", troubles.Gate())
    clock.advance(5)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(engine.device.poll, device.login.id)
        assert gate.arrived.wait(PATIENCE)
        others = [pool.submit(engine.device.poll, device.login.id) for _ in range(6)]
        statuses = {each.result(PATIENCE).status for each in others}
        assert statuses == {"pending"}  # none of them waited
        gate.release()
        first.result(PATIENCE)
    assert rogue.devices.polls == 1


def test_logins_of_many_threads_are_polled_once_each(engine, rogue, clock):
    logins = [
        engine.device.start(
            engine.begin(LoginRequest("idp", f"k{n}", grant="device_code")).id, confirm_by=None
        )
        for n in range(4)
    ]
    for login in logins:
        rogue.devices.approve(login.user_code)
    clock.advance(5)
    barrier = threading.Barrier(8)

    def wait(_: int) -> None:
        barrier.wait(PATIENCE)
        for each in engine.due():
            engine.device.poll(each.id)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(wait, range(8)))
    assert rogue.devices.polls == len(logins)
    assert len(engine.accounts()) == len(logins)


# -- which grant ---------------------------------------------------------------------------------


def test_the_first_of_the_configured_grants_is_taken(engine, rogue):
    engine.configure(provider_at(rogue, grants=["device_code"]))
    assert engine.begin(LoginRequest("idp")).grant == "device_code"
    with pytest.raises(ConfigurationError, match="does not support the grant 'authorization_code'"):
        engine.begin(LoginRequest("idp", grant="authorization_code"))


def test_left_to_discovery_the_redirect_is_preferred(engine):
    assert engine.begin(LoginRequest("idp")).grant == "authorization_code"


def test_an_issuer_with_the_device_grant_alone(engine, rogue):
    rogue.script("discovery", troubles.fields(authorization_endpoint=troubles.MISSING))
    assert engine.begin(LoginRequest("idp")).grant == "device_code"


def test_a_grant_that_nobody_knows(rogue):
    with pytest.raises(ConfigurationError, match="grants"):
        provider_at(rogue, grants=["telepathy"])


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (troubles.status(500), ProviderUnavailable),
        (troubles.html(), ProviderError),
        (troubles.json_value([]), ProviderError),
        (troubles.error("invalid_client", 401), ConfigurationError),
        (troubles.error("invalid_scope"), LoginFailed),
        (troubles.status(404), ProviderError),
        (troubles.redirect("https://evil.example/"), ConfigurationError),
    ],
)
def test_no_code_can_be_tried_again(engine, rogue, trouble, kind):
    login = engine.begin(LoginRequest("idp", grant="device_code"))
    rogue.script("device", trouble)
    with pytest.raises(kind):
        engine.device.start(login.id, confirm_by=None)
    rogue.behave()
    assert engine.device.start(login.id, confirm_by=None).user_code
