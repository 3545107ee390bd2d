"""What an API's response says of the token that it got."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jupyter_auth.core.registration.challenges import MOST, challenges

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_auth.kernel.http.rate_limits import ResponseParts

BEARER = ("bearer", "oauth", "")


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
