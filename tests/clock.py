"""A clock that stands still until a test moves it."""

from __future__ import annotations

START = 1_800_000_000.0  # seconds since the epoch; any fixed moment would do


class Clock:
    """Call it for the time in seconds since the epoch, as ``time.time()`` gives it."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
