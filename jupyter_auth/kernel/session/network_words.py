"""What an API says in a response, and a token of itself, as it may be shown: short, no secrets."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.protocol.oauth_response import without
from jupyter_auth.core.secret import Secret
from jupyter_auth.kernel.http.refusals import bearer_refusal
from jupyter_auth.kernel.http.requests_auth import sent_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

MOST = 65536  # bytes of a body that are read
SHOWN = 300  # characters of one text
SHORT = 8  # characters that are no secret
CARRIERS = ("Authorization", "Proxy-Authorization", "Cookie")
# By which APIs say what went wrong: RFC 6749 5.2, RFC 9457, and many of their own.
FIELDS = (
    "code",
    "error",
    "error_code",
    "title",
    "error_description",
    "message",
    "detail",
    "errors",
)
_JWT = re.compile(r"eyJ[\w-]{6,}(\.[\w-]*)*")
_DEEP = 4  # objects within each other


class NetworkWords:
    """What was said in a response, without the secrets of the requests before it."""

    def __init__(self, response: requests.Response) -> None:
        self._response = response
        hops = [*response.history, response]
        self._hidden = [Secret(x) for each in hops for x in _secrets(each) if len(x) >= SHORT]
        self._hidden.sort(key=lambda each: -len(each.reveal()))  # the whole before its parts

    def clean(self, text: str) -> str:
        """One line of ``text`` without secrets, nor quotes that end code."""
        text = _JWT.sub("…", without(self._hidden, text))
        return plain_text(text.replace("`", "'"), SHOWN)

    def said(self) -> str:
        """The error in ``WWW-Authenticate`` and in the body, in a line; "" if there is none."""
        given = bearer_refusal(self._response)
        found = [given.get("error", ""), given.get("error_description", "")]
        found += self._in_body()
        return ": ".join(dict.fromkeys(filter(None, map(self.clean, found))))[: 3 * SHOWN]

    def _in_body(self) -> list[str]:
        response = self._response
        body = response._content  # noqa: SLF001 (False if it is streamed: it is not ours to read)
        if response.ok or not isinstance(body, bytes) or len(body) > MOST:
            return []
        try:
            return list(_errors(json.loads(body), _DEEP))
        except (ValueError, RecursionError):
            kind = response.headers.get("Content-Type", "")
            return [body.decode(errors="replace")] if kind.startswith("text/plain") else []


def _errors(value: Any, deep: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict) and deep:
        for name in FIELDS:
            yield from _errors(value.get(name), deep - 1)
    elif isinstance(value, list) and deep:
        for each in value[:3]:
            yield from _errors(each, deep - 1)


def _secrets(response: requests.Response) -> Iterator[str]:
    request = response.request
    if sent := sent_for(response):
        token = sent.token
        yield token.access_token.reveal()
        if token.kind == "api_key":
            yield from token.key_parts.values()
        for headers in (token.headers, *token.headers_at.values()):
            yield from (each.reveal() for each in headers.values())
    for name in CARRIERS:
        found: Any = request.headers.get(name) or ""
        value = found.decode(errors="replace") if isinstance(found, bytes) else found
        yield value
        yield from re.split(r"[\s;=]+", value)
    parts = urlsplit(response.url or "")
    yield from (value for _, value in parse_qsl(parts.query))
    yield parts.password or ""


def claims_of(token: Secret) -> dict[str, str]:
    """Of a JWT: issuer, audience, scopes and expiry, as it says itself, without verifying it."""
    try:
        payload = token.reveal().split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, RecursionError):
        return {}
    if not isinstance(claims, dict):
        return {}
    found = {}
    for name in ("iss", "aud", "scope", "scp"):
        value = claims.get(name)
        several = value if isinstance(value, list) else [value]
        text = " ".join(each for each in several if isinstance(each, str))
        if shown := plain_text(without([token], text), SHOWN):
            found[name] = shown
    ends = claims.get("exp")
    if isinstance(ends, (int, float)) and not isinstance(ends, bool):
        found["exp"] = str(ends)
    return found
