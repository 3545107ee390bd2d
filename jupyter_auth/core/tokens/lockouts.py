"""API lockouts, shared by all programs of a person on this machine: a file for each.

Its name is a digest of what the API counts together, its content the end of the lockout. Nothing in
it is secret.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import TYPE_CHECKING

from jupyter_auth.core.common import times
from jupyter_auth.core.common.private_files import (
    make_private_directory,
    read_private,
    write_private,
)

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_auth.core.common.rate_limits import Limits
    from jupyter_auth.core.provider.field_types import Throttle


def shared_name(address: str, throttle: Throttle, seen: Limits) -> str:
    """The name of a lockout of that client, or account, at a provider's ``address``."""
    account = None if throttle.scope == "client" else seen.session_key
    return hashlib.sha256(json.dumps([address, seen.client_id, account]).encode()).hexdigest()


class Lockouts:
    """Lockouts in ``directory``, beside the accounts; None: this process has no files."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory and directory / "lockouts"
        self._paths: dict[str, Path] = {}  # kept: making one costs more than its stat
        self._read: dict[str, tuple[tuple[int, int], float]] = {}  # by name: file and end

    def until(self, name: str) -> float:
        """The end of a lockout, in seconds since 1970; 0: there was none."""
        if self._directory is None:
            return 0.0
        if name not in self._paths:
            self._paths[name] = self._directory / f"{name}.json"
        path = self._paths[name]
        try:
            status = path.lstat()
        except OSError:
            return 0.0
        stamp = (status.st_ino, status.st_mtime_ns)  # each write makes a new inode
        known = self._read.get(name)
        if known is None or known[0] != stamp:
            known = self._read[name] = stamp, _moment(path)
        return known[1]

    def put(self, name: str, until: float) -> None:
        """Share a lockout, if the file can be written."""
        if self._directory is None:
            return
        with contextlib.suppress(OSError):
            for directory in (self._directory.parent, self._directory):
                make_private_directory(directory)
            write_private(self._directory / f"{name}.json", json.dumps({"until": until}).encode())


def _moment(path: Path) -> float:
    """0 if ``put`` did not write it."""
    try:
        found = read_private(path, most=100, tighten=True)
        return times.number(json.loads(found)["until"]) or 0.0
    except (OSError, ValueError, TypeError, LookupError):
        return 0.0
