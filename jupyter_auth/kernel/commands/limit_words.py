"""Times and API limits in a few words, for tables."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_auth.core.common.rate_limits import Limits


SECONDS = "%H:%M:%S"


def limit_words(limits: Limits) -> str:
    """``no calls until 12:05:30``, or ``59 of 60 calls left until 13:00:00``; "" if unknown."""
    if limits.throttled_until:
        return f"no calls until {moment(limits.throttled_until, SECONDS)}"
    quota = limits.quota
    if quota is None or quota.remaining is None:
        return ""
    of = f" of {quota.limit}" if quota.limit is not None else ""
    until = ""
    if quota.reset_at is not None:
        if quota.reset_at <= time.time():
            return ""  # it has been reset since
        until = f" until {moment(quota.reset_at, SECONDS)}"
    return f"{quota.remaining}{of} calls left{until}"


def moment(seconds: float, today: str = "%H:%M") -> str:
    """A time in the local zone: formatted as ``today``, with the date on another day."""
    then, now = time.localtime(seconds), time.localtime()
    return time.strftime(today if then[:3] == now[:3] else "%Y-%m-%d %H:%M", then)
