"""A person's own providers, written down: ``providers.toml``, and client secrets beside it.

The two are apart so that the first can be read, edited and shared by its owner without care.
A secret answers only to the configuration that it was given for.
"""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.private_files import read_own, write_private
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider import binding
from jupyter_auth.core.provider.definitions import plain_value
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from jupyter_auth.core.provider.provider import Provider

SECRETS = "client_secrets.json"


def tables(file: Path) -> Mapping[str, Any]:
    """What ``file`` says of providers; nothing where there is none.

    ConfigurationError: it cannot be read, or somebody else could have written it.
    """
    try:
        return tomllib.loads(read_own(file))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{file} cannot be read: {error}.", hint="Fix the file, or move it out of the way."
        ) from None


def write_table(file: Path, name: str, fields: Mapping[str, Any]) -> None:
    """Write ``fields`` into the table ``[name]`` of a TOML file; all else there stays as it is.

    ConfigurationError: the file cannot be written, or not so that it says then what it should.
    """
    import tomlkit  # keeps comments and order; not for whoever only reads

    file = file.resolve()  # a link into somebody's dotfiles stays one
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    known = tomllib.loads(before)
    fields = plain_value(fields)
    wanted = {**known, name: {**known.get(name, {}), **fields}}
    document = tomlkit.parse(before)
    table = document.setdefault(name, tomlkit.table())
    table.update(fields)
    after = tomlkit.dumps(document)
    if tomllib.loads(after) != wanted:
        line = tomlkit.dumps({name: fields})
        raise ConfigurationError(f"{file} cannot be added to.", hint=f"Write {line!r} yourself.")
    _write(file, after)


def secrets_file(file: Path) -> Path:
    """Where the client secrets of the providers in ``file`` are kept."""
    return file.with_name(SECRETS)


def keep_secret(file: Path, provider: Provider, secret: Secret) -> None:
    """Keep a client secret beside ``file`` (0600). ConfigurationError: it cannot be."""
    entry = {"fingerprint": provider.fingerprint, "client_secret": secret.reveal()}
    _write(secrets_file(file), json.dumps({**_kept(file), provider.name: entry}, indent=2))


def kept_secret(file: Path, name: str, fingerprints: Collection[str]) -> Secret | None:
    """The client secret that is kept beside ``file`` for one of the definitions of that name.

    ConfigurationError: the file is not this user's alone, or is damaged.
    """
    entry = _kept(file).get(name)
    if not isinstance(entry, dict) or entry.get("fingerprint") not in fingerprints:
        return None
    return Secret(entry["client_secret"]) if isinstance(entry.get("client_secret"), str) else None


def why_not_used(file: Path, name: str) -> str:
    """Why the client secret under that name, which answers to nothing, is of no use. Empty: none.

    ConfigurationError: as ``kept_secret``.
    """
    if (entry := _kept(file).get(name)) is None:
        return ""
    if isinstance(entry, dict) and binding.is_of_first_version(str(entry.get("fingerprint"))):
        return f"An earlier version kept the client secret of {name!r}, not all that it is for."
    return f"The client secret of {name!r} was given for another definition of it."


def forget_secret(file: Path, name: str) -> None:
    """Keep none under that name. ConfigurationError: the file cannot be read or written."""
    kept = _kept(file)
    if kept.pop(name, None) is not None:
        _write(secrets_file(file), json.dumps(kept, indent=2))


def _kept(file: Path) -> dict[str, Any]:
    file = secrets_file(file)
    try:
        kept = json.loads(read_own(file, secret=True))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        kept = None
    if not isinstance(kept, dict):
        raise ConfigurationError(
            f"{file} cannot be read.", hint="Move it away, and give the client secrets again."
        )
    return kept


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(file, text.encode())
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be written: {error.strerror}.",
            hint="Free some space there, or make it writable for yourself.",
        ) from None
