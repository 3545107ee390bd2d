"""A static API key as an account, and as the headers that an API wants."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from jupyter_auth.core.common.urls import origin_of
from jupyter_auth.core.errors import LoginFailed
from jupyter_auth.core.models import Account, Token
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_auth.core.models import AccountKey
    from jupyter_auth.core.provider.provider import Provider

_VISIBLE = re.compile(r"[ -~]+")
_PART = re.compile(r"\{(\w+)(:head)?\}")


def as_account(
    provider: Provider,
    key: AccountKey,
    parts: Mapping[str, Secret],
    *,
    now: float,
    username: str | None = None,
) -> Account:
    """The parts of a key as an account, which ``as_token`` takes apart again.

    LoginFailed: they cannot be part of a header (RFC 9110 5.5).
    """
    plain = {name: value.reveal().strip() for name, value in parts.items()}
    for name, value in plain.items():
        if not _VISIBLE.fullmatch(value):
            label = provider.api_key.parts.get(name, name) if provider.api_key else name
            raise LoginFailed(
                f"What was given as {label!r} is no key: nothing was kept.",
                hint="A key is of plain letters, digits and signs. Copy it once more.",
            )
    return Account(
        provider=key.provider,
        session_key=key.session_key,
        fingerprint=provider.fingerprint,
        access_token=Secret(json.dumps(plain)),
        kind="api_key",
        issued_at=now,
        signed_in_at=now,
        username=username,
        vouched=username is not None,  # taken at its word: a key does not say whose it is
    )


def as_token(account: Account, provider: Provider) -> Token:
    """The key as the provider's APIs want it: for each origin headers of its own."""
    parts: dict[str, str] = json.loads(account.access_token.reveal())
    templates = provider.api_key.headers if provider.api_key else {}
    filled = {
        "*" if origin == "*" else origin_of(origin): {
            name: Secret(_fill(value, parts)) for name, value in headers.items()
        }
        for origin, headers in templates.items()
    }
    return Token(
        access_token=account.access_token,
        headers=filled.pop("*", {}),
        headers_at=filled,
        kind="api_key",
        person=account.person,
        reach=provider.reach,
    )


def _fill(template: str, parts: Mapping[str, str]) -> str:
    def part(found: re.Match[str]) -> str:
        whole = parts.get(found[1], "")
        return whole.partition(":")[0] if found[2] else whole

    return _PART.sub(part, template)
