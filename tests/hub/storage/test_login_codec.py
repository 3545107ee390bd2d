"""Logins as they are written down for other replicas: whatever is known of one comes back."""

from __future__ import annotations

import dataclasses
import json

from jupyter_auth.core.login.login_store import DevicePolls, LoginPurpose, Opening, StoredLogin
from jupyter_auth.core.models import Account, AccountKey, Challenge, Login
from jupyter_auth.core.secret import Secret
from jupyter_auth.server.hub.storage.login_codec import packed, unpacked

HELD = Account(
    provider="4insight",
    session_key="work",
    fingerprint="f",
    access_token=Secret("a"),
    refresh_token=Secret("r"),
    token_endpoint="https://login.example/token",
    scopes=("one", "two"),
    issued_at=1.0,
    expires_at=2.0,
    username="alice",
    token_fields={"team": {"id": 1, "names": ["a", {"b": None}]}},
    signed_in_at=1.0,
)


def test_a_login_by_redirect_by_device_and_by_paste():
    key = AccountKey("4insight", "work")
    entries = {
        "redirect": StoredLogin(
            LoginPurpose(key=key, scopes=("one",), force=True),
            Login(id="redirect", provider="4insight"),
            openings={
                "digest": Opening(
                    verifier=Secret("v"),
                    nonce="n",
                    binding="b",
                    redirect_uri="https://x.example/callback",
                    user="alice",
                    fingerprint="f",
                    issuer=None,
                )
            },
        ),
        "device": StoredLogin(
            LoginPurpose(key=key, grant="device_code"),
            Login(id="device", provider="4insight", user_code="AB-CD", next_poll_at=5.0),
            polling=DevicePolls(device_code=Secret("d"), fingerprint="f", interval=5.0, failures=2),
        ),
        "paste": StoredLogin(
            LoginPurpose(key=key, username="alice", grant="paste"),
            Login(id="paste", provider="4insight", candidate=HELD.info()),
            held=HELD,
        ),
    }
    assert unpacked(packed(entries)) == entries


def test_an_account_without_the_newest_fields_is_written_as_before():
    """A replica of the version before reads a login whose account is to be confirmed."""
    held = dataclasses.replace(HELD, token_fields={})
    login = Login(id="l", provider="4insight", candidate=held.info())
    entries = {"l": StoredLogin(LoginPurpose(key=held.key), login, held=held)}
    written = packed(entries)
    assert not [name for name in ("refused", "token_fields", "trouble") if name in str(written)]
    assert unpacked(written) == entries


def test_what_an_api_demands_is_kept():
    demand = Challenge(api="api.example", scopes=("one", "two"), max_age="300")
    purpose = LoginPurpose(key=HELD.key, challenge=demand)
    entries = {"l": StoredLogin(purpose, Login(id="l", provider="4insight", reason="It asks."))}
    assert unpacked(packed(entries)) == entries
    plain = {"l": StoredLogin(LoginPurpose(key=HELD.key), Login(id="l", provider="4insight"))}
    assert not [name for name in ("challenge", "reason") if name in str(packed(plain))]


WRITTEN = {
    "request": {
        "kind": "Request",
        "of": {
            "key": {"kind": "AccountKey", "of": {"provider": "idp", "session_key": "work"}},
            "username": None,
            "scopes": {"kind": "tuple", "of": ["one"]},
            "force": True,
            "grant": "authorization_code",
            "host": "",
        },
    },
    "login": {
        "kind": "Login",
        "of": {
            "id": "l",
            "provider": "idp",
            "session_key": "work",
            "grant": "authorization_code",
            "host": "",
            "status": "pending",
            "expires_at": 600.0,
            "user_code": None,
            "verification_uri": None,
            "verification_uri_complete": None,
            "next_poll_at": None,
            "candidate": None,
            "error": {"kind": "mapping", "of": {"code": "throttled", "scopes": ["one"]}},
            "path": None,
            "url": None,
            "kernel": None,
            "notebook": None,
            "shared": False,
        },
    },
    "waiters": 2,
    "claimed": False,
    "openings": {
        "kind": "mapping",
        "of": {
            "digest": {
                "kind": "Opening",
                "of": {
                    "verifier": {"kind": "secret", "of": "v"},
                    "nonce": "n",
                    "binding": "b",
                    "redirect_uri": "https://x.example/callback",
                    "user": "alice",
                    "fingerprint": "f",
                    "issuer": None,
                    "names_issuer": False,
                    "overtaken": False,
                },
            }
        },
    },
    "polling": {
        "kind": "Polling",
        "of": {
            "device_code": {"kind": "secret", "of": "d"},
            "fingerprint": "f",
            "interval": 5.0,
            "confirm_by": None,
            "failures": 0,
            "error": None,
            "taken": False,
        },
    },
    "held": None,
    "confirm_by": None,
}


def test_it_is_written_as_it_was():
    """A replica of the version before reads it, and the other way round."""
    record = {"kind": "mapping", "of": {"l": {"kind": "Entry", "of": WRITTEN}}}
    entries = unpacked(json.dumps(record).encode())
    assert entries["l"].openings["digest"].verifier == Secret("v")
    assert entries["l"].request.scopes == ("one",)
    assert json.loads(packed(entries)) == record
    entries["l"].polling.verifier = Secret("a new field")  # read from here on
    assert unpacked(packed(entries)) == entries
