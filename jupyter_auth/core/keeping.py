"""A person's own providers, written down: ``providers.toml``, and client secrets beside it.

The two are apart so that the first can be read, edited and shared by its owner without care.
A secret answers only to the configuration that it was given for.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from jupyter_auth.core.models import Provider

SECRETS = "client_secrets.json"
MAX_SECRETS = 1 << 20  # bytes


def write_table(file: Path, name: str, fields: Mapping[str, Any]) -> None:
    """Write ``fields`` into the table ``[name]`` of a TOML file; all else there stays as it is.

    ConfigurationError: the file cannot be written, or is written in a way that this cannot change.
    """
    file = file.resolve()  # a link into somebody's dotfiles stays one
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    known = tomllib.loads(before)
    wanted = {**known, name: {**known.get(name, {}), **_plain(fields)}}
    after = _changed(before, name, fields) if name in known else _appended(before, name, fields)
    try:
        right = tomllib.loads(after) == wanted
    except tomllib.TOMLDecodeError:
        right = False
    if not right:
        table = tomli_w.dumps({name: _plain(fields)})
        raise ConfigurationError(f"{file} cannot be added to.", hint=f"Write {table!r} yourself.")
    _write(file, after)


def _appended(text: str, name: str, fields: Mapping[str, Any]) -> str:
    table = tomli_w.dumps({name: _plain(fields)})
    return f"{text.rstrip()}\n\n{table}" if text.strip() else table


def _changed(text: str, name: str, fields: Mapping[str, Any]) -> str:
    """The fields go right below the table's header, and from where they were."""
    lines = text.splitlines(keepends=True)
    headers = {f"[{name}]", f'["{name}"]', f"['{name}']"}
    places = [i for i, line in enumerate(lines) if line.partition("#")[0].strip() in headers]
    if not places:
        return text
    start = places[0] + 1
    end = next((i for i in range(start, len(lines)) if lines[i].startswith("[")), len(lines))
    body = lines[start:end]
    for field in fields:
        body = _without(body, field)
    return "".join([*lines[:start], tomli_w.dumps(_plain(fields)), *body, *lines[end:]])


def _without(lines: list[str], field: str) -> list[str]:
    """The lines of a table without those of one field: its value may go over several."""
    for start, line in enumerate(lines):
        if line.partition("=")[0].strip() != field:
            continue
        for end in range(start + 1, len(lines) + 1):
            with contextlib.suppress(tomllib.TOMLDecodeError):
                tomllib.loads("".join(lines[start:end]))
                return lines[:start] + lines[end:]
    return lines


def secrets_file(file: Path) -> Path:
    """Where the client secrets of the providers in ``file`` are kept."""
    return file.with_name(SECRETS)


def keep_secret(file: Path, provider: Provider, secret: Secret) -> None:
    """Keep ``provider``'s client secret in ``file`` (0600). ConfigurationError: it cannot be."""
    entry = {"fingerprint": provider.fingerprint, "client_secret": secret.reveal()}
    _write(file, json.dumps({**_kept(file), provider.name: entry}, indent=2))


def kept_secret(file: Path, provider: Provider) -> Secret | None:
    """The client secret that was kept for exactly this provider.

    ConfigurationError: the file is not this user's alone, or is damaged.
    """
    entry = _kept(file).get(provider.name)
    if not isinstance(entry, dict) or entry.get("fingerprint") != provider.fingerprint:
        return None
    return Secret(entry["client_secret"]) if isinstance(entry.get("client_secret"), str) else None


def _kept(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            _require_own(file, os.fstat(opened.fileno()))
            kept = json.loads(opened.read(MAX_SECRETS))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        kept = None
    if not isinstance(kept, dict):
        raise ConfigurationError(
            f"{file} cannot be read.", hint="Move it away, and give the client secrets again."
        )
    return kept


def _require_own(file: Path, status: os.stat_result) -> None:
    if os.name == "nt":
        return
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise ConfigurationError(
            f"{file} holds client secrets, and others can read it.",
            hint=f"Make it yours alone: chmod 600 {file}",
        )


def _write(file: Path, text: str) -> None:
    """Born 0600, written whole, then renamed over the old one."""
    temporary = ""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        Path(temporary).replace(file)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True) if temporary else None
        raise ConfigurationError(
            f"{file} cannot be written: {error.strerror}.",
            hint="Free some space there, or make it writable for yourself.",
        ) from None


def _plain(value: Any) -> Any:
    """The dicts and lists that TOML has."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
