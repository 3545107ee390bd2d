"""Sign in with one click in a notebook, and use APIs as an authenticated session.

Public names are imported at first use, so importing this package is cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_auth.core.common.request_errors import ProviderUnavailable, Throttled
    from jupyter_auth.core.errors import (
        AuthError,
        BrokerUnavailable,
        ConfigurationError,
        InsufficientScope,
        LoginCancelled,
        LoginDenied,
        LoginExpired,
        LoginFailed,
        LoginRequired,
        ProviderError,
        ProviderNotFound,
        RefreshRejected,
        StoreError,
        UserMismatch,
    )
    from jupyter_auth.core.provider.field_types import (
        CredentialsFrom,
        Endpoints,
        Header,
        Paste,
        Service,
    )
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.core.provider.registry import provider
    from jupyter_auth.kernel.http.other_clients import credential, httpx_auth
    from jupyter_auth.kernel.http.requests_auth import TokenAuth
    from jupyter_auth.kernel.http.warnings import AuthWarning
    from jupyter_auth.kernel.login_widget import LoginWidget
    from jupyter_auth.kernel.session.service_session import ClientSession
    from jupyter_auth.kernel.session.user_session import UserSession, token
    from jupyter_auth.server.hub.config import hub_config, user_redirect_hook

__all__ = [
    "AuthError",
    "AuthWarning",
    "BrokerUnavailable",
    "ClientSession",
    "ConfigurationError",
    "CredentialsFrom",
    "Endpoints",
    "Header",
    "InsufficientScope",
    "LoginCancelled",
    "LoginDenied",
    "LoginExpired",
    "LoginFailed",
    "LoginRequired",
    "LoginWidget",
    "Paste",
    "Provider",
    "ProviderError",
    "ProviderNotFound",
    "ProviderUnavailable",
    "RefreshRejected",
    "Service",
    "StoreError",
    "Throttled",
    "TokenAuth",
    "UserMismatch",
    "UserSession",
    "credential",
    "httpx_auth",
    "hub_config",
    "provider",
    "token",
    "user_redirect_hook",
]
_MODULES = {  # of the names that are no errors
    "AuthWarning": "kernel.http.warnings",
    "ClientSession": "kernel.session.service_session",
    "CredentialsFrom": "core.provider.field_types",
    "Endpoints": "core.provider.field_types",
    "Header": "core.provider.field_types",
    "LoginWidget": "kernel.login_widget",
    "Paste": "core.provider.field_types",
    "Provider": "core.provider.provider",
    "ProviderUnavailable": "core.common.request_errors",
    "Service": "core.provider.field_types",
    "Throttled": "core.common.request_errors",
    "TokenAuth": "kernel.http.requests_auth",
    "UserSession": "kernel.session.user_session",
    "__version__": "core",
    "credential": "kernel.http.other_clients",
    "httpx_auth": "kernel.http.other_clients",
    "hub_config": "server.hub.config",
    "provider": "core.provider.registry",
    "token": "kernel.session.user_session",
    "user_redirect_hook": "server.hub.config",
}


def __getattr__(name: str) -> Any:
    """A public name, imported at first use (PEP 562)."""
    from importlib import import_module

    if name not in __all__ and name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES.get(name, 'core.errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})


def load_ipython_extension(ipython: Any) -> None:
    """``%load_ext jupyter_auth``: add ``%auth`` and ``%%auth``."""
    from jupyter_auth.kernel.commands.magic import load

    load(ipython)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from jupyter_auth.server.extension import JupyterAuthApp

    return [{"module": "jupyter_auth", "app": JupyterAuthApp}]
