"""A static API key: as an account, and as request headers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jupyter_auth.core.common.urls import origin_of
from jupyter_auth.core.errors import LoginFailed
from jupyter_auth.core.models import ApiKeyAccount, Token
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
) -> ApiKeyAccount:
    """The account for an API key.

    Raises:
        LoginFailed: the key cannot be sent in a header (RFC 9110 5.5).
    """
    stripped = {name: Secret(value.reveal().strip()) for name, value in parts.items()}
    for name, value in stripped.items():
        if not _VISIBLE.fullmatch(value.reveal()):
            label = provider.api_key.parts.get(name, name) if provider.api_key else name
            raise LoginFailed(
                f"{label!r} contains characters that cannot be sent in a header."
                " Nothing was saved.",
                hint="A key has only plain letters, digits and signs. Copy it again.",
            )
    return ApiKeyAccount(
        provider=key.provider,
        session_key=key.session_key,
        fingerprint=provider.fingerprint,
        parts=stripped,
        issued_at=now,
        signed_in_at=now,
        username=username,
        vouched=username is not None,  # not checked: a key does not say whose it is
    )


def as_token(account: ApiKeyAccount, provider: Provider) -> Token:
    """The token with the key's headers for each origin."""
    templates = provider.api_key.headers if provider.api_key else {}
    filled = {
        "*" if origin == "*" else origin_of(origin): {
            name: Secret(_fill(value, account.parts)) for name, value in headers.items()
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


def _fill(template: str, parts: Mapping[str, Secret]) -> str:
    def part(found: re.Match[str]) -> str:
        whole = parts[found[1]].reveal() if found[1] in parts else ""
        return whole.partition(":")[0] if found[2] else whole

    return _PART.sub(part, template)
