"""Where accounts and client secrets are stored, and what protects them, for ``doctor``."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from jupyter_auth.core.common.finding import Finding, wrong
from jupyter_auth.core.common.private_files import (
    FOREIGN,
    INSECURE_VARIABLE,
    not_private,
    refused,
    sync,
    why_no_locks,
)
from jupyter_auth.core.doctor.process_checks import environment
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider.user_providers import secrets_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_auth.core.provider.registry import Providers
    from jupyter_auth.core.tokens.store import TokenStore


def place(store: TokenStore, providers: Providers) -> Iterator[Finding]:
    """All that is checked where the accounts are, whatever the provider."""
    yield from environment()
    yield from store_directory(store)
    yield from providers_file(providers)


def store_directory(store: TokenStore) -> Iterator[Finding]:
    """The store's directory; it is wrong if others can access it or a file in it."""
    if (directory := store.directory) is None:
        yield Finding("Accounts", "Not stored in files of this process.")
        return
    if not directory.exists() and not directory.is_symlink():
        there = next(each for each in directory.absolute().parents if each.exists())
        none_yet = Finding("Accounts", f"None yet; they will be stored in {directory} (0700).")
        yield from list(_unwritable(there)) or [none_yet]
        return
    problems = list(_problems(directory))
    files = sorted(directory.glob("accounts/*.json"))
    for each in [directory / "accounts", *files]:
        if each.exists():
            problems += _others_can(each)
    yield from problems or [Finding("Accounts", f"Stored in {directory}: {_protection()}")]
    yield from _weaknesses(directory, files)


def providers_file(providers: Providers) -> Iterator[Finding]:
    """Problems of the configuration, the person's own providers, and their secrets."""
    for problem in providers.problems:
        yield wrong("Setting", problem)
    yield from providers.notes
    if (file := providers.user_file) is None:
        return
    try:
        names = providers.saved_names()
    except ConfigurationError as error:
        yield wrong("Your providers", error)
        return
    which = f"{', '.join(names)}, in" if names else "none yet; they would be in"
    yield Finding("Your providers", f"{which} {file}")
    for name in names:
        try:
            providers.info(name)
        except ConfigurationError as error:  # it is not in the list of providers
            yield wrong("Your providers", error)
    secrets = secrets_file(file)
    if secrets.exists():
        if loose := list(_others_can(secrets)):
            yield from loose
            return
        yield Finding("Client secrets", f"Stored in {secrets}: {_protection()}")
    for name in names:
        with contextlib.suppress(ConfigurationError):  # reported above
            if unused := providers.unused_secret(name):
                yield wrong("Client secret", unused)


def _protection() -> str:
    if os.name == "nt":
        return "your own files, not encrypted by this package."
    return "only you (and root) can read them, they are not encrypted."


def _problems(directory: Path) -> Iterator[Finding]:
    if directory.is_symlink() or not directory.is_dir():
        says = f"{directory} is a link or a file where a directory should be."
        fix = "Move it away, or set c.JupyterAuth.store_directory to the directory itself."
        yield Finding("Accounts", says, fix, "wrong")
        return
    yield from _others_can(directory)
    yield from _unwritable(directory)


def _unwritable(directory: Path) -> Iterator[Finding]:
    if os.access(directory, os.W_OK | os.X_OK):
        return
    says = f"{directory} cannot be written to, so sign-ins end with this process."
    fix = f"chmod u+rwx {directory}, or set c.JupyterAuth.store_directory to another directory."
    yield Finding("Accounts", says, fix, "wrong")


def _weaknesses(directory: Path, files: list[Path]) -> Iterator[Finding]:
    """What the file system does not have."""
    try:
        why = files and why_no_locks(files[0])
        synced = os.name == "nt" or sync(directory)
    except OSError:  # reported above
        return
    if why:
        says = f"Files in {directory} cannot be locked ({why}): files that are renewed serve as"
        says = f"{says} locks. After a crash on another machine a refresh waits for seconds."
        yield Finding("File system", says, state="note")
    if not synced:
        says = f"{directory} cannot be synced: a power failure may undo the last refresh."
        yield Finding("File system", says, state="note")


def _others_can(path: Path) -> Iterator[Finding]:
    found = path.lstat()
    if why := not_private(found):
        says = f"{path} ({stat.S_IMODE(found.st_mode):04o}) is not private: {why}."
        fix = "Move it away, and sign in again." if why == FOREIGN else f"chmod go= {path}"
        if not refused(found):
            yield Finding("Accounts", f"{says} {INSECURE_VARIABLE} allows that.", fix, "note")
            return
        yield Finding("Accounts", says, fix, "wrong")
