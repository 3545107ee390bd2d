"""Numbers from outside that are to be times: of providers, APIs, files and other processes.

NaN, Infinity and what no calendar has are none: they compare in ways that nobody means, and cannot
be shown.
"""

from __future__ import annotations

from typing import Any

LAST = 250_000_000_000.0  # seconds since 1970: in the year 9892, about where `datetime` ends


def number(value: Any, most: float = LAST) -> float | None:
    """``value`` as a number from 0 to ``most``; a text may be one. None: it is not."""
    if isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if 0 <= found <= most else None


def is_number(value: Any) -> bool:
    """Whether it is such a number already, and no text."""
    return isinstance(value, int | float) and number(value) is not None
