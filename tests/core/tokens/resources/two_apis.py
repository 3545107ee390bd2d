"""A provider with an API of its own and another one, and the tokens for each."""

from __future__ import annotations

from core.sign_in import provider_at
from jupyter_auth.core.tokens.need import Need

ONE, OTHER, MORE = (f"https://{name}.example/" for name in ("one", "other", "more"))


def two_apis(server):
    other = {OTHER: {"scopes": "api:write", "api_origins": "https://*.other.example"}}
    scopes = "openid offline_access api:read"
    return provider_at(server, "two", resource=ONE, scopes=scopes, resources=other)


def token_for(engine, resource, **need):
    return engine.token("two", need=Need(resource=resource, **need))
