"""A person who signs in while a kernel waits."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.login.login_store import AuthorizationResponse
from patience import PATIENCE, eventually

if TYPE_CHECKING:
    from jupyter_auth.core.engine import Engine
    from jupyter_auth.core.models import Login
    from providers.oidc import OidcProvider

CALLBACK = "http://127.0.0.1:8888/jupyter-auth/callback/idp"


def consenting(oidc: OidcProvider, **more: Any) -> dict[str, Any]:
    """The real provider as an administrator configures it who wants its person asked each time."""
    return {
        "issuer": oidc.issuer,
        "client_id": oidc.client_id,
        "scopes": "openid profile offline_access",
        "authorize_params": {"prompt": "consent"},
        "username_claim": "preferred_username",  # nobody can change their own there
    } | more


def sign_in(engine: Engine, provider, login: Login, **who) -> Login:
    """The browser's part of a login: ``provider`` is an ``OidcProvider`` or a ``RogueProvider``."""
    url, binding = engine.open(login.id, CALLBACK, "me")
    back = provider.login(url, **who) if hasattr(provider, "login") else provider.authorize(url)
    params = dict(parse_qsl(urlsplit(back).query))
    return engine.finish(
        AuthorizationResponse(
            plain(login.provider), params, {binding.name: binding.value}, "me", confirm_by=None
        )
    )


@contextmanager
def person(engine, provider, act=None, **who):
    """Somebody who deals with the next login: signs in, unless ``act`` does something else."""
    done = []

    def live():
        if eventually(lambda: engine.logins() != []):
            login = engine.logins()[-1]
            done.append(act(login) if act else sign_in(engine, provider, login, **who))

    thread = threading.Thread(target=live)
    thread.start()
    try:
        yield done
    finally:
        thread.join(PATIENCE)
