"""Who signed in: from the ID token, userinfo, or an API's "me"."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.errors import AuthError, ProviderError
from jupyter_auth.core.protocol import claims as claims_of
from jupyter_auth.core.protocol import oauth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyter_auth.core.protocol import id_token
    from jupyter_auth.core.protocol.discovery import Discovery
    from jupyter_auth.core.protocol.http import Json
    from jupyter_auth.core.protocol.oauth_response import TokenResponse
    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.secret import Secret

MAX_NAME = 200  # characters of a user name or an e-mail address
CLAIMS = ("preferred_username", "email", "name")
# Where there is no ID token, an API may have words of its own.
API_CLAIMS = (*CLAIMS, "username", "login", "nickname", "id")


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


def of(
    party: Party, tokens: TokenResponse, claims: Mapping[str, Any], discovery: Discovery
) -> Identity:
    """Who these tokens are for, by the ``claims`` of their ID token, and by userinfo.

    Userinfo alone says it where there is no ID token, as after a device grant without ``openid``.
    If it cannot be read, there is no user name: that is no reason to fail a login. The claim that
    is configured may be in the token response too.

    Raises:
        ProviderError: userinfo is about another person.
    """
    known = claims.get("sub")
    names: tuple[str, ...] = CLAIMS
    url = party.provider.username_url
    if not url and not _username(party, claims, CLAIMS):
        url = party.endpoints.userinfo_endpoint
    if url:
        try:
            claims = {**claims, **_userinfo(party, url, tokens, known, discovery)}
            names = API_CLAIMS
        except AuthError as error:
            if isinstance(error, _OtherPersonError):
                raise
    if known is None and url == party.endpoints.userinfo_endpoint:
        known = claims_of.subject(claims)
    email = claims.get("email") if claims.get("email_verified") is True else None
    return Identity(
        subject=known,
        username=_username(party, claims, names) or _username(party, tokens.fields, ()),
        vouched=party.provider.vouches,
        email=plain_text(email, MAX_NAME) if isinstance(email, str) else None,
        claims=claims,
    )


def claim(
    party: Party, tokens: TokenResponse, discovery: Discovery, who: Identity, name: str
) -> Any:
    """The claim of that name, from userinfo if need be. Raises as ``oauth.userinfo``."""
    said, url = claims_of.at(who.claims, name), party.endpoints.userinfo_endpoint
    if said is not None or not url:
        return said
    return claims_of.at(_userinfo(party, url, tokens, who.subject, discovery), name)


def verified_claims(
    party: Party,
    tokens: TokenResponse,
    discovery: Discovery,
    *,
    now: float,
    nonce: str | None = None,
    max_age: float | None = None,
) -> dict[str, Any]:
    """The verified claims of the ID token, if the provider returned one.

    ``nonce``, ``max_age`` (seconds): as in the authorization request.

    Raises:
        ProviderError: the ID token is invalid.
    """
    if tokens.id_token is None or party.endpoints.issuer is None:
        return {}
    from jupyter_auth.core.protocol import id_token

    expected = dataclasses.replace(_expected(party, tokens, nonce=nonce), max_age=max_age)
    return id_token.verify(tokens.id_token, expected, _keys(party, discovery), now)


def _expected(party: Party, tokens: TokenResponse, nonce: str | None = None) -> id_token.Expected:
    from jupyter_auth.core.protocol import id_token

    assert party.endpoints.issuer  # noqa: S101 (checked by the callers)
    # A secret that comes with a package is no secret, so it proves nothing.
    secret = None if party.provider.credentials_from else party.client.client_secret
    return id_token.Expected(
        issuer=party.endpoints.issuer,
        client_id=party.client_id,
        access_token=tokens.access_token,
        algorithms=party.endpoints.id_token_signing_alg_values_supported,
        secret=secret,
        nonce=nonce,
    )


def _keys(party: Party, discovery: Discovery) -> Callable[[bool], Json]:
    rules = party.provider.request_rules
    return lambda fresh: discovery.keys(party.endpoints, rules, fresh=fresh)


def _userinfo(
    party: Party, url: str, tokens: TokenResponse, subject: str | None, discovery: Discovery
) -> Json:
    def read_jwt(token: Secret) -> Json:
        from jupyter_auth.core.protocol import id_token

        return id_token.verify_userinfo(token, _expected(party, tokens), _keys(party, discovery))

    verifies = read_jwt if party.endpoints.issuer else None
    rules = party.provider.request_rules
    claims = claims_of.present(oauth.userinfo(url, tokens.access_token, rules, verifies))
    said = claims_of.text(claims.get("sub", subject))
    if subject is not None and said != subject:  # OIDC Core 5.3.2
        raise _OtherPersonError(
            "The provider's userinfo is about another person.", hint="Sign in again."
        )
    return claims


def _username(party: Party, claims: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    wanted = party.provider.username_claim
    for name in (wanted,) if wanted else names:
        value = claims_of.text(claims_of.at(claims, name))
        if value and (shown := plain_text(value, MAX_NAME)):
            return shown
    return None
