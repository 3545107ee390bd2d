"""What a person may paste where no callback leads back to us, read with mistrust."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import parse_qs, urlsplit

from jupyter_auth.core.errors import LoginFailed
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.token_endpoint import refusal

MAX_TEXT = 1 << 15  # characters
CODE = re.compile(r"[!-~]{1,8192}")  # RFC 6749 A.11, and no blank: nothing else is a code


@dataclass(frozen=True, kw_only=True)
class Pasted:
    """An authorization code, and the token endpoint that came with it, if one did."""

    code: Secret
    endpoint: str | None = None


def parse(text: str) -> Pasted:
    """A JSON package of ``endpoint`` and ``code``, a whole address, or a code alone.

    LoginFailed: it is none of these, or says that the provider refused. No text is repeated.
    """
    text = text.strip()
    if not text:
        raise LoginFailed("Nothing was pasted.", hint="Copy what the provider's page shows.")
    if len(text) > MAX_TEXT:
        _not_that()
    if text.startswith("{"):
        return _package(text)
    if "://" in text:
        return _address(text)
    return Pasted(code=_code(text))


def _package(text: str) -> Pasted:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        _not_that()
    endpoint = said.get("endpoint")
    if endpoint is not None and not isinstance(endpoint, str):
        _not_that()
    return Pasted(code=_code(said.get("code")), endpoint=endpoint)


def _address(text: str) -> Pasted:
    try:
        parts = urlsplit(text)
        found = parse_qs(parts.query) or parse_qs(parts.fragment)
    except ValueError:
        _not_that()
    if "error" in found:
        raise LoginFailed(
            f"The provider refused ({refusal({k: v[0] for k, v in found.items()})}).",
            hint="Start again there.",
        )
    codes = found.get("code", [])
    return Pasted(code=_code(codes[0] if len(codes) == 1 else None))


def _code(value: Any) -> Secret:
    if not isinstance(value, str) or not CODE.fullmatch(value) or value[0] in "{[\"'<":
        _not_that()
    return Secret(value)


def _not_that() -> NoReturn:
    raise LoginFailed(
        "That is no code, no address with a code, and no package of endpoint and code.",
        hint="Copy the whole text that the provider's page shows, and nothing else.",
    )
