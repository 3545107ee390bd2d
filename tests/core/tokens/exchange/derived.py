"""A provider whose tokens are made of another's, at the same real server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.sign_in import table
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.provider.registry import Providers

if TYPE_CHECKING:
    from providers.oidc import OidcProvider

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
CLIENT: dict[str, Any] = {
    "client_id": "exchanger",
    "client_secret": "exchanger-secret-41f0b7d2c9",
    "grant_types": [GRANT],
    "response_types": [],
    "redirect_uris": [],
}


def tables(oidc: OidcProvider, **exchange: Any) -> dict[str, dict[str, Any]]:
    """``idp``, where people sign in, and ``derived``, with these fields of ``exchange``."""
    oidc.add_client(**CLIENT)
    derived = {
        "title": "Derived API",
        "issuer": oidc.issuer,
        "client_id": CLIENT["client_id"],
        "client_secret": CLIENT["client_secret"],
        "scopes": ["api:read"],
        "exchange": {"from": "idp", "audience": f"{oidc.issuer}/api", **exchange},
    }
    return {"idp": table(oidc), "derived": derived}


def engine_with(store: Any, clock: Any, definitions: dict[str, Any]) -> Engine:
    return Engine(Providers(definitions), store, clock=clock)


def exchanges(oidc: OidcProvider) -> int:
    """How many were granted since the start of the test."""
    return len(oidc.events("grant.success", grant_type=GRANT))
