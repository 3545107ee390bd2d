"""What kernels see of an API's limits, put together: one of them throttled, and all know."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Literal, NamedTuple

from jupyter_auth.core.common.rate_limits import Limits
from jupyter_auth.core.models import Change
from jupyter_auth.core.tokens.lockouts import Lockouts, shared_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.common.rate_limits import Quota
    from jupyter_auth.core.provider.field_types import Throttle
    from jupyter_auth.core.tokens.change_log import ChangeLog

MOST = 512  # tokens that are known of: kernels make up their session_keys
MOST_CALLS = 100_000  # that are counted of one of them
MOST_NOTEBOOKS = 20  # that are named as users of one of them
LATELY = 3600.0  # seconds for which a notebook is named after it was heard of


class _Token(NamedTuple):
    provider: str
    client_id: str | None
    session_key: str


class _Record:
    """What is known of one token. ``news``: whether there is some that nobody was told of.

    ``shared`` names its lockout for other programs, "" where there can be none; ``told`` is the
    last one that was made known here. ``calls`` are moments; ``notebooks`` have the moment at which
    each was heard of last, in order.
    """

    def __init__(self) -> None:
        self.quota: Quota | None = None
        self.throttled_until: float | None = None
        self.calls: deque[float] = deque(maxlen=MOST_CALLS)
        self.notebooks: dict[str, float] = {}
        self.news = False
        self.shared = ""
        self.told = 0.0

    def add(self, seen: Limits, now: float) -> None:
        """What one kernel saw; what it does not say stays as it was."""
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
        """Forget calls that count no more, and notebooks that fell silent."""
        while self.calls and self.calls[0] <= now - window:
            self.calls.popleft()
        self._forget_notebooks(now)

    def _forget_notebooks(self, now: float) -> None:
        heard = [(name, at) for name, at in self.notebooks.items() if at > now - LATELY]
        self.notebooks = dict(heard[-MOST_NOTEBOOKS:])


class Usage:
    """Limits by token; lockouts by what they cover."""

    def __init__(
        self, log: ChangeLog, clock: Callable[[], float], lockouts: Lockouts | None = None
    ) -> None:
        self._log = log
        self._lockouts = lockouts or Lockouts(None)
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[_Token, _Record] = {}

    def report(self, throttle: Throttle, seen: Limits, address: str = "") -> Limits:
        """Add what one kernel saw: ``seen.calls`` more calls. Returns what all saw together.

        ``address``: that of the provider, for other programs that use it.
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
            record.told = found.throttled_until or 0.0
        if seen.throttled_until:
            if record.shared:
                self._lockouts.put(record.shared, seen.throttled_until)
            self._change("throttled", key, found)
        return found

    def poll(self, throttle_of: Callable[[str], Throttle]) -> None:
        """Tell of lockouts that other programs met."""
        now = self._clock()
        with self._lock:
            fresh = []
            for key, record in self._known.items():
                until = self._lockouts.until(record.shared) if record.shared else 0.0
                if until > max(now, record.told):
                    record.told = until
                    fresh.append((key, self._together(throttle_of(key.provider), key)))
        for key, found in fresh:
            self._change("throttled", key, found)

    def tell(self) -> None:
        """A change for each token of which more is known than those who wait were told."""
        with self._lock:
            news = [key for key, record in self._known.items() if record.news]
            for key in news:
                self._known[key].news = False
        for key in news:
            self._change("usage", key, None)

    def forget(self, provider: str, session_key: str) -> None:
        """Whoever is signed in there from now on has a quota of their own. Lockouts stay."""
        with self._lock:
            record = self._known.get(_Token(provider, None, session_key))
            if record:
                record.quota, record.notebooks = None, {}

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

    def _together(self, throttle: Throttle, key: _Token) -> Limits:
        """With the lockout that any token of the same credential met."""
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
