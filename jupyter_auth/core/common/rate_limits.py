"""How an API limits calls, as its responses say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jupyter_auth.core.common import times
from jupyter_auth.core.record import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EPOCH = 1_000_000_000  # a reset beyond this is a moment, not a number of seconds
# An item of a structured field (RFC 9651): `limit=10`, or `"default";r=50;t=30`.
PARAMETER = r"([a-z][a-z0-9_-]*)=([0-9]{1,18})\b"
PREFIXES = ("x-ratelimit-", "ratelimit-")
NUMBERS = ("limit", "remaining", "reset")


@record(frozen=True, kw_only=True)
class Quota:
    """What an API last said of its limit. ``reset_at`` is in seconds since 1970, UTC."""

    limit: int | None = None
    remaining: int | None = None
    reset_at: float | None = None


@record(frozen=True, kw_only=True)
class Limits:
    """What all kernels saw of the limits of one token.

    ``calls`` in the configured window; no call is sent before ``throttled_until``; ``notebooks``
    are those that used it lately, the last one first.
    """

    provider: str
    session_key: str
    client_id: str | None = None
    calls: int = 0
    quota: Quota | None = None
    throttled_until: float | None = None
    notebooks: tuple[str, ...] = ()


def quota_of(headers: Mapping[str, str], now: float) -> Quota | None:
    """The quota in the headers of a response: ``RateLimit`` as of the IETF's drafts, old and new,
    ``RateLimit-Limit`` and its like, or ``X-RateLimit-*``.
    """
    if "ratelimit" not in "\n".join(headers).lower():  # most have none: the cheapest check
        return None
    if combined := headers.get("ratelimit"):
        return _combined(combined, headers.get("ratelimit-policy", ""), now)
    for prefix in PREFIXES:
        if f"{prefix}remaining" in headers or f"{prefix}limit" in headers:
            return _quota((headers.get(prefix + name) for name in NUMBERS), now)
    return None


def _combined(value: str, policies: str, now: float) -> Quota | None:
    """``limit=100, remaining=50, reset=5`` (draft 7 and before), or ``"default";r=50;t=5`` with
    ``RateLimit-Policy: "default";q=100;w=60`` (draft 8 and later). Of several the tightest counts.
    """
    if "r=" not in value:
        given = dict(re.findall(PARAMETER, value.lower()))
        return _quota(map(given.get, NUMBERS), now)
    limits = {name: item.get("q") for name, item in _items(policies)}
    found = [
        _quota((limits.get(name), item.get("r"), item.get("t")), now)
        for name, item in _items(value)
    ]
    known = [each for each in found if each and each.remaining is not None]
    return min(known, key=lambda each: each.remaining or 0, default=None)


def _items(value: str) -> list[tuple[str, dict[str, str]]]:
    return [
        (item.partition(";")[0].strip(), dict(re.findall(PARAMETER, item)))
        for item in value.split(",")
    ]


def _quota(values: Iterable[str | None], now: float) -> Quota | None:
    """The quota with these ``NUMBERS``."""
    limit, remaining, reset = map(_number, values)
    if limit is None and remaining is None:
        return None
    at = None if reset is None else times.clipped(reset if reset > EPOCH else now + reset)
    return Quota(limit=limit, remaining=remaining, reset_at=at)


def _number(value: str | None) -> int | None:
    """The number that a header begins with, up to a comma or a semicolon."""
    found = re.match(r"\s*([0-9]{1,18})(?:\.[0-9]+)?\s*(?:[,;]|$)", value or "")
    return int(found[1]) if found else None
