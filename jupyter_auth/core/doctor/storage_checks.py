"""Where accounts and client secrets rest, and what protects them, for ``doctor``."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from jupyter_auth.core.common.finding import Finding, wrong
from jupyter_auth.core.common.private_files import FOREIGN, not_private
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider.user_providers import secrets_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_auth.core.provider.registry import Providers
    from jupyter_auth.core.tokens.store import TokenStore


def resting_place(store: TokenStore) -> Iterator[Finding]:
    """The store's place; each file or directory there that others can reach is wrong."""
    if (place := store.directory) is None:
        yield Finding(about="Accounts", says="Stored in no file of this process.")
        return
    if not place.exists() and not place.is_symlink():
        yield Finding(about="Accounts", says=f"None yet; they will be stored in {place} (0700).")
        return
    troubles = [*_troubles(place), *_loose_files(place)]
    yield from troubles
    if not troubles:
        yield Finding(about="Accounts", says=f"Stored in {place}: {_protection()}")


def providers_file(providers: Providers) -> Iterator[Finding]:
    """What is configured wrongly, the person's own providers, and the secrets beside them."""
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
    yield Finding(about="Your providers", says=f"{which} {file}")
    for name in names:
        try:
            providers.info(name)
        except ConfigurationError as error:  # the list of providers leaves it out
            yield wrong("Your providers", error)
    secrets = secrets_file(file)
    if secrets.exists():
        loose = list(_others_can(secrets))
        yield from loose
        if loose:
            return
        yield Finding(about="Client secrets", says=f"Stored in {secrets}: {_protection()}")
    for name in names:
        with contextlib.suppress(ConfigurationError):  # said before
            if unused := providers.unused_secret(name):
                yield wrong("Client secret", unused)


def _protection() -> str:
    if os.name == "nt":
        return "your own files, not encrypted by us."
    return "only you (and root) can read them, they are not encrypted."


def _troubles(directory: Path) -> Iterator[Finding]:
    if directory.is_symlink() or not directory.is_dir():
        yield Finding(
            about="Accounts",
            says=f"{directory} is a link or a file where a directory should be.",
            fix="Move it away, or set c.JupyterAuth.store_directory to the directory itself.",
            state="wrong",
        )
        return
    yield from _others_can(directory)
    if not os.access(directory, os.W_OK | os.X_OK):
        yield Finding(
            about="Accounts",
            says=f"{directory} cannot be written to: nobody stays signed in.",
            fix=f"chmod u+rwx {directory}",
            state="wrong",
        )


def _loose_files(directory: Path) -> Iterator[Finding]:
    for each in [directory / "accounts", *sorted(directory.glob("accounts/*.json"))]:
        if each.exists():
            yield from _others_can(each)


def _others_can(path: Path) -> Iterator[Finding]:
    found = path.lstat()
    if why := not_private(found):
        yield Finding(
            about="Accounts",
            says=f"{path} ({stat.S_IMODE(found.st_mode):04o}) is not yours alone: {why}.",
            fix="Move it away, and sign in again." if why == FOREIGN else f"chmod go= {path}",
            state="wrong",
        )
