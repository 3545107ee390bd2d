"""The authorization code grant by hand, for tests of the providers themselves."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

VERIFIER = "a-verifier-that-is-forty-three-characters-long"
REDIRECT_URI = "http://127.0.0.1:8888/jupyter-auth/callback/idp"


def authorization_url(provider: Any, **changes: str) -> str:
    discovery = f"{provider.issuer}/.well-known/openid-configuration"
    endpoint = requests.get(discovery).json()["authorization_endpoint"]
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    asked = {
        "client_id": provider.client_id,
        "response_type": "code",
        "scope": "openid profile",
        "redirect_uri": REDIRECT_URI,
        "state": "planted-state",
        "nonce": "planted-nonce",
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    return f"{endpoint}?{urlencode(asked | changes)}"


def answer(redirect_uri: str) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(redirect_uri).query).items()}


def exchange(provider: Any, code: str, verifier: str = VERIFIER) -> requests.Response:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
    form |= {"code_verifier": verifier, "client_id": provider.client_id}
    return requests.post(f"{provider.issuer}/token", data=form)


def refresh(provider: Any, tokens: dict[str, Any]) -> requests.Response:
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    return requests.post(f"{provider.issuer}/token", data=form | {"client_id": provider.client_id})
