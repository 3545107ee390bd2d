"""Client ids, secrets and passwords from files, the environment, or an installed package."""

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

UNREADABLE = (  # no such package or file, or not the JSON object that was described
    *(ImportError, OSError, ValueError, RecursionError),
    *(AttributeError, LookupError, TypeError),
)
VARIABLE = r"JUPYTER_AUTH_([A-Z0-9_]+)_(CLIENT_ID|USERNAME|(CLIENT_SECRET|PASSWORD)(_FILE)?)"
CREDENTIALS = "CREDENTIALS_DIRECTORY"  # where systemd puts what `LoadCredential=` names


def variable(provider: str, field: str) -> str:
    """The environment variable for a field: ``JUPYTER_AUTH_<PROVIDER>_CLIENT_SECRET``."""
    return f"JUPYTER_AUTH_{re.sub(r'[^a-z0-9]', '_', provider).upper()}_{field.upper()}"


def secret_of(environ: Mapping[str, str], name: str) -> Secret | None:
    """The secret of that name: in the file at ``<name>_FILE``, else in the credential ``name`` of
    systemd, else in the variable itself.

    Raises:
        ConfigurationError: its file cannot be read, or others can read it.
    """
    if path := environ.get(f"{name}_FILE"):
        return _in_file(Path(path), f"{name}_FILE")
    if directory := environ.get(CREDENTIALS):
        file = Path(directory, name)
        if os.access(file, os.F_OK):  # one of another user's unit counts as none
            return _in_file(file, name)
    value = environ.get(name)
    return Secret(value) if value else None


def _in_file(file: Path, name: str) -> Secret:
    try:  # without the line break that editors and ``echo`` put at the end
        text = read_own(file, secret=True).rstrip("\r\n")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "not a text file"
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
    """A client ID and its secret, as far as found."""

    client_id: str | None = None
    client_secret: Secret | None = None

    def fields(self) -> dict[str, str | Secret]:
        """Those found, by ``Provider``'s names of fields."""
        return {name: value for name, value in self._asdict().items() if value}


class Password(NamedTuple):
    """What a person signs in with by the password grant."""

    username: str
    password: Secret


def password_from_environment(environ: Mapping[str, str], provider: str) -> Password | None:
    """The user name and password for that provider, if both are set. Raises as ``secret_of``."""
    username = environ.get(variable(provider, "username"))
    password = secret_of(environ, variable(provider, "password")) if username else None
    return Password(username, password) if username and password else None


def from_environment(environ: Mapping[str, str], provider: str) -> Credentials:
    """The client credentials for that provider. Raises as ``secret_of``."""
    client_id = environ.get(variable(provider, "client_id"))
    return Credentials(client_id or None, secret_of(environ, variable(provider, "client_secret")))


def take(environ: MutableMapping[str, str]) -> dict[str, str]:
    """Move all such variables out of ``environ``, which kernels and terminals inherit.

    systemd's own variable is copied: other code may need it, and it is not secret.
    """
    taken = {name: environ.pop(name) for name in list(environ) if re.fullmatch(VARIABLE, name)}
    return taken | {name: environ[name] for name in (CREDENTIALS,) if name in environ}


def exposed(taken: Mapping[str, str]) -> list[str]:
    """The variables that hold a secret themselves, which ``/proc`` shows to other processes."""
    secrets = [name for name in taken if name.endswith(("_CLIENT_SECRET", "_PASSWORD"))]
    return [name for name in secrets if taken[name] and f"{name}_FILE" not in taken]


def of_clients(taken: Mapping[str, str]) -> dict[str, str]:
    """Without what signs one person in: a service for many people uses only its own clients."""
    return {name: value for name, value in taken.items() if not name.endswith("_USERNAME")}


def from_package(source: CredentialsFrom) -> Credentials:
    """The credentials in a package's file; none if it is not installed or has no such file."""
    from importlib import metadata

    try:
        distribution = metadata.distribution(source.package)
        text = Path(str(distribution.locate_file(source.file))).read_text(encoding="utf-8")
        stored = json.loads(text)
        client_id, secret = stored[source.client_id], stored.get(source.client_secret)
    except UNREADABLE:
        return Credentials()
    if not isinstance(client_id, str):
        return Credentials()
    return Credentials(client_id, Secret(secret) if isinstance(secret, str) else None)


def completed(provider: Provider, found: Credentials) -> Provider:
    """``provider`` with those found, for its service account if it has one; else a package's."""
    fields: dict[str, Any] = found.fields()
    if fields and provider.service:
        fields = {"service": fields}
    provider = replace_provider(provider, **fields)
    if provider.credentials_from and not provider.client_secret:
        public = from_package(provider.credentials_from)
        if provider.client_id in {None, public.client_id}:
            return replace_provider(provider, **public.fields())
    return provider


def missing_package(provider: Provider) -> ConfigurationError | None:
    """The error for a provider that lacks the client secret of a package."""
    from importlib import metadata

    source = provider.credentials_from
    if source is None or source.client_secret is None or provider.client_secret:
        return None
    if provider.client_auth == "none":
        return None
    try:
        why = f"does not have it in version {metadata.version(source.package)}"
    except metadata.PackageNotFoundError:
        why = "isn't installed here"
    return ConfigurationError(
        f"The client secret for {provider.title} comes with the package {source.package},"
        f" which {why}.",
        hint=f"Run `{install(source)}` and try again, or add a registration of your own:"
        f" `jupyter auth add {provider.name} --client-id ID --client-secret`.",
    )


def install(source: CredentialsFrom) -> str:
    """The command that installs the package here."""
    return install_command(source.package)


def no_service_account(provider: Provider, client_id: str | None = None) -> ConfigurationError:
    """The error for a service account without a client secret."""
    names = [variable(provider.name, field) for field in ("client_id", "client_secret")]
    return ConfigurationError(
        f"No client secret of {client_id or 'a service account'} was found for {provider.title}.",
        hint=f"Set {' and '.join(names)} where the Jupyter server is started (in a script: in its"
        " own environment), or `service` of the provider in the configuration.",
    )


def install_command(package: str, python: Path | None = None) -> str:
    """For a shell. ``python``: the interpreter as it is called; None: this one.

    ``uv`` makes environments without pip; those of ``uv run --with`` last as long as the run.
    """
    python = python or Path(sys.executable)
    try:
        made_by = (python.parent.parent / "pyvenv.cfg").read_text(encoding="utf-8")
    except (OSError, ValueError):
        made_by = ""
    if "extends-environment" in made_by:
        return f"uv run --with {package} …"
    if "\nuv = " in made_by:
        return f"uv pip install --python {python} {package}"
    return f"{python} -m pip install {package}"
