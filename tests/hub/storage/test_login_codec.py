"""Logins as they are written down for other replicas: whatever is known of one comes back."""

from __future__ import annotations

from jupyter_auth.core.login.login_store import Entry, Opening, Polling, Request
from jupyter_auth.core.models import Account, AccountKey, Login
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
    signed_in_at=1.0,
)


def test_a_login_by_redirect_by_device_and_by_paste():
    key = AccountKey("4insight", "work")
    entries = {
        "redirect": Entry(
            Request(key=key, scopes=("one",), force=True),
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
        "device": Entry(
            Request(key=key, grant="device_code"),
            Login(id="device", provider="4insight", user_code="AB-CD", next_poll_at=5.0),
            polling=Polling(device_code=Secret("d"), fingerprint="f", interval=5.0, failures=2),
        ),
        "paste": Entry(
            Request(key=key, username="alice", grant="paste"),
            Login(id="paste", provider="4insight", candidate=HELD.info()),
            held=HELD,
        ),
    }
    assert unpacked(packed(entries)) == entries
