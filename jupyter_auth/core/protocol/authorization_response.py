"""The authorization response: its issuer, and the code in it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from jupyter_auth.core.errors import START_AGAIN, LoginDenied, LoginFailed
from jupyter_auth.core.protocol import dialect
from jupyter_auth.core.protocol.oauth_response import ScopesRefused, refusal, refuses_scopes
from jupyter_auth.core.protocol.token_endpoint import other_grants
from jupyter_auth.core.provider import demands
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_auth.core.protocol.parties import Party


def at_origin(party: Party, redirect_uri: str) -> Party:
    """The party; an authorization endpoint that is a path is joined to the browser's address."""
    endpoint = party.endpoints.authorization_endpoint or ""
    if not endpoint.startswith("/"):
        return party
    joined = urljoin(redirect_uri, endpoint)
    endpoints = dataclasses.replace(party.endpoints, authorization_endpoint=joined)
    return dataclasses.replace(party, endpoints=endpoints)


def check_issuer(
    party: Party, asked: str | None, params: Mapping[str, str], *, names_itself: bool
) -> None:
    """Check that the response comes from the issuer ``asked`` (RFC 9207 2.4; mix-up, RFC 9700 4.4).

    ``names_itself``: it advertised ``iss`` when the request was made.
    """
    named = params.get("iss")
    advertised = party.endpoints.authorization_response_iss_parameter_supported
    advertised = advertised or names_itself
    if asked is None or (named is None and not advertised):
        return  # nothing to compare; each provider has a callback path of its own
    if named != asked:
        raise LoginFailed(
            "The response came from another issuer than asked.", hint="Nothing was sent to it."
        )


def code(party: Party, params: Mapping[str, str]) -> Secret:
    """The authorization code, or the error in its place (RFC 6749 4.1.2.1)."""
    title = party.provider.title
    if refuses_scopes(params.get("error", ""), params.get("error_description", "")):
        raise ScopesRefused(f"{title} refused ({refusal(params)}).", hint=party.other_scopes)
    match params.get("error"):
        case None:
            if code := params.get("code"):
                return Secret(code)
            raise LoginFailed(f"{title} returned no authorization code.", next_step=START_AGAIN)
        case word if dialect.device_error(word) == "access_denied":
            raise LoginDenied(
                f"{title} did not sign you in ({refusal(params)}).", next_step=START_AGAIN
            )
        case code:
            raise LoginFailed(
                f"{title} refused ({refusal(params)}).",
                hint=demands.hint(party.endpoints, refusal(params)) or _what_to_change(party, code),
            )


def _what_to_change(party: Party, code: str) -> str:
    match code:
        case "unauthorized_client" | "unsupported_response_type":
            return other_grants(party, "authorization_code")
        case "temporarily_unavailable" | "server_error":
            return "Try again shortly."
        case _:
            return (
                f"Compare the registration of client {party.client_id!r} with the configuration:"
                " redirect URI, scopes, and that it may use authorization_code."
            )
