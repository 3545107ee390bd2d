"""What an API's response says of the token that it got, and demands of the sign-in."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

from jupyter_auth.core.common.urls import host_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_auth.core.models import Challenge
    from jupyter_auth.kernel.http.rate_limits import ResponseParts

BEARER = ("bearer", "oauth", "")
# Errors of a token that works, but not for this request: a new one alone would not change that.
DEMANDS = frozenset(
    {
        "insufficient_scope",  # RFC 6750 3.1
        "insufficient_user_authentication",  # RFC 9470 3
        "insufficient_claims",  # Microsoft's claims challenge
    }
)
MOST_WORDS = 20  # scopes that an API may ask a person for at once
SECONDS = "[0-9]{1,10}"
MOST = 4096  # bytes of a body that are read


def bearer_refusal(response: ResponseParts) -> Mapping[str, str]:
    """The parameters of the challenge with an ``error`` in a 4xx (RFC 6750 3); else none.

    Its scheme is Bearer, or what APIs write in its place: OAuth, of the drafts, or none.
    """
    header = response.headers.get("WWW-Authenticate", "")
    if not header or not 400 <= response.status_code < 500:  # noqa: PLR2004
        return {}
    from jupyter_auth.core.registration.challenges import challenges  # needed for refusals alone

    said = (given for scheme, given in challenges(header) if scheme in BEARER)
    return next((given for given in said if "error" in given), {})


def demand_of(response: ResponseParts, url: str) -> Challenge | None:
    """What the API at ``url`` demands of the sign-in, before it does what was asked; else None.

    It is empty (``NO_CHALLENGE``) if the API does not name what it wants, breaks the rules, or
    wants more than a person can be asked for.
    """
    said = bearer_refusal(response)
    if said.get("error") not in DEMANDS:
        return None
    from jupyter_auth.core.models import NO_CHALLENGE, Challenge

    max_age = said.get("max_age", "")
    found = Challenge(
        scopes=_words(said.get("scope", "")),
        acr_values=" ".join(_words(said.get("acr_values", ""))),
        max_age=max_age if re.fullmatch(SECONDS, max_age) else "",
        claims=_claims(said.get("claims", "")),
    )
    if found == NO_CHALLENGE:
        return found
    return Challenge(**vars(found) | {"api": host_of(url)})


def _words(text: str) -> tuple[str, ...]:
    """The words, each once; none if there are too many, or one is malformed."""
    from jupyter_auth.core.registration.challenges import SCOPE  # needed for refusals alone

    found = tuple(dict.fromkeys(text.split(" "))) if text else ()
    usable = len(found) <= MOST_WORDS and all(re.fullmatch(SCOPE, each) for each in found)
    return found if usable else ()


def _claims(text: str) -> str:
    """The JSON object in a text in base64, of either alphabet and with or without padding."""
    try:
        data = text.translate(str.maketrans("-_", "+/")).rstrip("=")
        found = json.loads(base64.b64decode(f"{data}{'=' * (-len(data) % 4)}", validate=True))
    except (ValueError, RecursionError):
        return ""
    written = json.dumps(found) if isinstance(found, dict) and found else ""
    return written if len(written) <= MOST else ""  # in ASCII it may be thrice as long


def status_in(body: bytes) -> int | None:
    """The status that an API puts into the body of a 200: ``{"error": {"code": 498}}``."""
    if len(body) > MOST or b'"error"' not in body or not body.lstrip().startswith(b"{"):
        return None
    try:
        code = json.loads(body)["error"]["code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return code if isinstance(code, int) else None
