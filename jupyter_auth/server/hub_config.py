"""What an administrator puts into ``jupyterhub_config.py``. Runs in the Hub's own process."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

CALLBACK = "jupyter-auth/callback/"


def user_redirect_hook(path: str, request: Any, user: Any, base_url: str) -> str | None:  # noqa: ARG001
    """``c.JupyterHub.user_redirect_hook``: a provider's answer goes to the server that asked.

    The ``state`` of a login on a named server ends in ``~`` and its name. It comes from outside:
    only a server of this very user is found by it. No server is started on the way. None: not ours.
    """
    if not path.startswith(CALLBACK):
        return None
    state = parse_qs(request.query).get("state", [""])[0]
    name = state.partition("~")[2]
    url = user.server_url(name) if name in user.orm_user.orm_spawners else user.url
    return f"{url.rstrip('/')}/{path}?{request.query}"


def hub_config(c: Any) -> None:
    """Let users of this Hub sign in on named servers too: the Hub finds the one that asked."""
    c.JupyterHub.user_redirect_hook = user_redirect_hook
    c.Spawner.environment.update({"JUPYTER_AUTH_REDIRECT_HOOK": "1"})
