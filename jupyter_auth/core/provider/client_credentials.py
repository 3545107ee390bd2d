"""Client ids, secrets and passwords that are kept elsewhere: files, the environment, a package."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_auth.core.common.private_files import read_own
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider.definitions import replace_provider
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from jupyter_auth.core.provider.field_types import CredentialsFrom
    from jupyter_auth.core.provider.provider import Provider

UNREADABLE = (  # no such package, no such file, or not the JSON object that was described
    *(ImportError, OSError, ValueError, RecursionError),
    *(AttributeError, LookupError, TypeError),
)
VARIABLE = re.compile(
    r"JUPYTER_AUTH_([A-Z0-9_]+)_(CLIENT_ID|USERNAME|(CLIENT_SECRET|PASSWORD)(_FILE)?)"
)
CREDENTIALS = "CREDENTIALS_DIRECTORY"  # where systemd puts what `LoadCredential=` names


def variable(provider: str, field: str) -> str:
    """The variable for that field: ``JUPYTER_AUTH_<PROVIDER>_CLIENT_SECRET``."""
    return f"JUPYTER_AUTH_{re.sub(r'[^a-z0-9]', '_', provider).upper()}_{field.upper()}"


def secret_of(environ: Mapping[str, str], name: str) -> Secret | None:
    """The secret of that name, from the first of the places where it can be.

    They are the file at the path that ``<name>_FILE`` gives, the credential ``name`` of systemd,
    and the variable itself. None: in none. ConfigurationError: a file that cannot be read, or that
    others can read.
    """
    if path := environ.get(f"{name}_FILE"):
        return _in_file(Path(path), f"{name}_FILE")
    if directory := environ.get(CREDENTIALS):
        file = Path(directory, name)
        if os.access(file, os.F_OK):  # one of another user's unit is as good as none
            return _in_file(file, name)
    value = environ.get(name)
    return Secret(value) if value else None


def _in_file(file: Path, name: str) -> Secret:
    """Without the line break that editors and ``echo`` put at the end."""
    try:
        text = read_own(file, secret=True).rstrip("\r\n")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "no text file"
        raise ConfigurationError(
            f"{file}, which {name} names, cannot be read: {why}.",
            hint="Correct the path, or let this user read the file.",
        ) from None
    if not text:
        raise ConfigurationError(
            f"{file}, which {name} names, is empty.", hint="Put the secret into it."
        )
    return Secret(text)


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
    """The user name and password that there are for that provider; both are needed.

    ConfigurationError: as ``secret_of``.
    """
    username = environ.get(variable(provider, "username"))
    password = secret_of(environ, variable(provider, "password")) if username else None
    return Password(username, password) if username and password else None


def from_environment(environ: Mapping[str, str], provider: str) -> Credentials:
    """What the environment says of that provider. ConfigurationError: as ``secret_of``."""
    client_id = environ.get(variable(provider, "client_id"))
    return Credentials(client_id or None, secret_of(environ, variable(provider, "client_secret")))


def take(environ: MutableMapping[str, str]) -> dict[str, str]:
    """Move all such variables out of ``environ``: kernels and terminals inherit what is left.

    systemd's own variable is copied: it is not ours alone, and says nothing secret.
    """
    taken = {name: environ.pop(name) for name in list(environ) if VARIABLE.fullmatch(name)}
    return taken | {name: environ[name] for name in (CREDENTIALS,) if name in environ}


def exposed(taken: Mapping[str, str]) -> list[str]:
    """Those of the variables that hold a secret themselves, for a server to warn of.

    ``/proc`` shows them to other processes for as long as this one lives.
    """
    secrets = [name for name in taken if name.endswith(("_CLIENT_SECRET", "_PASSWORD"))]
    return [name for name in secrets if taken[name] and f"{name}_FILE" not in taken]


def of_clients(taken: Mapping[str, str]) -> dict[str, str]:
    """Without what signs one person in: a service of many people has clients of its own alone."""
    return {name: value for name, value in taken.items() if not name.endswith("_USERNAME")}


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


def completed(provider: Provider, found: Credentials) -> Provider:
    """With those found, for its service account where it has one; else with a package's."""
    fields: dict[str, Any] = found.fields()
    if fields and provider.service:
        fields = {"service": fields}
    provider = replace_provider(provider, **fields)
    if provider.credentials_from and not provider.client_secret:
        public = from_package(provider.credentials_from)
        if provider.client_id in {None, public.client_id}:
            return replace_provider(provider, **public.fields())
    return provider


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
