"""What an API's response says of the token that it got."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_auth.kernel.http.rate_limits import ResponseParts

MOST = 4096  # characters of a header, or bytes of a body, that are read
BEARER = ("bearer", "oauth", "")
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 (RFC 9110 5.6.2)
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_PARTS = re.compile(
    rf"(?:^|,)[ \t]*({_TOKEN})(?=[ \t]+[^ \t=]|[ \t]*(?:,|$))"  # a scheme begins a challenge
    rf'|(?<![^\s,])({_TOKEN})[ \t]*=[ \t]*(?:{_QUOTED}|([^\s,"]+))'
    rf"|{_QUOTED}"  # a stray one, whose commas are none of ours
)


def challenges(header: str) -> list[tuple[str, dict[str, str]]]:
    """The challenges of a ``WWW-Authenticate`` header (RFC 9110 11.6.1), or of several in one.

    Returns:
        The scheme and the parameters of each, names in lower case. A ``token68`` is left out. Some
        APIs forget the scheme: it is "" then.
    """
    found: list[tuple[str, dict[str, str]]] = []
    for scheme, name, quoted, plain, _ in _PARTS.findall(header[:MOST]):
        if scheme:
            found.append((scheme.lower(), {}))
        elif name:
            found = found or [("", {})]
            value = re.sub(r"\\(.)", r"\1", quoted) or plain.strip("'")
            found[-1][1].setdefault(name.lower(), value)
    return found


def bearer_refusal(response: ResponseParts) -> Mapping[str, str]:
    """The parameters of the challenge with an ``error`` in a 4xx (RFC 6750 3); else none.

    Its scheme is Bearer, or what APIs write in its place: OAuth, of the drafts, or none.
    """
    header = response.headers.get("WWW-Authenticate", "")
    if not header or not 400 <= response.status_code < 500:  # noqa: PLR2004
        return {}
    said = (given for scheme, given in challenges(header) if scheme in BEARER)
    return next((given for given in said if "error" in given), {})


def status_in(body: bytes) -> int | None:
    """The status that an API puts into the body of a 200: ``{"error": {"code": 498}}``."""
    if len(body) > MOST or b'"error"' not in body or not body.lstrip().startswith(b"{"):
        return None
    try:
        code = json.loads(body)["error"]["code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return code if isinstance(code, int) else None
