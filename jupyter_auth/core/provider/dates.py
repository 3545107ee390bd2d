"""Expiry dates, and dates in a given format without the locale that ``strptime`` depends on."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import sys
from typing import Any

from jupyter_auth.core.common import times

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
HALF_DAY = 12  # hours
LEAP_SECOND = 60
MILLISECONDS = "milliseconds"  # in place of a format
HTTP_DATE = "%a, %d %b %Y %H:%M:%S %Z"  # RFC 9110 5.6.7
MAX_LIFETIME = 10 * 365 * 86400.0  # seconds; what is more is a moment, or nothing
FIRST_MOMENT = 1e9  # seconds since 1970: in 2001
MOST_SECONDS = 1e12  # a moment that is more is in milliseconds

# Directives of strptime, in English. ``%Z`` is UTC only: other zones cannot be guessed.
DIRECTIVES = {
    "a": r"(?:mon|tue|wed|thu|fri|sat|sun)",
    "b": rf"(?P<b>{'|'.join(MONTHS)})",
    "m": r"(?P<m>[0-9]{1,2})",
    "d": r"(?P<d>[0-9]{1,2})",
    "Y": r"(?P<Y>[0-9]{4})",
    "H": r"(?P<H>[0-9]{1,2})",
    "I": r"(?P<I>[0-9]{1,2})",
    "M": r"(?P<M>[0-9]{2})",
    "S": r"(?P<S>[0-9]{2})",
    "p": r"(?P<p>am|pm)",
    "Z": r"(?:gmt|utc|z)",
    "%": "%",
}


def _pattern(form: str) -> re.Pattern[str]:
    """Raises ValueError for an unknown directive, and ``re.error`` for one that is repeated."""
    words = re.split(r"%(.)", form)
    if unknown := set(words[1::2]) - DIRECTIVES.keys():
        raise ValueError(f"unknown directive %{min(unknown)}")
    words[1::2] = [DIRECTIVES[word] for word in words[1::2]]
    words[::2] = map(re.escape, words[::2])
    return re.compile("".join(words), re.IGNORECASE | re.ASCII)


def is_format(form: str) -> bool:
    """Whether it has year, month and day of the month, and known directives only; or is
    ``MILLISECONDS``.
    """
    if form == MILLISECONDS:
        return True
    try:
        named = _pattern(form).groupindex.keys()
    except (ValueError, re.error):
        return False
    return {"Y", "d"} <= named and bool(named & {"b", "m"})


def expiry(value: Any, form: str | None = None) -> float | None:
    """When something expires, however it is said: in seconds from now if it is at most
    ``MAX_LIFETIME``, else in seconds since 1970. None if ``value`` does not say.

    It is a number, or a string with one, with a date as ``form`` says, or with one of ISO 8601 or
    of RFC 9110 5.6.7, as in HTTP headers.
    """
    if isinstance(value, str) and form and form != MILLISECONDS:
        with contextlib.suppress(ValueError, OverflowError):
            return timestamp(value, form)
    found = times.number(value, sys.float_info.max)
    if found is None and isinstance(value, str):
        with contextlib.suppress(ValueError, OverflowError):
            found = _moment(value.strip())
    if not found:
        return None
    if form == MILLISECONDS or found > MOST_SECONDS:
        found /= 1000
    known = 0 < found <= MAX_LIFETIME or found >= FIRST_MOMENT
    return min(found, times.LAST) if known else None


def _moment(text: str) -> float:
    try:
        date = dt.datetime.fromisoformat(text)
    except ValueError:
        return timestamp(text, HTTP_DATE)
    return (date if date.tzinfo else date.replace(tzinfo=dt.UTC)).timestamp()


def timestamp(text: str, form: str) -> float:
    """Seconds since 1970 of a moment in UTC that is written as ``form`` says.

    Raises:
        ValueError: it is not.
    """
    found = _pattern(form).fullmatch(text.strip())
    if found is None:
        raise ValueError(f"not a date like {form}")
    part = found.groupdict()
    month = MONTHS.index(part["b"].lower()) + 1 if part.get("b") else int(part["m"])
    hour = int(part.get("H") or part.get("I") or 0)
    if part.get("p"):
        if not 1 <= hour <= HALF_DAY:
            raise ValueError("not an hour of half a day")
        hour = hour % HALF_DAY + (HALF_DAY if part["p"].lower() == "pm" else 0)
    day = dt.datetime(int(part["Y"]), month, int(part["d"]), tzinfo=dt.UTC)
    minute, second = int(part.get("M") or 0), int(part.get("S") or 0)
    leap = second == LEAP_SECOND
    return day.replace(hour=hour, minute=minute, second=second - leap).timestamp() + leap
