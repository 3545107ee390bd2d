"""Who signed in: from the ID token, userinfo, or an API's "me"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.errors import AuthError, ProviderError
from jupyter_auth.core.protocol import oauth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_auth.core.protocol.discovery import Discovery
    from jupyter_auth.core.protocol.http import Json
    from jupyter_auth.core.protocol.oauth_response import TokenResponse
    from jupyter_auth.core.protocol.parties import Party

MAX_NAME = 200  # characters of a user name or an e-mail address
CLAIMS = ("preferred_username", "email", "name")


class _OtherPersonError(ProviderError):
    """Userinfo about another person, which ends a sign-in; a missing response does not."""


@dataclass(frozen=True)
class Identity:
    """``subject`` is the provider's own id of the person, ``username`` what people read.

    ``vouched``: the administrator chose the claim of the user name, so it identifies the person;
    most providers let people choose other names. ``email`` is verified (OIDC Core 5.1).
    """

    subject: str | None
    username: str | None
    vouched: bool
    email: str | None
    claims: Mapping[str, Any]


def of(party: Party, tokens: TokenResponse, claims: Mapping[str, Any]) -> Identity:
    """Who these tokens are for, by the ``claims`` of their ID token, and by userinfo.

    If userinfo cannot be read, there is no user name: that is no reason to fail a login.

    Raises:
        ProviderError: userinfo is about another person.
    """
    known = claims.get("sub")
    url = party.provider.username_url
    if not _username(party, claims) and not url and "sub" in claims:
        url = party.endpoints.userinfo_endpoint
    if url:
        try:
            claims = {**claims, **_userinfo(party, url, tokens, known)}
        except AuthError as error:
            if isinstance(error, _OtherPersonError):
                raise
    email = claims.get("email") if claims.get("email_verified") is True else None
    return Identity(
        subject=known,
        username=_username(party, claims),
        vouched=party.provider.vouches,
        email=plain_text(email, MAX_NAME) if isinstance(email, str) else None,
        claims=claims,
    )


def claim(party: Party, tokens: TokenResponse, who: Identity, name: str) -> Any:
    """The claim of that name, from userinfo if need be. Raises as ``oauth.userinfo``."""
    url = party.endpoints.userinfo_endpoint
    if name in who.claims or not url:
        return who.claims.get(name)
    return _userinfo(party, url, tokens, who.subject).get(name)


def verified_claims(
    party: Party,
    tokens: TokenResponse,
    discovery: Discovery,
    *,
    now: float,
    nonce: str | None = None,
) -> dict[str, Any]:
    """The verified claims of the ID token, if the provider returned one.

    Raises:
        ProviderError: the ID token is invalid.
    """
    endpoints = party.endpoints
    if tokens.id_token is None or endpoints.issuer is None:
        return {}
    from jupyter_auth.core.protocol import id_token

    expected = id_token.Expected(
        issuer=endpoints.issuer,
        client_id=party.client_id,
        access_token=tokens.access_token,
        algorithms=endpoints.id_token_signing_alg_values_supported,
        nonce=nonce,
    )
    rules = party.provider.request_rules
    return id_token.verify(
        tokens.id_token, expected, lambda new: discovery.keys(endpoints, rules, fresh=new), now
    )


def _userinfo(party: Party, url: str, tokens: TokenResponse, subject: str | None) -> Json:
    claims = oauth.userinfo(url, tokens.access_token, party.provider.request_rules)
    if subject is not None and claims.get("sub", subject) != subject:  # OIDC Core 5.3.2
        raise _OtherPersonError(
            "The provider's userinfo is about another person.", hint="Sign in again."
        )
    return claims


def _username(party: Party, claims: Mapping[str, Any]) -> str | None:
    wanted = party.provider.username_claim
    for name in (wanted,) if wanted else CLAIMS:
        value = claims.get(name)
        if isinstance(value, str) and (shown := plain_text(value, MAX_NAME)):
            return shown
    return None
