"""Client ids, secrets and passwords that are kept elsewhere: in the environment, or a package."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from jupyter_auth.core.parts import CredentialsFrom
    from jupyter_auth.core.provider import Provider

UNREADABLE = (  # no such package, no such file, or not the JSON object that was described
    *(ImportError, OSError, ValueError, RecursionError),
    *(AttributeError, LookupError, TypeError),
)
VARIABLE = re.compile(r"JUPYTER_AUTH_([A-Z0-9_]+)_(CLIENT_ID|CLIENT_SECRET|USERNAME|PASSWORD)")


def variable(provider: str, field: str) -> str:
    """The variable for that field: ``JUPYTER_AUTH_<PROVIDER>_CLIENT_SECRET``."""
    return f"JUPYTER_AUTH_{re.sub(r'[^a-z0-9]', '_', provider).upper()}_{field.upper()}"


class Credentials(NamedTuple):
    """A client id and its secret; None for what was not found."""

    client_id: str | None = None
    client_secret: Secret | None = None

    def fields(self) -> dict[str, str | Secret]:
        """Those found, by the names of ``Provider``'s fields."""
        return {name: value for name, value in self._asdict().items() if value}


class Password(NamedTuple):
    """What a person signs in with by the password grant."""

    username: str
    password: Secret


def password_from_environment(environ: Mapping[str, str], provider: str) -> Password | None:
    """The user name and password that the environment has for that provider; both are needed."""
    username = environ.get(variable(provider, "username"))
    password = environ.get(variable(provider, "password"))
    return Password(username, Secret(password)) if username and password else None


def from_environment(environ: Mapping[str, str], provider: str) -> Credentials:
    """What the environment says of that provider."""
    client_id = environ.get(variable(provider, "client_id"))
    secret = environ.get(variable(provider, "client_secret"))
    return Credentials(client_id or None, Secret(secret) if secret else None)


def take(environ: MutableMapping[str, str]) -> dict[str, str]:
    """Move all such variables out of ``environ``: kernels and terminals inherit what is left."""
    return {name: environ.pop(name) for name in list(environ) if VARIABLE.fullmatch(name)}


def from_package(source: CredentialsFrom) -> Credentials:
    """What an installed package has in its file; nothing where it is not installed or not so."""
    from importlib import metadata

    try:
        distribution = metadata.distribution(source.package)
        text = Path(str(distribution.locate_file(source.file))).read_text(encoding="utf-8")
        said = json.loads(text)
        client_id, secret = said[source.client_id], said.get(source.client_secret)
    except UNREADABLE:
        return Credentials()
    if not isinstance(client_id, str):
        return Credentials()
    return Credentials(client_id, Secret(secret) if isinstance(secret, str) else None)


def lacking(provider: Provider) -> ConfigurationError | None:
    """Why it has no client secret: the package that comes with it is not here. None: it has one."""
    source = provider.credentials_from
    if source is None or source.client_secret is None or provider.client_secret:
        return None
    if provider.client_auth == "none":
        return None
    return ConfigurationError(
        f"The client secret for {provider.title} comes with the package {source.package},"
        f" which {_wrong_with(source)}.",
        hint=f"Run `{install(source)}` and try again, or add a registration of your own:"
        f" `jupyter auth add {provider.name} --client-id ID --client-secret`.",
    )


def install(source: CredentialsFrom) -> str:
    """The command that installs the package here."""
    return f"{sys.executable} -m pip install {source.package}"


def _wrong_with(source: CredentialsFrom) -> str:
    from importlib import metadata

    try:
        version = metadata.version(source.package)
    except metadata.PackageNotFoundError:
        return "isn't installed here"
    return f"has none in its version {version}"


def no_service_account(provider: Provider, client_id: str | None = None) -> ConfigurationError:
    """There is no secret for a service account there, or for that one."""
    names = [variable(provider.name, field) for field in ("client_id", "client_secret")]
    return ConfigurationError(
        f"No client secret of {client_id or 'a service account'} was found for {provider.title}.",
        hint=f"Set {' and '.join(names)} where the Jupyter server is started (in a script: in its"
        " own environment), or `service` of the provider in the configuration.",
    )
