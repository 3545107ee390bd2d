"""Claims as providers write them (OpenID Connect Core 2 and 5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_SUBJECT = 255  # characters


def present(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Those that say something: a JSON null is an absent claim (OIDC Core 5.3.2)."""
    return {name: value for name, value in claims.items() if value is not None}


def text(value: Any) -> str | None:
    """A claim that is a string; some providers number people, and write the number as one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:d}"
    return value if isinstance(value, str) else None


def subject(claims: Mapping[str, Any]) -> str | None:
    """The claim ``sub``, if it is one: up to 255 characters (OIDC Core 2) that can be shown."""
    said = text(claims.get("sub"))
    return said if said and said.isprintable() and len(said) <= MAX_SUBJECT else None


def at(claims: Any, name: str) -> Any:
    """The claim of that name, or at that path, as in ``user.login``; None if there is none."""
    if isinstance(claims, Mapping) and name in claims:
        return claims[name]  # a name may have dots of its own: https://acme.example/login
    for part in name.split("."):
        claims = claims.get(part) if isinstance(claims, Mapping) else None
    return claims
