"""A file that holds one token, for programs that read it from there.

It holds the token alone, as WLCG Bearer Token Discovery has it, and no newline: the SDKs of clouds
send what they read.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from jupyter_auth.core.common.private_files import (
    make_private_directory,
    read_private,
    write_private,
)
from jupyter_auth.core.errors import ConfigurationError, StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_auth.core.secret import Secret

TOKEN = re.compile(rb"[\x21-\x7e]*\n?")  # what may be replaced: one word, or an empty file
MOST = 64 * 1024  # bytes


def write_token(path: Path, token: Secret) -> None:
    """Replace the token in the file in one step: 0600, in a directory of this user's alone.

    Raises:
        ConfigurationError: the directory or the file is another's, a link, or open to others; or
            the file holds something else than a token.
        StoreError: it cannot be written.
    """
    try:
        make_private_directory(path.parent, tighten=False)
        replaces = not path.is_symlink() and (not path.exists() or _is_token(path))
    except OSError as error:
        raise ConfigurationError(
            f"No token is written to {path}: {error.strerror or error}.",
            hint=f"Name a file in a directory of your own that does not exist yet or has mode 0700"
            f" ({path.parent}).",
        ) from None
    if not replaces:
        raise ConfigurationError(
            f"No token is written to {path}: something else is there.",
            hint="Move it away, or name another file.",
        )
    try:
        write_private(path, token.reveal().encode())
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}.") from None


def remove_token(path: Path) -> None:
    """Remove the file, if a token is in it."""
    with contextlib.suppress(OSError):
        if _is_token(path):
            path.unlink()


def _is_token(path: Path) -> bool:
    """OSError: it cannot be read, or is not this user's alone."""
    return bool(TOKEN.fullmatch(read_private(path, most=MOST)))
