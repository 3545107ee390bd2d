"""When to ask somebody again who gave no answer: longer each time, and not all at once."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST, LONGEST = 2.0, 30.0  # seconds


def asked_for(error: BaseException | None, clock: Callable[[], float] = time.time) -> float:
    """The seconds that an answer asks to wait; 0: it does not."""
    after, until = getattr(error, "retry_after", 0.0), getattr(error, "retry_at", 0.0)
    return float(max(after, until - clock() if until else 0.0, 0.0))


class Backoff:
    """Pauses between tries, by chance: who failed with many others does not come back with them.

    ``chance`` picks a number between two, ``clock`` is seconds since 1970, in UTC.
    """

    def __init__(
        self,
        first: float = FIRST,
        longest: float = LONGEST,
        *,
        chance: Callable[[float, float], float] = random.uniform,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._first = self._most = first
        self._longest = longest
        self._chance = chance
        self._clock = clock

    def pause(self, error: BaseException | None = None) -> float:
        """Seconds until the next try, after one that failed with ``error``.

        Not before the time that the error names, unless that is later than ``longest``, and then
        not all at that time either.
        """
        asked = min(asked_for(error, self._clock), self._longest)
        most, self._most = self._most, min(2 * self._most, self._longest)
        return asked + self._chance(0.0, max(most, asked))

    def reset(self) -> None:
        """There was an answer."""
        self._most = self._first
