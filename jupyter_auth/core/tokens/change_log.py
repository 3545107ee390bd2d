"""A numbered log of the last changes, for callers that wait for them."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from jupyter_auth.core.models import Change, Changes

if TYPE_CHECKING:
    from collections.abc import Callable

REMEMBERED = 1000  # changes
POLL = 1.0  # seconds between checks for changes by other processes, while someone waits

_log = logging.getLogger("jupyter_auth")


def patience(news: Changes, deadline: float, now: float) -> float:
    """Seconds to go on waiting for changes; 0: ``news`` is the answer."""
    return 0.0 if news.changes or news.reset else max(0.0, deadline - now)


class ChangeLog:
    """Changes by sequence number: microseconds since 1970, or one more than the last.

    So those of a later process are larger. ``shared``: callers may bring the number of another
    replica, which may be larger than any here.
    """

    def __init__(self, *, shared: bool = False) -> None:
        self._shared = shared
        self._sequence = _now()
        self._first = self._sequence
        self._log: deque[tuple[int, Change]] = deque(maxlen=REMEMBERED)
        self._news = threading.Condition()
        self._listeners: dict[int, Callable[[], None]] = {}
        self._ids = itertools.count()

    def add(self, change: Change) -> None:
        """Log a change, and call listeners."""
        with self._news:
            self._sequence = max(self._sequence + 1, _now())
            if len(self._log) == REMEMBERED:
                self._first = self._log[0][0]
            self._log.append((self._sequence, change))
            self._news.notify_all()
            listeners = list(self._listeners.values())
        for listener in listeners:
            try:
                listener()
            except Exception:  # noqa: BLE001 (one listener must not end the others, or a refresh)
                _log.exception("A listener for changes failed")

    def after(self, since: int) -> Changes:
        """The changes after ``since``; a reset if they are not all in the log any more."""
        with self._news:
            if since < self._first or (since > self._sequence and not self._shared):
                return Changes(sequence=self._sequence, reset=True)
            news = tuple(change for number, change in self._log if number > since)
            return Changes(sequence=max(since, self._sequence), changes=news)

    def wait(self, since: int, seconds: float) -> None:
        """Return once there is a change after ``since``, or after ``seconds``."""
        with self._news:
            self._news.wait_for(lambda: self._sequence > since, seconds)

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """See ``Engine.listen``."""
        with self._news:
            number = next(self._ids)
            self._listeners[number] = listener
        return lambda: self._forget(number)

    def _forget(self, number: int) -> None:
        with self._news:
            self._listeners.pop(number, None)


def _now() -> int:
    return time.time_ns() // 1000
