"""How a user of the Hub's service signs in, as whom they like."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from cryptography.fernet import Fernet

from jupyter_auth.core.login.login_store import AuthorizationResponse
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.server.hub.storage.database import Owner

if TYPE_CHECKING:
    from jupyter_auth.core.engine import Engine
    from jupyter_auth.core.models import Login
    from providers.oidc import OidcProvider


ALICE = Owner("alice", "2026-01-01T00:00:00Z")


KEYS = Fernet.generate_key().decode()


def signs_in(
    engine: Engine,
    oidc: OidcProvider,
    who: str = "alice",
    *,
    onward: str = "",
    confirm_by: str | None = None,
) -> Login:
    """How a login of that engine's user ends that this person finishes at the provider.

    With ``onward`` a silent one, at a provider that does not need to ask.
    """
    if onward:
        login = engine.redirect.begin_silent("idp", onward)
    else:
        login = engine.begin(LoginRequest("idp", force=True))
    url, binding = engine.open(login.id, "http://127.0.0.1:1/callback/idp", "x")
    there = url.replace("prompt=none", "prompt=login")
    params = dict(parse_qsl(urlsplit(oidc.login(there, who)).query))
    return engine.finish(
        AuthorizationResponse(
            "idp", params, {binding.name: binding.value}, "x", confirm_by=confirm_by
        )
    )
