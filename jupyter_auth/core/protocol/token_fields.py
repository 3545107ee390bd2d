"""What else a provider says with its tokens: the API's address, a tenant, the person's own id.

Kernels read it (``session.token_fields``), so nothing that may be a secret is in it (SECURITY 11).
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.protocol.dialect import ABSENT, EXPIRY, letters
from jupyter_auth.core.protocol.oauth_response import spellings
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jupyter_auth.core.protocol.http import Json

MOST = 8192  # characters of all fields, as JSON
LARGEST = 1 << 16  # characters of a response: what is larger would take long to look through
DEEPEST = 4  # levels of tables in tables
# What is kept otherwise, or is about the response itself (RFC 6749 4.1.2 and 5.1, RFC 9207, OIDC).
KNOWN = {*EXPIRY, "scope", "scopes", "state", "iss", "session_state", "error", "error_description"}
# Letters of names of secrets: their strings and tables are left out.
SECRET = re.compile(
    "token|refresh|secret|passw|passphrase|private|credential|authorization|assertion|session"
    "|webhook|jwt|cookie|key$|^code$"
)
TYPES = ("tokentype", "issuedtokentype")  # no secrets
SHORT = 8  # characters; what is less may be in any text
JWT = "eyJ"  # how one begins; two dots follow


def of_response(params: Json, secrets: Iterable[Secret | None]) -> Json:
    """The further fields of a token response or an authorization response (RFC 6749 4.1.2, 5.1).

    Left out is what has a secret's name, contains one of the ``secrets`` or of the response's own,
    or is a JWT; and what is more than ``MOST``. There are none in a response over ``LARGEST``.
    """
    if len(json.dumps(params)) > LARGEST:
        return {}
    hidden = [*filter(None, secrets), *map(Secret, _secrets(params, DEEPEST))]
    long = {form for each in hidden if len(each.reveal()) >= SHORT for form in spellings(each)}
    found: Json = {}
    for name, value in params.items():
        kept = {} if name in KNOWN else _kept({name: value}, long, DEEPEST)
        if len(json.dumps(found | kept)) <= MOST:
            found |= kept
    return found


def _secrets(value: Any, levels: int) -> Iterator[str]:
    """The strings in tables and lists that have a secret's name."""
    if isinstance(value, dict) and levels:
        for name, each in value.items():
            known = letters(name)
            if isinstance(each, str) and SECRET.search(known) and known not in TYPES:
                yield each
        value = [*value.values()]
    for each in value if isinstance(value, list) and levels else ():
        yield from _secrets(each, levels - 1)


def _has_jwt(value: str) -> bool:
    return value.partition(JWT)[2].count(".") > 1


def _kept(value: Any, hidden: set[str], levels: int) -> Any:
    """``value`` without secrets; None if nothing is left of it."""
    if isinstance(value, str):
        secret = _has_jwt(value) or any(each in value for each in hidden)
        return None if secret or value in ABSENT else value
    if isinstance(value, list) and levels:
        kept = [_kept(each, hidden, levels - 1) for each in value]
        return [each for each in kept if each is not None]
    if isinstance(value, dict) and levels:
        named = {
            name: _kept(each, hidden, levels - 1)
            for name, each in value.items()
            if isinstance(each, (int, float)) or not SECRET.search(letters(name))
        }
        return {name: each for name, each in named.items() if each is not None}
    finite = isinstance(value, (int, float)) and abs(value) <= sys.float_info.max
    return value if finite else None
