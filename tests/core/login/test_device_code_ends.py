"""How a login by device code ends where no account comes of it, and what does not end it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from core.login.device_login import begun
from core.sign_in import provider_at
from jupyter_auth.core.errors import (
    ConfigurationError,
    LoginCancelled,
    LoginDenied,
    LoginExpired,
    LoginFailed,
    UserMismatch,
)
from jupyter_auth.core.login.login_store import MAX_DELAY
from jupyter_auth.core.login.logins import LIFETIME
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.wire import login_error
from patience import PATIENCE
from providers import troubles


@pytest.mark.parametrize("status", [400, 403, 429, 500, 200])
def test_an_error_counts_whatever_the_status(rogue, status, device):
    rogue.devices.statuses = dict.fromkeys(("authorization_pending", "access_denied"), status)
    assert device.poll().status == "pending"
    assert device.pause == 5  # it was an answer, not an outage
    rogue.devices.deny(device.login.user_code)
    ended = device.poll()
    assert ended.status == "denied"
    assert isinstance(login_error(ended), LoginDenied)


def test_denied(engine, rogue, device):
    rogue.devices.deny(device.login.user_code)
    assert isinstance(login_error(device.poll()), LoginDenied)
    assert isinstance(login_error(engine.login(device.login.id)), ConnectionError)
    assert engine.accounts() == []


def test_the_provider_says_expired(rogue, device):
    rogue.script("token", troubles.error("expired_token"))
    ended = device.poll()
    assert ended.status == "expired"
    assert isinstance(login_error(ended), LoginExpired)
    assert isinstance(login_error(ended), ConnectionError)


def test_polling_stops_when_the_code_has_expired(engine, rogue, clock):
    rogue.devices.expires_in = 60
    device = begun(engine, clock)
    assert device.login.expires_at == clock.now + 60
    clock.advance(60)
    assert engine.device.poll(device.login.id).status == "expired"
    assert engine.due() == []
    assert rogue.devices.polls == 0


def test_a_code_that_lives_longer_ends_with_its_login(engine, rogue, clock):
    rogue.devices.expires_in = 86400
    device = begun(engine, clock)
    assert device.login.expires_at == clock.now + LIFETIME


def test_cancelled_it_is_asked_no_more(engine, rogue, clock, device, login_store):
    engine.cancel(device.login.id)
    clock.advance(5)
    assert engine.device.poll(device.login.id).status == "cancelled"
    assert rogue.devices.polls == 0
    assert login_store.read()[device.login.id].polling is None
    with pytest.raises(LoginCancelled):
        engine.device.start(device.login.id, confirm_by=None)


def test_cancelled_while_it_is_asked_stores_nothing_and_gives_back(engine, rogue, clock, device):
    rogue.devices.approve(device.login.user_code)
    gate = rogue.script("token", troubles.Gate(after=True))
    clock.advance(5)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(engine.device.poll, device.login.id)
        assert gate.arrived.wait(PATIENCE)
        engine.cancel(device.login.id)
        gate.release()
        assert asking.result(PATIENCE).status == "cancelled"
    assert engine.accounts() == []
    assert len(rogue.revoked) == 2


@pytest.mark.parametrize("code", ["invalid_grant", "invalid_request", "what_is_this"])
def test_any_other_error_ends_it(engine, rogue, code, device):
    rogue.script("token", troubles.error(code))
    assert isinstance(login_error(device.poll()), LoginFailed)
    assert engine.due() == []


def test_a_refused_client_is_a_matter_of_configuration(rogue, device):
    rogue.script("token", troubles.error("unauthorized_client"))
    assert isinstance(login_error(device.poll()), ConfigurationError)


TROUBLES = {
    "down": troubles.status(503),
    "no answer": troubles.close(),
    "a page": troubles.html(),
    "nothing": troubles.empty(),
    "not yet": troubles.error("temporarily_unavailable", 503),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_a_provider_that_is_away_is_asked_again_ever_less_often(rogue, name, device):
    rogue.script("token", TROUBLES[name])
    pauses = []
    for _ in range(6):
        assert device.poll().status == "pending"
        pauses.append(device.pause)
    assert pauses == [10, 20, 40, MAX_DELAY, MAX_DELAY, MAX_DELAY]
    assert device.error["code"] in {"provider_unavailable", "provider_error"}
    assert "retried automatically" in device.error["hint"]
    rogue.behave()
    assert device.poll().status == "pending"
    assert device.error is None
    assert device.pause == 5  # as before it was away
    rogue.devices.approve(device.login.user_code)
    assert device.poll().status == "complete"


def test_a_provider_that_is_away_to_the_end_is_told_as_expired(rogue, device):
    rogue.offline()
    for _ in range(30):
        if (ended := device.poll()).status != "pending":
            break
    assert (ended.status, ended.error) == ("expired", None)


def test_somebody_else_is_refused_with_nothing_stored(engine, rogue, clock):
    asked = engine.begin(LoginRequest("idp", grant="device_code", username="alice"))
    login = engine.device.start(asked.id, confirm_by=None)
    rogue.devices.approve(login.user_code)
    clock.advance(5)
    ended = engine.device.poll(login.id)
    assert isinstance(login_error(ended), UserMismatch)
    assert engine.accounts() == []
    assert len(rogue.revoked) == 2


def test_a_provider_configured_anew_meanwhile_gets_no_code(engine, rogue, device):
    engine.configure(provider_at(rogue, client_id="another"))
    assert isinstance(login_error(device.poll()), LoginFailed)
    assert rogue.seen("token") == []
