"""How many long polls a process holds at a time, whoever they are of: each is an open file."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.errors import BrokerUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = 65536  # where the system sets no limit
RESERVE = 128  # files, or a quarter of them: for tokens, the database, the Hub and providers
POLLS = 10_000  # of one process, however many files it may open
LATER = 10.0  # seconds after which a poll that found no room is welcome again
SELDOM = 60.0  # seconds between two lines of the log on one trouble

_log = logging.getLogger("jupyter_auth")


class Seldom:
    """Warns once a minute at most, however often there is reason to."""

    def __init__(self) -> None:
        self._next = 0.0

    def warn(self, text: str, *values: Any) -> None:
        """A line of the log, or nothing."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + SELDOM
            _log.warning(text, *values)


class Room:
    """What is left for polls of so many open files."""

    def __init__(self, files: int = FILES) -> None:
        self.most = max(1, min(files - max(RESERVE, files // 4), POLLS))
        self._taken = 0
        self._seldom = Seldom()

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """One place. BrokerUnavailable: there is none, for a while."""
        if self._taken >= self.most:
            self._seldom.warn(
                "%d polls wait for changes here, more are sent away for a while. Add a replica"
                " or, below %d, raise the limit of open files (ulimit -n, LimitNOFILE=).",
                self.most,
                POLLS,
            )
            raise BrokerUnavailable(
                "Too many wait for changes at the Hub's sign-in service.",
                hint="Nothing is lost: try again in a moment.",
                retry_after=LATER,
            )
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
