"""What happened, in order, for whoever waits: a numbered log of the last changes."""

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

REMEMBERED = 1000

_log = logging.getLogger("jupyter_auth")


class ChangeLog:
    """Changes by sequence number. Sequences of a later process are always larger."""

    def __init__(self) -> None:
        self._sequence = time.time_ns() // 1000
        self._first = self._sequence
        self._log: deque[tuple[int, Change]] = deque(maxlen=REMEMBERED)
        self._news = threading.Condition()
        self._listeners: dict[int, Callable[[], None]] = {}
        self._ids = itertools.count()

    def add(self, change: Change) -> None:
        """Write it down, and tell who listens or waits."""
        with self._news:
            self._sequence += 1
            self._log.append((self._sequence, change))
            self._news.notify_all()
            listeners = list(self._listeners.values())
        for listener in listeners:
            try:
                listener()
            except Exception:  # noqa: BLE001 (one listener must not end the others, or a refresh)
                _log.exception("Whoever listens to changes has failed")

    def after(self, since: int) -> Changes:
        """What happened after ``since``; a reset where that is more than is remembered."""
        with self._news:
            oldest = self._log[0][0] - 1 if len(self._log) == REMEMBERED else self._first
            if not oldest <= since <= self._sequence:
                return Changes(sequence=self._sequence, reset=True)
            news = tuple(change for number, change in self._log if number > since)
            return Changes(sequence=self._sequence, changes=news)

    def wait(self, since: int, seconds: float) -> None:
        """Return once there is something after ``since``, or after ``seconds``."""
        with self._news:
            self._news.wait_for(lambda: self._sequence != since, seconds)

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` after each change, from any thread; returns what ends that."""
        with self._news:
            number = next(self._ids)
            self._listeners[number] = listener
        return lambda: self._forget(number)

    def _forget(self, number: int) -> None:
        with self._news:
            self._listeners.pop(number, None)
