"""The limits of APIs as all kernels see them together: a lockout of one holds for all."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Literal, NamedTuple

from jupyter_auth.core.common.rate_limits import Limits
from jupyter_auth.core.models import Change
from jupyter_auth.core.tokens.limits.lockouts import Lockouts, shared_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.common.rate_limits import Quota
    from jupyter_auth.core.provider.field_types import Throttle
    from jupyter_auth.core.tokens.change_log import ChangeLog

MOST = 512  # tokens: kernels choose session_keys freely
MOST_CALLS = 100_000  # counted for one token
MOST_NOTEBOOKS = 20  # named as users of one token
LATELY = 3600.0  # seconds for which a notebook is named after its last report


class _Token(NamedTuple):
    provider: str
    client_id: str | None
    session_key: str


class _Record:
    """What is known of one token. ``news``: not all of it has been reported as a change.

    ``shared`` names its lockout for other programs, "": there are none; ``reported`` is the last
    one that was. ``calls`` are times; ``notebooks`` have that of their last report, in order.
    """

    def __init__(self) -> None:
        self.quota: Quota | None = None
        self.throttled_until: float | None = None
        self.calls: deque[float] = deque(maxlen=MOST_CALLS)
        self.notebooks: dict[str, float] = {}
        self.news = False
        self.shared = ""
        self.reported = 0.0

    def add(self, seen: Limits, now: float) -> None:
        """Add what one kernel saw; what it leaves out does not change."""
        before = (self.quota, set(self.notebooks))
        self.quota = seen.quota or self.quota
        self.throttled_until = seen.throttled_until or self.throttled_until
        self.calls.extend([now] * min(seen.calls, MOST_CALLS))
        for name in seen.notebooks:
            self.notebooks.pop(name, None)
            self.notebooks[name] = now
        self._forget_notebooks(now)
        self.news |= before != (self.quota, set(self.notebooks))

    def age(self, now: float, window: float) -> None:
        """Forget calls outside the window, and notebooks without a recent report."""
        while self.calls and self.calls[0] <= now - window:
            self.calls.popleft()
        self._forget_notebooks(now)

    def _forget_notebooks(self, now: float) -> None:
        heard = [(name, at) for name, at in self.notebooks.items() if at > now - LATELY]
        self.notebooks = dict(heard[-MOST_NOTEBOOKS:])


class Usage:
    """The limits by token."""

    def __init__(
        self, log: ChangeLog, clock: Callable[[], float], lockouts: Lockouts | None = None
    ) -> None:
        self._log = log
        self._lockouts = lockouts or Lockouts(None)
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[_Token, _Record] = {}

    def report(self, throttle: Throttle, seen: Limits, address: str = "") -> Limits:
        """Add what one kernel saw; returns what all kernels saw together.

        ``address``: the provider's, by which other programs find its lockouts.
        """
        key = _Token(seen.provider, seen.client_id, seen.session_key)
        with self._lock:
            record = self._known.pop(key) if key in self._known else _Record()
            self._known[key] = record
            record.add(seen, self._clock())
            if throttle.lockout is not None and not record.shared:
                record.shared = shared_name(address, throttle, seen)
            while len(self._known) > MOST:
                del self._known[next(iter(self._known))]
            found = self._together(throttle, key)
            record.reported = found.throttled_until or 0.0
        if seen.throttled_until:
            if record.shared:
                self._lockouts.put(record.shared, seen.throttled_until)
            self._change("throttled", key, found)
        return found

    def poll(self, throttle_of: Callable[[str], Throttle]) -> None:
        """Report lockouts of other programs."""
        now = self._clock()
        with self._lock:
            fresh = []
            for key, record in self._known.items():
                until = self._lockouts.until(record.shared) if record.shared else 0.0
                if until > max(now, record.reported):
                    record.reported = until
                    fresh.append((key, self._together(throttle_of(key.provider), key)))
        for key, found in fresh:
            self._change("throttled", key, found)

    def tell(self) -> None:
        """Report a change for each token that has news."""
        with self._lock:
            news = [key for key, record in self._known.items() if record.news]
            for key in news:
                self._known[key].news = False
        for key in news:
            self._change("usage", key, None)

    def forget(self, provider: str, session_key: str) -> None:
        """Forget the quota of a former account of that key. Lockouts stay."""
        with self._lock:
            if record := self._known.get(_Token(provider, None, session_key)):
                record.quota, record.notebooks = None, {}

    def all(self, throttle_of: Callable[[str], Throttle]) -> list[Limits]:
        """What is known of each token. ``throttle_of``: the configuration of a provider."""

        def order(key: _Token) -> tuple[str, str, str]:
            return key.provider, key.session_key, key.client_id or ""

        with self._lock:
            keys = sorted(self._known, key=order)
            return [self._together(throttle_of(key.provider), key) for key in keys]

    def _together(self, throttle: Throttle, key: _Token) -> Limits:
        """What is known of a token, with the lockouts of all that the API counts with it."""
        now, mine = self._clock(), self._known[key]
        mine.age(now, throttle.window)
        covered = [
            each.throttled_until
            for other, each in self._known.items()
            if other == key or (throttle.scope == "client" and other[:2] == key[:2])
        ]
        if mine.shared:
            covered.append(self._lockouts.until(mine.shared))
        return Limits(
            provider=key.provider,
            session_key=key.session_key,
            client_id=key.client_id,
            calls=len(mine.calls),
            quota=mine.quota,
            throttled_until=max((each for each in covered if each and each > now), default=None),
            notebooks=tuple(reversed(mine.notebooks)),
        )

    def _change(
        self, kind: Literal["throttled", "usage"], key: _Token, found: Limits | None
    ) -> None:
        self._log.add(
            Change(kind=kind, provider=key.provider, session_key=key.session_key, limits=found)
        )
