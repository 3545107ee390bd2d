"""How many long polls a process holds at a time: each is an open file."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from jupyter_auth.core.common.throttled_log import ThrottledLog
from jupyter_auth.core.errors import BrokerUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = 65536  # if the system sets no limit
RESERVE = 128  # files, or a quarter of them: for tokens, the database, the Hub and providers
POLLS = 10_000  # of one process, however many files it may open
LATER = 10.0  # seconds until a refused poll may try again


class PollLimit:
    """The polls that ``files`` open files allow."""

    def __init__(self, files: int = FILES) -> None:
        self.most = max(1, min(files - max(RESERVE, files // 4), POLLS))
        self._taken = 0
        self._seldom = ThrottledLog("Polls are refused for a while")

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Count one poll. BrokerUnavailable: there are too many."""
        if self._taken >= self.most:
            self._seldom.warn(
                f"{self.most} polls wait for changes here. Add a replica or, below {POLLS}, raise"
                " the limit of open files (ulimit -n, LimitNOFILE=)."
            )
            raise BrokerUnavailable(
                "Too many requests are waiting at the Hub's sign-in service.",
                hint="Nothing is lost: try again in a moment.",
                retry_after=LATER,
            )
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
