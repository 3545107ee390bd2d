"""An API's limits as one session meets them: waits that are short, lockouts, quotas, warnings.

The values of the core are imported where one is made: whoever imports a session makes none.
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
    from jupyter_auth.core.provider.provider import ProviderInfo

RETRY_AFTER_MAX = 30.0  # seconds
RETRIES = 3
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})  # RFC 9110 9.2.2
NEAR = 0.8  # of a configured limit: then it is warned of
REPORT_PAUSE = 5.0  # seconds between two reports of a quota
USE_PAUSE = 300.0  # seconds between two reports where all there is to say is that it is used


class CountedCaller(NamedTuple):
    """Whose calls are counted together. ``client_id``: a service account's; None: a person."""

    info: ProviderInfo
    session_key: str = DEFAULT_KEY
    client_id: str | None = None

    @property
    def title(self) -> str:
        """What a person reads: a service account goes by the session key that they gave it."""
        named = self.client_id and self.session_key != DEFAULT_KEY
        return f"{self.info.title} ({self.session_key:.40})" if named else self.info.title


class ResponseParts(Protocol):
    """What any HTTP client's response has."""

    status_code: int

    @property
    def headers(self) -> Mapping[str, str]:
        """Their names in any case."""


class Throttling:
    """What ``TokenAuth`` asks before a call, and tells after it.

    ``retry_after_max``: an answer that asks for a longer wait, in seconds, is given back.
    ``allowed_methods``: what is sent again after a wait. ``quota``: what the API last said.
    """

    def __init__(
        self,
        accounts: Accounts,
        credential: CountedCaller,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.retry_after_max = RETRY_AFTER_MAX
        self.allowed_methods = IDEMPOTENT
        self.quota: Quota | None = None
        self.sleep = sleep
        self._accounts = accounts
        self._credential = credential
        self._throttle = credential.info.throttle
        self._clock = clock
        self._until = 0.0
        self._reported_at = 0.0
        self._warned = False
        self._pid = 0  # of the process that listens for lockouts
        _all.add(self)

    def __reduce__(self) -> tuple[object, ...]:
        return _reconnected, (self._credential,)

    @property
    def locks_out(self) -> bool:
        """Whether there can be anything to ``check``."""
        return self._throttle.lockout is not None

    def check(self) -> None:
        """Throttled: the API would refuse this call, and perhaps lock out for longer."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._join()
        if self._until > self._clock():
            at = time.strftime("%H:%M:%S", time.localtime(self._until))
            raise Throttled(
                f"{self._credential.title} takes no calls until {at}. This one was not sent.",
                hint="Wait until then; `retry_at` of this error has the moment.",
                retry_at=self._until,
            )

    def saw(self, response: ResponseParts) -> None:
        """Learn from an answer, and tell the others; now and then, that there was one."""
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
        """Seconds after which the same request may go again. None: the answer is given back."""
        if response.status_code not in self._throttle.statuses or self._until > self._clock():
            return None
        wait = retry_after(response)
        again = response.request.method in self.allowed_methods
        return wait if again and wait is not None and wait <= self.retry_after_max else None

    def move(self, session_key: str) -> None:
        """The calls are another account's from now on."""
        self._credential = self._credential._replace(session_key=session_key)

    def hear(self, limits: Limits) -> None:
        """Somebody of this provider met a lockout."""
        mine = self._credential
        same = (limits.provider, limits.client_id) == (mine.info.name, mine.client_id)
        if same and (self._throttle.scope == "client" or limits.session_key == mine.session_key):
            self._until = max(self._until, limits.throttled_until or 0.0)

    def _lockout(self, response: ResponseParts, now: float) -> float | None:
        lockout = self._throttle.lockout
        if lockout is None or response.status_code not in self._throttle.statuses:
            return None
        return now + max(lockout, retry_after(response) or 0.0)

    def _report(self, *, calls: int, until: float | None) -> None:
        seen = self._limits(calls=calls, quota=self.quota, throttled_until=until)
        if until:
            for each in list(_all):  # the others of this process, at once
                each.hear(seen)
        with suppress(AuthError):  # the call went well, whoever keeps the count
            self._warn(self._accounts.usage(seen).calls)

    def _warn(self, calls: int) -> None:
        limit = self._throttle.limit
        near = limit is not None and calls >= NEAR * limit
        if near and not self._warned:
            warn(
                f"{calls} of {limit} calls to {self._credential.title} are used in"
                f" {self._throttle.window:.0f} s. Past the limit it takes none for a while."
            )
        self._warned = near

    def _join(self) -> None:
        """Learn of lockouts that were, and of those to come."""
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
            provider=self._credential.info.name,
            session_key=self._credential.session_key,
            client_id=self._credential.client_id,
            calls=calls,
            quota=quota,
            throttled_until=throttled_until,
        )


def retry_after(response: ResponseParts) -> float | None:
    """The seconds that ``Retry-After`` names (RFC 9110 10.2.3), as a number or a date."""
    value = response.headers.get("Retry-After")
    if value is None:
        return None
    from urllib3.exceptions import InvalidHeader
    from urllib3.util import Retry

    try:
        return times.number(Retry().parse_retry_after(value))
    except (InvalidHeader, ValueError, TypeError, OverflowError):
        return None


_all: weakref.WeakSet[Throttling] = weakref.WeakSet()


def _reconnected(credential: CountedCaller) -> Throttling:
    from jupyter_auth.kernel.broker.connect import connect

    return Throttling(connect(), credential)
