"""An API's limit in a few words, for a table and a widget."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_auth.core.common.rate_limits import Limits


def limit_words(limits: Limits) -> str:
    """``no calls until 12:05:30``, or ``59 of 60 calls left until 13:00:00``; empty: none known."""
    if limits.throttled_until:
        return f"no calls until {_clock(limits.throttled_until)}"
    quota = limits.quota
    if quota is None or quota.remaining is None:
        return ""
    of = f" of {quota.limit}" if quota.limit is not None else ""
    until = ""
    if quota.reset_at is not None:
        if quota.reset_at <= time.time():
            return ""  # it is full again, and nobody has asked since
        until = f" until {_clock(quota.reset_at)}"
    return f"{quota.remaining}{of} calls left{until}"


def _clock(moment: float) -> str:
    """In the reader's zone; with the day where that is another one."""
    then, today = time.localtime(moment), time.localtime()
    same = then.tm_yday == today.tm_yday and then.tm_year == today.tm_year
    return time.strftime("%H:%M:%S" if same else "%Y-%m-%d %H:%M", then)
