"""A person's own providers: ``providers.toml``, and a file of client secrets beside it.

They are separate so that the first can be edited and shared safely. A secret is only used with the
configuration that it was given for.
"""

from __future__ import annotations

import contextlib
import json
import tomllib
from typing import TYPE_CHECKING, Any

import platformdirs

from jupyter_auth.core.common.private_files import file_lock, read_own, write_private
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider import binding
from jupyter_auth.core.provider.definitions import (
    TOKENS_ONLY,
    Incomplete,
    plain_value,
    provider_from_mapping,
)
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from jupyter_auth.core.provider.provider import Provider

SECRETS = "client_secrets.json"
LOCK_TIMEOUT = 10.0  # seconds: a change takes much less


def user_file() -> Path:
    """The file of a person's own providers."""
    return platformdirs.user_config_path("jupyter_auth") / "providers.toml"


def tables(file: Path) -> Mapping[str, Any]:
    """The tables in ``file``; none if it does not exist.

    Raises:
        ConfigurationError: it cannot be read, or others can write it.
    """
    try:
        return tomllib.loads(read_own(file))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{file} cannot be read: {error}.", hint="Fix the file, or move it out of the way."
        ) from None


@contextlib.contextmanager
def changing(file: Path) -> Iterator[None]:
    """Keep all other programs from changing ``file`` and the secrets beside it.

    Raises:
        ConfigurationError: another one does not finish, or nothing can be written there.
    """
    with contextlib.ExitStack() as held:
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            held.enter_context(file_lock(file.with_suffix(".lock"), LOCK_TIMEOUT))
        except TimeoutError:
            raise ConfigurationError(
                f"Another program has been changing {file} for {LOCK_TIMEOUT:.0f} seconds.",
                hint="Try again, or end the program that hangs.",
            ) from None
        except OSError as error:
            raise _unwritable(file, error) from None
        yield


def write_table(file: Path, name: str, fields: Mapping[str, Any]) -> None:
    """Make ``fields`` the table ``[name]`` of a TOML file, and leave the rest as it is.

    Raises:
        ConfigurationError: the file cannot be written, or not without changing more.
    """
    import tomlkit  # keeps comments and order; not needed for reading

    file = file.resolve()  # a link, as into dotfiles, stays one
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    known, fields = tomllib.loads(before), plain_value(fields)
    there, after = known.get(name, {}), ""
    with contextlib.suppress(LookupError, ValueError):  # what tomlkit makes of odd orders
        document = tomlkit.parse(before)
        table = document.setdefault(name, tomlkit.table())
        for key in reversed([key for key in there if key not in fields]):
            del table[key]
        table.update({key: value for key, value in fields.items() if there.get(key) != value})
        after = tomlkit.dumps(document)
    if tomllib.loads(after) != {**known, name: fields}:
        hint = f"Add {tomlkit.dumps({name: fields})!r} to it yourself."
        raise ConfigurationError(f"{file} cannot be changed automatically.", hint=hint)
    _write(file, after)


def remove_table(file: Path, name: str) -> None:
    """Remove the table ``[name]`` of a TOML file, and those in it; the rest stays as it is.

    Raises:
        ConfigurationError: the file cannot be written, or not without changing more.
    """
    file = file.resolve()
    before = file.read_text(encoding="utf-8")
    wanted = {each: table for each, table in tomllib.loads(before).items() if each != name}
    kept: list[str] = []
    removing, held = False, list[str]()  # what may belong to the next table
    for line in before.splitlines(keepends=True):
        if line.lstrip().startswith("["):
            removing = _is_header_of(line, name)
            kept += held if not removing else []
            held = []
        if not removing:
            kept.append(line)
        elif line.strip() and not line.lstrip().startswith("#"):
            held = []
        else:
            held.append(line)
    after = "".join(kept + held)
    try:
        same = tomllib.loads(after) == wanted
    except ValueError:
        same = False
    if not same:
        hint = f"Remove its table [{name}] from the file yourself."
        raise ConfigurationError(f"{file} cannot be changed automatically.", hint=hint)
    _write(file, after)


def _is_header_of(line: str, name: str) -> bool:
    try:
        return name in tomllib.loads(line)
    except ValueError:  # within a list, or a text of several lines
        return False


def require_unmoved(
    file: Path, name: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    """Check that no client secret in the table itself is sent elsewhere once it is changed.

    Raises:
        ConfigurationError: one would be, or the changed table cannot work.
    """
    if not _inline(before) & _inline(after):
        return
    changed = outline(name, after)
    with contextlib.suppress(ConfigurationError):
        if binding.same(outline(name, before), changed, but=TOKENS_ONLY):
            return
    raise ConfigurationError(
        f"[{name}] in {file} has its client secret in it, which is for what it is now.",
        hint="Change it there, or give the new one another name.",
    )


def _inline(table: Mapping[str, Any]) -> set[str]:
    holders = {"client": table, "service": table.get("service")}
    return {each for each, at in holders.items() if at and "client_secret" in at}


def outline(name: str, table: Mapping[str, Any]) -> Provider:
    """The provider of that table; of an incomplete one, what is known."""
    try:
        return provider_from_mapping(name, table)
    except Incomplete as error:
        return error.outline


def secrets_file(file: Path) -> Path:
    """Where the client secrets of the providers in ``file`` are kept."""
    return file.with_name(SECRETS)


def keep_secret(file: Path, provider: Provider, secret: Secret) -> None:
    """Save a client secret beside ``file`` (0600). Raises ConfigurationError."""
    entry = {"fingerprint": provider.fingerprint, "client_secret": secret.reveal()}
    _write(secrets_file(file), json.dumps({**_kept(file), provider.name: entry}, indent=2))


def kept_secret(
    file: Path, name: str, fingerprints: Callable[[], Collection[str]]
) -> Secret | None:
    """The client secret that was saved for that name, and for one of these definitions.

    Raises:
        ConfigurationError: its file is not private, or is damaged.
    """
    entry = _kept(file).get(name)
    if not isinstance(entry, dict) or entry.get("fingerprint") not in fingerprints():
        return None
    return Secret(entry["client_secret"]) if isinstance(entry.get("client_secret"), str) else None


def why_not_used(file: Path, name: str) -> str:
    """Why ``kept_secret`` does not return the secret of that name; "" if there is none."""
    if (entry := _kept(file).get(name)) is None:
        return ""
    if isinstance(entry, dict) and binding.is_of_first_version(str(entry.get("fingerprint"))):
        return f"An earlier version saved the client secret of {name!r}, not all that it is for."
    return f"The client secret of {name!r} was given for another definition of it."


def forget_secret(file: Path, name: str) -> None:
    """Delete the client secret of that name, if there is one. Raises ConfigurationError."""
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
            f"{file} cannot be read.", hint="Move it away, and add the client secrets again."
        )
    return kept


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(file, text.encode())
    except OSError as error:
        raise _unwritable(file, error) from None


def _unwritable(file: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{file} cannot be written: {error.strerror}.",
        hint="Free some space there, or make it writable for your user.",
    )
