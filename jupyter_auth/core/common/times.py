"""Untrusted numbers that are times: of providers, APIs, files and other processes.

NaN and Infinity are refused. A date beyond every calendar cannot be shown; but "never" is often
written as a moment far away (9999-12-31), and counts as ``LAST``.
"""

from __future__ import annotations

import math
import sys
from typing import Any

LAST = 250_000_000_000.0  # seconds since 1970: in the year 9892, near the end of `datetime`


def number(value: Any, most: float = LAST) -> float | None:
    """``value``, or the number a string spells, if it is from 0 to ``most``."""
    if isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if 0 <= found <= most else None


def clipped(value: Any) -> float | None:
    """As ``number``, but one beyond ``LAST`` becomes ``LAST``."""
    found = number(value, sys.float_info.max)
    return None if found is None else min(found, LAST)


def retry_after(value: str | None) -> float | None:
    """The seconds of a ``Retry-After``, which is a number or a date (RFC 9110 10.2.3)."""
    if value is None:
        return None
    if (seconds := number(value)) is not None:
        value = f"{math.ceil(seconds)}"  # some have a fraction
    from urllib3.exceptions import InvalidHeader
    from urllib3.util import Retry

    try:
        return number(Retry().parse_retry_after(value))
    except (InvalidHeader, ValueError, TypeError, OverflowError):
        return None


def is_number(value: Any) -> bool:
    """Whether ``value`` is a finite number from 0 up, and not a string."""
    return isinstance(value, int | float) and clipped(value) is not None
