"""Traitlets in, plain values out: all that an administrator or a person can set."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from traitlets import Bool, Dict, Float, TraitError, Unicode
from traitlets.config import LoggingConfigurable

from jupyter_auth.core import credentials
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.handles import NAME
from jupyter_auth.core.logins import LIFETIME
from jupyter_auth.core.urls import origin_of

if TYPE_CHECKING:
    from traitlets.config import Application


class JupyterAuth(LoggingConfigurable):
    """Sign-in for kernels: ``c.JupyterAuth`` in a Jupyter configuration file."""

    providers: Dict[str, Any] = Dict(
        help=(
            "Providers that people can sign in at, by name: a dict of fields for each, such as "
            '{"acme": {"issuer": "https://login.acme.example", "client_id": "jupyter"}}. '
            "Nobody can replace one of these by another of the same name."
        )
    ).tag(config=True)

    default_provider = Unicode(
        help="The provider that is used where none is named. Empty: the only one configured."
    ).tag(config=True)

    allow_user_providers = Bool(
        default_value=True,
        help="Whether people may use presets and providers of their own, besides `providers`.",
    ).tag(config=True)

    public_url = Unicode(
        help=(
            "The address at which browsers reach this server, such as https://jupyter.example.org, "
            "where a proxy hides it (on a JupyterHub: what the Hub says). "
            "Redirect URIs and links are made from it."
        )
    ).tag(config=True)

    login_lifetime = Float(
        LIFETIME,
        min=1.0,
        max=LIFETIME,
        help="Seconds within which a sign-in has to be finished, once it was asked for.",
    ).tag(config=True)

    store_directory = Unicode(
        help="Where signed-in accounts rest. Empty: the user's data directory."
    ).tag(config=True)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What was configured, checked. ``public_origin`` is scheme, host and port, or None."""

    providers: dict[str, Any] = field(default_factory=dict, repr=False)
    default_provider: str | None = None
    allow_user_providers: bool = True
    public_origin: str | None = None
    login_lifetime: float = LIFETIME
    store_directory: Path | None = None
    environ: dict[str, str] = field(default_factory=dict, repr=False)


def read_settings(parent: Application, base_url: str) -> Settings:
    """What ``c.JupyterAuth`` says. ConfigurationError: one sentence on what to change.

    ``environ`` is what was taken out of this process's environment: at debug traitlets logs the
    whole configuration, so a client secret is better kept there; and kernels inherit what is left.
    """
    taken = credentials.take(os.environ)  # also where the rest turns out to be wrong
    try:
        traits = JupyterAuth(parent=parent)
    except TraitError as error:
        raise _wrong_kind(str(error)) from None
    for name in traits.providers:
        if not NAME.fullmatch(str(name)):
            raise ConfigurationError(
                f"{name!r} in c.JupyterAuth.providers cannot name a provider.",
                hint="Use up to 64 lower-case letters, digits, dots, dashes or underscores.",
            )
    directory = traits.store_directory
    return Settings(
        providers=traits.providers,
        default_provider=traits.default_provider or None,
        allow_user_providers=traits.allow_user_providers,
        public_origin=_public_origin(
            traits.public_url or os.environ.get("JUPYTERHUB_PUBLIC_URL", ""), base_url
        ),
        login_lifetime=traits.login_lifetime,
        store_directory=Path(directory).expanduser() if directory else None,
        environ=taken,
    )


def _wrong_kind(message: str) -> ConfigurationError:
    """Traitlets' own message shows the value, and that may hold a client secret."""
    named = re.search(r"'(\w+)' trait", message)
    name = named[1] if named else ""
    known = JupyterAuth.class_traits().get(name)
    return ConfigurationError(
        f"c.JupyterAuth.{name} has a value of a wrong kind."
        if known
        else "c.JupyterAuth is wrong.",
        hint=str(known.help) if known else "",
    )


def _public_origin(url: str, base_url: str) -> str | None:
    if not url:
        return None
    try:
        origin = origin_of(url)
    except ConfigurationError as error:
        raise ConfigurationError(f"c.JupyterAuth.public_url: {error.message}") from None
    path = urlsplit(url).path.strip("/")
    if path not in {"", base_url.strip("/")}:
        raise ConfigurationError(
            f"c.JupyterAuth.public_url has the path /{path}, but this server's is {base_url}.",
            hint="Leave the path out.",
        )
    return origin
