"""How an API limits calls: what its answers say (plain values)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_auth.core.common import times

if TYPE_CHECKING:
    from collections.abc import Mapping

EPOCH = 1_000_000_000  # a reset beyond this is a moment, not a number of seconds
# An item of a structured field (RFC 9651): `limit=10`, or `"default";r=50;t=30`.
PARAMETER = re.compile(r"([a-z][a-z0-9_-]*)=([0-9]{1,18})\b")
PREFIXES = ("x-ratelimit-", "ratelimit-")


@dataclass(frozen=True, kw_only=True)
class Quota:
    """What an API last said of its limit. ``reset_at`` is in seconds since 1970, UTC."""

    limit: int | None = None
    remaining: int | None = None
    reset_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What all kernels saw of the limits of one token.

    ``calls`` in the window that is configured; ``throttled_until``: no call is sent before;
    ``notebooks``: which used it lately, the last one first.
    """

    provider: str
    session_key: str
    client_id: str | None = None
    calls: int = 0
    quota: Quota | None = None
    throttled_until: float | None = None
    notebooks: tuple[str, ...] = ()


def quota_of(headers: Mapping[str, str], now: float) -> Quota | None:
    """What the headers of an answer say: ``RateLimit`` as of the IETF's drafts, old and new,
    ``RateLimit-Limit`` and its like, or ``X-RateLimit-*``. None: nothing that can be read.
    """
    if "ratelimit" not in "\n".join(headers).lower():  # most have none: the cheapest way to see it
        return None
    if combined := headers.get("ratelimit"):
        return _combined(combined, headers.get("ratelimit-policy", ""), now)
    for prefix in PREFIXES:
        if f"{prefix}remaining" in headers or f"{prefix}limit" in headers:
            limit, remaining, reset = (
                _number(headers.get(prefix + name)) for name in ("limit", "remaining", "reset")
            )
            return _quota(limit, remaining, reset, now)
    return None


def _combined(value: str, policies: str, now: float) -> Quota | None:
    """``limit=100, remaining=50, reset=5`` (draft 7 and before), or ``"default";r=50;t=5`` with
    ``RateLimit-Policy: "default";q=100;w=60`` (draft 8 and later). Of several the tightest counts.
    """
    if "r=" not in value:
        said = dict(PARAMETER.findall(value.lower()))
        limit, remaining, reset = (_number(said.get(n)) for n in ("limit", "remaining", "reset"))
        return _quota(limit, remaining, reset, now)
    limits = {name: _number(item.get("q")) for name, item in _items(policies)}
    found = [
        _quota(limits.get(name), _number(item.get("r")), _number(item.get("t")), now)
        for name, item in _items(value)
    ]
    known = [each for each in found if each and each.remaining is not None]
    return min(known, key=lambda each: each.remaining or 0, default=None)


def _items(value: str) -> list[tuple[str, dict[str, str]]]:
    return [
        (item.partition(";")[0].strip(), dict(PARAMETER.findall(item))) for item in value.split(",")
    ]


def _quota(limit: int | None, remaining: int | None, reset: int | None, now: float) -> Quota | None:
    if limit is None and remaining is None:
        return None
    at = None if reset is None else times.clipped(reset if reset > EPOCH else now + reset)
    return Quota(limit=limit, remaining=remaining, reset_at=at)


def _number(value: str | None) -> int | None:
    """The number that a header begins with; some add more after a comma or a semicolon."""
    found = re.match(r"\s*([0-9]{1,18})(?:\.[0-9]+)?\s*(?:[,;]|$)", value or "")
    return int(found[1]) if found else None
