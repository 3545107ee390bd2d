"""Lockouts of APIs and token endpoints, shared by all programs of a person on this machine.

Each is a file. Its name is a digest of what is counted together, its content the end of the
lockout. Nothing in it is secret.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from typing import TYPE_CHECKING

from jupyter_auth.core.common import times
from jupyter_auth.core.common.private_files import (
    make_private_directory,
    read_private,
    write_private,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jupyter_auth.core.common.rate_limits import Limits
    from jupyter_auth.core.common.request_errors import ProviderUnavailable
    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.provider.field_types import Throttle

LONGEST = 86400.0  # seconds that a token endpoint is believed


def shared_name(address: str, throttle: Throttle, seen: Limits) -> str:
    """The name of a lockout of that client, or account, at a provider's ``address``."""
    account = None if throttle.scope == "client" else seen.session_key
    return hashlib.sha256(json.dumps([address, seen.client_id, account]).encode()).hexdigest()


class TokenLockouts:
    """Waits for token endpoints that said when to ask again (RFC 9110 10.2.3).

    Many count all requests of a client, and lock it out for longer the more it asks.
    """

    def __init__(self, lockouts: Lockouts, clock: Callable[[], float]) -> None:
        self._lockouts = lockouts
        self._clock = clock
        self._ends: dict[str, float] = {}  # for programs without files

    @contextlib.contextmanager
    def respected(self, party: Party) -> Iterator[None]:
        """Around a request to that party's token endpoint.

        Raises:
            ProviderUnavailable: it was not sent, or was refused: until ``retry_at``.
        """
        from jupyter_auth.core.protocol.http import Busy

        counted = ["token endpoint", party.endpoint("token_endpoint"), party.client.client_id]
        name = hashlib.sha256(json.dumps(counted).encode()).hexdigest()
        if (end := max(self._ends.get(name, 0.0), self._lockouts.until(name))) > self._clock():
            raise _locked_out(party, end)
        try:
            yield
        except Busy as error:
            end = self._clock() + min(error.seconds, LONGEST)
            self._ends[name] = end
            self._lockouts.put(name, end)
            raise _locked_out(party, end) from None


def _locked_out(party: Party, end: float) -> ProviderUnavailable:
    from jupyter_auth.core.common.request_errors import ProviderUnavailable

    at = time.strftime("%H:%M:%S", time.localtime(end))
    return ProviderUnavailable(
        f"The token endpoint of {party.provider.title} takes no requests until {at}.",
        hint="Wait until then; the error's `retry_at` has the time.",
        retry_at=end,
    )


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
