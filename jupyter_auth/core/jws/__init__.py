"""Signatures of JSON Web Tokens (RFC 7515): by joserfc, or in a browser by its Web Crypto."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Decoded(NamedTuple):
    """A token whose signature is right."""

    header: dict[str, Any]
    claims: dict[str, Any]


class RefusedJwt(ValueError):
    """Why a token is not believed; empty if it cannot be read."""


def public_numbers(key: Mapping[str, Any]) -> dict[str, Any]:
    """What of a published key is used: an odd value elsewhere, as `"use": null`, spoils no key."""
    return {name: key[name] for name in ("kty", "crv", "n", "e", "x", "y") if name in key}
