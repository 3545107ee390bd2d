"""Limits how often one user may cause requests to providers, by the engine's function."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, NamedTuple

from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.common.request_errors import Throttled

if TYPE_CHECKING:
    from collections.abc import Callable


class TokenBucket(NamedTuple):
    """``burst`` calls at once, and one more every ``each`` seconds."""

    burst: int
    each: float


PEOPLE = TokenBucket(60, 1.0)  # a click, or a command
PROGRAMS = TokenBucket(240, 0.25)  # what kernels do by themselves, all of them at once
BY_PROGRAMS = frozenset({"begin", "client_token", "id_token", "register", "token"})
# A callback is for one login, once: another site could use up its limit. And the engine itself
# keeps to a provider's polling interval.
UNLIMITED = frozenset({"finish", "poll"})


class UserLimits:
    """The calls that one user has left."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._full: dict[str, float] = {}  # by route: when it is a whole burst again

    def spend(self, route: str, provider: str) -> None:
        """Count one call of ``route``. Throttled: there is none left."""
        if route in UNLIMITED:
            return
        rate = PROGRAMS if route in BY_PROGRAMS else PEOPLE
        now, whole = self._clock(), rate.burst * rate.each
        # Never more than a whole burst, even if the clock was set back.
        full = min(max(self._full.get(route, now), now), now + whole)
        if (wait := full + rate.each - whole - now) > 0:
            raise Throttled(
                f"Too many calls for {plain(provider)} in a short time.",
                hint=f"Try again in {math.ceil(wait)} s.",
                retry_at=now + wait,
            )
        self._full[route] = full + rate.each
