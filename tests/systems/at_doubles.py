"""Rosa, who signs in at the double of a preset's provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from jupyter_auth import UserSession
from jupyter_auth.core.login.login_store import AuthorizationResponse
from jupyter_auth.core.login.loopback import uris as loopback_uris
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers

if TYPE_CHECKING:
    from providers.presets.dialects import Double


def sign_in(broker: Any, double: Double, name: str, **fields: Any) -> UserSession:
    """Rosa signs in where scripts listen: at the redirect URI that the preset has, or asks for."""
    table = double.preset(name, **fields)
    engine = broker({name: table})
    login = engine.begin(LoginRequest(name, grant="authorization_code"))
    uri = loopback_uris.redirect_uri(Providers({name: table}).get(name), 8888)
    url, binding = engine.open(login.id, uri, "me")
    back = dict(parse_qsl(urlsplit(double.authorize(url)).query))
    ended = engine.finish(
        AuthorizationResponse(name, back, {binding.name: binding.value}, "me", confirm_by=None)
    )
    assert ended.status == "complete", ended.error
    return UserSession(name, interactive=False)
