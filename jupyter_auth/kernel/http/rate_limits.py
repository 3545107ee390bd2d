"""An API's rate limits in one session: short waits, lockouts, quotas and warnings.

The core's classes are imported where they are used, to keep the import of a session fast.
"""

from __future__ import annotations

import os
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Protocol

from jupyter_auth.core.common import times
from jupyter_auth.core.common.request_errors import Throttled
from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.errors import AuthError
from jupyter_auth.kernel.broker.watcher import watcher_of
from jupyter_auth.kernel.http.warnings import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests import Response

    from jupyter_auth.core.common.rate_limits import Limits, Quota
    from jupyter_auth.core.interfaces import Accounts
    from jupyter_auth.core.models import Changes
    from jupyter_auth.core.provider.info import ProviderInfo

RETRY_AFTER_MAX = 30.0  # seconds
RETRIES = 3
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})  # RFC 9110 9.2.2
NEAR = 0.8  # of a configured limit: then warn
REPORT_PAUSE = 5.0  # seconds between two reports of a quota
USE_PAUSE = 300.0  # seconds between two reports of mere use


class CountedCaller(NamedTuple):
    """Whose calls an API counts together. ``client_id``: of a service account, else None."""

    info: ProviderInfo
    session_key: str = DEFAULT_KEY
    client_id: str | None = None

    @property
    def title(self) -> str:
        """The name in messages, with the session key that the user gave a service account."""
        named = self.client_id and self.session_key != DEFAULT_KEY
        return f"{self.info.title} ({self.session_key:.40})" if named else self.info.title


class ResponseParts(Protocol):
    """What any HTTP client's response has."""

    status_code: int

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, whose names have no case."""


class Throttling:
    """Observes one API's limits: ``check`` before each call, ``saw`` after it.

    ``retry_after_max``: a response that asks for more seconds is returned. ``allowed_methods``:
    which are retried. ``quota``: in the last response that had one.
    """

    def __init__(
        self,
        accounts: Accounts,
        caller: CountedCaller,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.retry_after_max = RETRY_AFTER_MAX
        self.allowed_methods = IDEMPOTENT
        self.quota: Quota | None = None
        self.sleep = sleep
        self._accounts = accounts
        self._caller = caller
        self._throttle = caller.info.throttle
        self._clock = clock
        self._until = 0.0
        self._reported_at = 0.0
        self._warned = False
        self._pid = 0  # of the process that has joined
        _all.add(self)

    def __reduce__(self) -> tuple[object, ...]:
        return _reconnected, (self._caller,)

    @property
    def locks_out(self) -> bool:
        """Whether the API has lockouts to ``check`` for."""
        return self._throttle.lockout is not None

    def check(self) -> None:
        """Raise Throttled if the API would refuse this call, and perhaps lock out for longer."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._join()
        if self._until > self._clock():
            at = time.strftime("%H:%M:%S", time.localtime(self._until))
            raise Throttled(
                f"{self._caller.title} takes no calls until {at}. This one was not sent.",
                hint="Wait until then; the error's `retry_at` has the time.",
                retry_at=self._until,
            )

    def saw(self, response: ResponseParts) -> None:
        """Learn from a response, and report it; mere use now and then."""
        from jupyter_auth.core.common.rate_limits import quota_of

        now = self._clock()
        self.quota = quota_of(response.headers, now) or self.quota
        until = self._lockout(response, now)
        counts = self._throttle.limit is not None
        pause = REPORT_PAUSE if self.quota else USE_PAUSE
        if until or counts or now >= self._reported_at + pause:
            self._reported_at = now
            self._report(calls=int(counts), until=until)

    def pause(self, response: Response) -> float | None:
        """Seconds after which to retry the request, or None to return the response."""
        if response.status_code not in self._throttle.statuses or self._until > self._clock():
            return None
        wait = times.retry_after(response.headers.get("Retry-After"))
        again = response.request.method in self.allowed_methods
        return wait if again and wait is not None and wait <= self.retry_after_max else None

    def move(self, session_key: str) -> None:
        """Count the calls for another account from now on."""
        self._caller = self._caller._replace(session_key=session_key)

    def hear(self, limits: Limits) -> None:
        """Learn of a lockout at this provider."""
        mine = self._caller
        same = (limits.provider, limits.client_id) == (mine.info.name, mine.client_id)
        if same and (self._throttle.scope == "client" or limits.session_key == mine.session_key):
            self._until = max(self._until, limits.throttled_until or 0.0)

    def _lockout(self, response: ResponseParts, now: float) -> float | None:
        lockout = self._throttle.lockout
        if lockout is None or response.status_code not in self._throttle.statuses:
            return None
        asked = times.retry_after(response.headers.get("Retry-After"))
        return now + max(lockout, asked or 0.0)

    def _report(self, *, calls: int, until: float | None) -> None:
        seen = self._limits(calls=calls, quota=self.quota, throttled_until=until)
        if until:
            for each in list(_all):  # this process's other sessions, at once
                each.hear(seen)
        with suppress(AuthError):  # the call succeeded, counted or not
            self._warn(self._accounts.usage(seen).calls)

    def _warn(self, calls: int) -> None:
        limit = self._throttle.limit
        near = limit is not None and calls >= NEAR * limit
        if near and not self._warned:
            warn(
                f"{calls} of {limit} calls to {self._caller.title} are used in"
                f" {self._throttle.window:.0f} s. Over the limit, it takes none for a while."
            )
        self._warned = near

    def _join(self) -> None:
        """Learn of present and future lockouts."""
        me = weakref.ref(self)

        def hear(news: Changes) -> None:
            for each in news.changes:
                if each.limits and (throttling := me()):
                    throttling.hear(each.limits)

        weakref.finalize(self, watcher_of(self._accounts).listen(hear)).atexit = False
        with suppress(AuthError):
            self.hear(self._accounts.usage(self._limits()))

    def _limits(
        self, *, calls: int = 0, quota: Quota | None = None, throttled_until: float | None = None
    ) -> Limits:
        from jupyter_auth.core.common.rate_limits import Limits

        return Limits(
            provider=self._caller.info.name,
            session_key=self._caller.session_key,
            client_id=self._caller.client_id,
            calls=calls,
            quota=quota,
            throttled_until=throttled_until,
        )


_all: weakref.WeakSet[Throttling] = weakref.WeakSet()


def _reconnected(caller: CountedCaller) -> Throttling:
    from jupyter_auth.kernel.broker.connect import connect

    return Throttling(connect(), caller)
