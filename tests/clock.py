"""Clocks that a test moves."""

from __future__ import annotations

import time

START = 1_800_000_000.0  # seconds since the epoch; any fixed moment would do


class Clock:
    """Call it for the time in seconds since the epoch, as ``time.time()`` gives it."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class OffsetClock:
    """This machine's time, and ``ahead`` seconds more."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead
