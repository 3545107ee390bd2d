"""Pauses between retries: longer each time, with jitter."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST, LONGEST = 2.0, 30.0  # seconds
# Not the module's own generator: a notebook that seeds that counts on its numbers.
_chance = random.SystemRandom().uniform


def requested_pause(error: BaseException | None, clock: Callable[[], float] = time.time) -> float:
    """The seconds that an error asks to wait, or 0."""
    after, until = getattr(error, "retry_after", 0.0), getattr(error, "retry_at", 0.0)
    return float(max(after, until - clock() if until else 0.0, 0.0))


class Backoff:
    """Random pauses, so that callers that failed together do not come back together.

    ``chance`` picks a number between two, ``clock`` is in seconds since 1970, UTC.
    """

    def __init__(
        self,
        first: float = FIRST,
        longest: float = LONGEST,
        *,
        chance: Callable[[float, float], float] = _chance,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._first = self._most = first
        self._longest = longest
        self._chance = chance
        self._clock = clock

    def pause(self, error: BaseException | None = None) -> float:
        """Seconds until the next try, after one that failed with ``error``.

        That is not before the time the error names, as far as ``longest`` allows, plus some jitter.
        """
        asked = min(requested_pause(error, self._clock), self._longest)
        most, self._most = self._most, min(2 * self._most, self._longest)
        return asked + self._chance(0.0, max(most, asked))

    def reset(self) -> None:
        """Start over with short pauses: there was an answer."""
        self._most = self._first
