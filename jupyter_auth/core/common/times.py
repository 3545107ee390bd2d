"""Numbers from outside that are to be times: of providers, APIs, files and other processes.

NaN and Infinity are none: they compare in ways that nobody means. What no calendar has cannot be
shown; but "never" is often written as a moment far away (9999-12-31), and is as good as ``LAST``.
"""

from __future__ import annotations

import sys
from typing import Any

LAST = 250_000_000_000.0  # seconds since 1970: in the year 9892, near the end of `datetime`


def number(value: Any, most: float = LAST) -> float | None:
    """``value`` as a number from 0 to ``most``; a text may be one. None: it is not."""
    if isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if 0 <= found <= most else None


def clipped(value: Any) -> float | None:
    """The same for a moment, however far away: the lesser of it and ``LAST``."""
    found = number(value, sys.float_info.max)
    return None if found is None else min(found, LAST)


def is_number(value: Any) -> bool:
    """Whether it is a finite number from 0 up already, and no text."""
    return isinstance(value, int | float) and clipped(value) is not None
