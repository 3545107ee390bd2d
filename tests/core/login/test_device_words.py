"""A device login at providers whose answers to polls are in other words, and in other places."""

from __future__ import annotations

import dataclasses
import json

import pytest

from core.login.device_login import begun
from core.sign_in import provider_at
from jupyter_auth.core.errors import LoginFailed
from jupyter_auth.core.wire import login_error
from providers import troubles


@pytest.mark.parametrize("status", [200, 400, 403, 404, 428, 429, 500])
@pytest.mark.parametrize(
    "said",
    [
        {"error": "authorization_pending"},
        {"error": "AUTHORIZATION_PENDING"},
        {"error": {"code": "authorization_pending", "message": "Not yet."}},
        {"error": {"code": 428, "status": "AUTHORIZATION_PENDING"}},
        {"error": {"code": "deviceauth_authorization_pending"}},
    ],
    ids=str,
)
def test_pending(rogue, device, said, status):
    rogue.script("token", troubles.json_value(said, status))
    assert device.poll().status == "pending"
    assert (device.error, device.pause) == (None, 5)


@pytest.mark.parametrize(
    "said",
    [
        {"status": 400, "message": "authorization_pending"},  # Twitch
        {"errors": [{"code": "authorization_pending"}]},
        {
            "__type": "AuthorizationPendingException",
            "message": "",
            "error": "authorization_pending",
        },
    ],
    ids=str,
)
def test_pending_by_an_error_status(rogue, device, said):
    rogue.script("token", troubles.json_value(said, 400))
    assert device.poll().status == "pending"
    assert device.error is None


@pytest.mark.parametrize("said", [{"status": "PENDING"}, {"message": "authorization_pending"}])
@pytest.mark.parametrize("status", [200, 202])
def test_pending_by_a_success_without_a_token(rogue, device, said, status):
    rogue.script("token", troubles.json_value(said, status))
    assert device.poll().status == "pending"
    assert (device.error, device.pause) == (None, 5)
    rogue.script("token", troubles.fields(**said))  # and with a token it is a word like another
    rogue.devices.approve(device.login.user_code)
    assert device.poll().status == "complete"


def test_428_says_it_all(rogue, device):
    rogue.script("token", troubles.status(428))
    assert device.poll().status == "pending"
    assert (device.error, device.pause) == (None, 5)


@pytest.mark.parametrize(
    "trouble",
    [
        troubles.status(429),
        troubles.status(429, "<html>", "text/html"),
        troubles.json_value({"message": "Too many requests"}, 429),
        troubles.json_value({"error": {"code": "slow_down"}}, 400),
        troubles.error("slow_down", 429),
    ],
)
def test_slower(rogue, device, trouble):
    rogue.script("token", trouble)
    assert device.poll().status == "pending"
    assert (device.error, device.pause) == (None, 10)
    rogue.behave()
    device.poll()
    assert device.pause == 10  # for good


@pytest.mark.parametrize("interval", [10, "10", 12, 1e9, -1, None])
def test_slower_by_as_much_as_is_said(rogue, device, interval):
    """GitHub says the new interval."""
    rogue.script("token", troubles.json_value({"error": "slow_down", "interval": interval}))
    device.poll()
    assert device.pause == {12: 12, 1e9: 60}.get(interval, 10)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("access_denied", "denied"),
        ("authorization_declined", "denied"),  # Entra
        ("user_denied", "denied"),
        ("authorization_request_denied", "denied"),
        ("expired_token", "expired"),
        ("code_expired", "expired"),
        ("bad_verification_code", "expired"),  # Entra, GitHub
        ("device_code_expired", "expired"),
    ],
)
@pytest.mark.parametrize("http_status", [200, 400, 403])
def test_the_end(rogue, device, code, status, http_status):
    nested = http_status == 403
    said = {"error": {"code": code}} if nested else {"error": code}
    rogue.script("token", troubles.json_value(said, http_status))
    ended = device.poll()
    assert ended.status == status
    if status == "denied":
        assert code in ended.error["message"]


def test_words_and_statuses_of_its_own_are_data(engine, rogue, clock):
    """Trakt answers polls with a status alone."""
    names = {"400": "authorization_pending", "418": "access_denied", "gone": "expired_token"}
    engine.configure(provider_at(rogue, error_names=names))
    device = begun(engine, clock)
    rogue.script("token", troubles.status(400))
    assert device.poll().status == "pending"
    assert device.error is None
    rogue.script("token", troubles.error("gone"))
    assert device.poll().status == "expired"
    rogue.behave()
    device = begun(engine, clock)
    rogue.script("token", troubles.status(418))
    ended = device.poll()
    assert ended.status == "denied"
    assert "HTTP 418" in ended.error["message"]
    device = begun(engine, clock)
    rogue.script("token", troubles.error("invalid_request"))
    assert isinstance(login_error(device.poll()), LoginFailed)


def test_parameters_of_its_own_names(engine, rogue, clock):
    """AWS has camelCase where RFC 8628 has underscores."""
    own = {
        "device_code": "deviceCode",
        "user_code": "userCode",
        "verification_uri": "verificationUri",
        "expires_in": "expiresIn",
        "access_token": "accessToken",
    }
    engine.configure(provider_at(rogue, param_names=own))
    rogue.script("device", renamed(own))
    device = begun(engine, clock)
    rogue.script("token", troubles.json_value({"accessToken": "planted"}))
    assert device.poll().status == "complete"
    assert engine.token("idp").access_token.reveal() == "planted"
    assert "deviceCode" in rogue.seen("token")[0].form


def renamed(names):
    def trouble(proceed):
        reply = proceed()
        body = {names.get(name, name): value for name, value in json.loads(reply.body).items()}
        return dataclasses.replace(reply, body=json.dumps(body).encode())

    return trouble
