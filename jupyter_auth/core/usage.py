"""What kernels see of an API's limits, put together: one of them throttled, and all know."""

from __future__ import annotations

import dataclasses
import threading
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from jupyter_auth.core.models import Change

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.changes import ChangeLog
    from jupyter_auth.core.limits import Limits, Throttle

MOST = 512  # tokens that are known of: kernels make up their session_keys
MOST_CALLS = 100_000  # that are counted of one of them


class _Token(NamedTuple):
    provider: str
    client_id: str | None
    session_key: str


class Usage:
    """Limits by token; lockouts by what they cover."""

    def __init__(self, log: ChangeLog, clock: Callable[[], float]) -> None:
        self._log = log
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[_Token, Limits] = {}
        self._calls: dict[_Token, deque[float]] = {}

    def report(self, throttle: Throttle, seen: Limits) -> Limits:
        """Add what one kernel saw: ``seen.calls`` more calls. Returns what all saw together."""
        key = _Token(seen.provider, seen.client_id, seen.session_key)
        with self._lock:
            calls = self._count(key, seen.calls, throttle.window)
            before = self._known.pop(key, seen)
            self._known[key] = dataclasses.replace(
                before,
                calls=calls,
                quota=seen.quota or before.quota,
                throttled_until=seen.throttled_until or before.throttled_until,
                notebook=seen.notebook or before.notebook,
            )
            while len(self._known) > MOST:
                oldest = next(iter(self._known))
                del self._known[oldest]
                self._calls.pop(oldest, None)
            found = self._together(throttle, key)
        if seen.throttled_until:
            self._log.add(
                Change(
                    kind="throttled",
                    provider=key.provider,
                    session_key=key.session_key,
                    limits=found,
                )
            )
        return found

    def all(self, throttle_of: Callable[[str], Throttle]) -> list[Limits]:
        """What is known of each token. ``throttle_of``: what is configured of a provider."""
        with self._lock:
            return [
                self._together(throttle_of(key.provider), key)
                for key in sorted(
                    self._known,
                    key=lambda key: (key.provider, key.session_key, key.client_id or ""),
                )
            ]

    def _count(self, key: _Token, more: int, window: float) -> int:
        now = self._clock()
        calls = self._calls.setdefault(key, deque(maxlen=MOST_CALLS))
        calls.extend([now] * min(more, MOST_CALLS))
        while calls and calls[0] <= now - window:
            calls.popleft()
        return len(calls)

    def _together(self, throttle: Throttle, key: _Token) -> Limits:
        """With the lockout that any token of the same credential met."""
        now, mine = self._clock(), self._known[key]
        covered = [
            each.throttled_until
            for other, each in self._known.items()
            if other == key or (throttle.scope == "client" and other[:2] == key[:2])
        ]
        until = max((each for each in covered if each and each > now), default=None)
        calls = self._count(key, 0, throttle.window)
        return dataclasses.replace(mine, calls=calls, throttled_until=until)
