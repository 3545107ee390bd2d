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
        ServiceAccountFields,
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
    "ServiceAccountFields",
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
    "core": ("__version__",),
    "core.common.request_errors": (
        "ProviderUnavailable",
        "Throttled",
    ),
    "core.provider.field_types": (
        "CredentialsFrom",
        "Endpoints",
        "Header",
        "Paste",
        "ServiceAccountFields",
    ),
    "core.provider.provider": ("Provider",),
    "core.provider.registry": ("provider",),
    "kernel.http.other_clients": (
        "credential",
        "httpx_auth",
    ),
    "kernel.http.requests_auth": ("TokenAuth",),
    "kernel.http.warnings": ("AuthWarning",),
    "kernel.login_widget": ("LoginWidget",),
    "kernel.session.service_session": ("ClientSession",),
    "kernel.session.user_session": (
        "UserSession",
        "token",
    ),
    "server.hub.config": (
        "hub_config",
        "user_redirect_hook",
    ),
}


def __getattr__(name: str) -> Any:
    """A public name, imported at first use (PEP 562)."""
    from importlib import import_module

    if name not in {*__all__, "__version__"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = next((path for path, names in _MODULES.items() if name in names), "core.errors")
    value = getattr(import_module(f"{__name__}.{module}"), name)
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
