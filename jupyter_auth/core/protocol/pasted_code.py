"""What a person pastes where no callback is possible, read as untrusted text."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import parse_qs, parse_qsl, urlsplit

from jupyter_auth.core.common.urls import at_port, page_of, takes_any_port
from jupyter_auth.core.errors import LoginFailed
from jupyter_auth.core.protocol.oauth_response import refusal
from jupyter_auth.core.secret import Secret

MAX_TEXT = 1 << 15  # characters
CODE = re.compile(r"[!-~]{1,8192}")  # RFC 6749 A.11, without blanks


@dataclass(frozen=True, kw_only=True)
class PastedCode:
    """An authorization code, and the token endpoint that came with it, if one did."""

    code: Secret
    endpoint: str | None = None


def parse(text: str) -> PastedCode:
    """A JSON object with ``endpoint`` and ``code``, a redirect URL, or a code.

    Raises:
        LoginFailed: it is none of these, or an error; the text is not repeated.
    """
    text = text.strip()
    if not text:
        raise LoginFailed("Nothing was pasted.", hint="Copy what the provider's page shows.")
    if len(text) > MAX_TEXT:
        _not_that()
    if text.startswith("{"):
        return _json(text)
    if "://" in text:
        return _url(text)
    return PastedCode(code=_code(text))


def redirected(address: str, redirect_uri: str) -> dict[str, str]:
    """The parameters of an authorization response (RFC 6749 4.1.2) in the ``address`` that a
    browser ended on, as it could not load it. The state says which login it is for; some
    providers leave it out of an error, and some put all into the fragment.

    Raises:
        LoginFailed: it is not at ``redirect_uri`` (mix-up, RFC 9700 4.4.2.2), or incomplete.
    """
    address = address.strip()
    try:
        whole = "://" in address.partition("?")[0]
        parts = urlsplit(address if whole else f"{urlsplit(redirect_uri).scheme}://{address}")
        pairs = parse_qsl(parts.query or parts.fragment) if len(address) <= MAX_TEXT else []
        if takes_any_port(redirect_uri) and parts.port:
            redirect_uri = at_port(redirect_uri, parts.port)
        matches = page_of(parts.geturl()) == page_of(redirect_uri)
    except ValueError:
        pairs, matches = [], False
    params = dict(pairs)
    if not matches or not {"state", "error"} & params.keys() or len(params) < len(pairs):
        raise LoginFailed(
            "This is not the address of the page that the sign-in ended on.",
            hint=f"Copy the whole of it from the browser: it begins with {redirect_uri} and"
            " contains `state=`.",
        )
    return params


def _json(text: str) -> PastedCode:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        _not_that()
    endpoint = data.get("endpoint")
    if endpoint is not None and not isinstance(endpoint, str):
        _not_that()
    return PastedCode(code=_code(data.get("code")), endpoint=endpoint)


def _url(text: str) -> PastedCode:
    try:
        parts = urlsplit(text)
        found = parse_qs(parts.query) or parse_qs(parts.fragment)
    except ValueError:
        _not_that()
    if "error" in found:
        raise LoginFailed(
            f"The provider refused ({refusal({k: v[0] for k, v in found.items()})}).",
            hint="Sign in there again.",
        )
    codes = found.get("code", [])
    return PastedCode(code=_code(codes[0] if len(codes) == 1 else None))


def _code(value: Any) -> Secret:
    if not isinstance(value, str) or not CODE.fullmatch(value) or value[0] in "{[\"'<":
        _not_that()
    return Secret(value)


def _not_that() -> NoReturn:
    raise LoginFailed(
        "This is not an authorization code, a redirect URL, or the text the provider shows.",
        hint="Copy the whole text that the provider's page shows, and nothing else.",
    )
