"""One click in a notebook, and the kernel holds an authenticated session.

Public names are looked up when they are first used: importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_auth.core.errors import AuthError as AuthError
    from jupyter_auth.core.errors import BrokerUnavailable as BrokerUnavailable
    from jupyter_auth.core.errors import ConfigurationError as ConfigurationError
    from jupyter_auth.core.errors import InsufficientScope as InsufficientScope
    from jupyter_auth.core.errors import LoginCancelled as LoginCancelled
    from jupyter_auth.core.errors import LoginDenied as LoginDenied
    from jupyter_auth.core.errors import LoginExpired as LoginExpired
    from jupyter_auth.core.errors import LoginFailed as LoginFailed
    from jupyter_auth.core.errors import LoginRequired as LoginRequired
    from jupyter_auth.core.errors import ProviderError as ProviderError
    from jupyter_auth.core.errors import ProviderNotFound as ProviderNotFound
    from jupyter_auth.core.errors import ProviderUnavailable as ProviderUnavailable
    from jupyter_auth.core.errors import RefreshRejected as RefreshRejected
    from jupyter_auth.core.errors import StoreError as StoreError
    from jupyter_auth.core.errors import Throttled as Throttled
    from jupyter_auth.core.errors import UserMismatch as UserMismatch
    from jupyter_auth.core.models import Provider as Provider
    from jupyter_auth.core.parts import CredentialsFrom as CredentialsFrom
    from jupyter_auth.core.parts import Endpoints as Endpoints
    from jupyter_auth.core.parts import Header as Header
    from jupyter_auth.core.parts import Paste as Paste
    from jupyter_auth.core.parts import Service as Service
    from jupyter_auth.core.providers import provider as provider
    from jupyter_auth.kernel.auth import TokenAuth as TokenAuth
    from jupyter_auth.kernel.client_session import ClientSession as ClientSession
    from jupyter_auth.kernel.other_clients import credential as credential
    from jupyter_auth.kernel.other_clients import httpx_auth as httpx_auth
    from jupyter_auth.kernel.sessions import UserSession as UserSession
    from jupyter_auth.kernel.sessions import token as token
    from jupyter_auth.kernel.warn import AuthWarning as AuthWarning
    from jupyter_auth.kernel.widget import LoginWidget as LoginWidget
    from jupyter_auth.server.hub_config import hub_config as hub_config
    from jupyter_auth.server.hub_config import user_redirect_hook as user_redirect_hook

_ERRORS = (
    "AuthError",
    "BrokerUnavailable",
    "ConfigurationError",
    "InsufficientScope",
    "LoginCancelled",
    "LoginDenied",
    "LoginExpired",
    "LoginFailed",
    "LoginRequired",
    "ProviderError",
    "ProviderNotFound",
    "ProviderUnavailable",
    "RefreshRejected",
    "StoreError",
    "Throttled",
    "UserMismatch",
)
_ROOMS = dict.fromkeys(_ERRORS, "core.errors") | {
    "AuthWarning": "kernel.warn",
    "ClientSession": "kernel.client_session",
    "CredentialsFrom": "core.parts",
    "Endpoints": "core.parts",
    "Header": "core.parts",
    "LoginWidget": "kernel.widget",
    "Paste": "core.parts",
    "Provider": "core.models",
    "Service": "core.parts",
    "TokenAuth": "kernel.auth",
    "UserSession": "kernel.sessions",
    "credential": "kernel.other_clients",
    "httpx_auth": "kernel.other_clients",
    "hub_config": "server.hub_config",
    "provider": "core.providers",
    "token": "kernel.sessions",
    "user_redirect_hook": "server.hub_config",
}


def __getattr__(name: str) -> Any:
    """A public name, imported from its room when it is first used (PEP 562)."""
    from importlib import import_module, metadata

    if name == "__version__":
        return metadata.version("jupyter-auth-session")
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS, "__version__"})


def load_ipython_extension(ipython: Any) -> None:
    """``%load_ext jupyter_auth``: ``%auth`` and ``%%auth``."""
    from jupyter_auth.kernel.magic import load

    load(ipython)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from jupyter_auth.server.extension import JupyterAuthApp

    return [{"module": "jupyter_auth", "app": JupyterAuthApp}]
