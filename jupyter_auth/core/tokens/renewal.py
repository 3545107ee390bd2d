"""Refreshing an account's tokens (RFC 6749 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.core.errors import AuthError, ProviderError, UserMismatch
from jupyter_auth.core.protocol import identity, oauth
from jupyter_auth.core.protocol.token_endpoint import SpoiledResponse
from jupyter_auth.core.record import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.models import Account
    from jupyter_auth.core.protocol.discovery import Discovery
    from jupyter_auth.core.protocol.parties import Party


def renewed(
    party: Party,
    account: Account,
    discovery: Discovery,
    *,
    now: float,
    keep: Callable[[Account], None],
) -> Account:
    """The account with new tokens. ``keep`` saves what is needed although the rest failed.

    A refresh needs no ID token (OIDC Core 12.2): one that is not valid is ignored.

    Raises:
        RefreshRejected: the provider ended the sign-in.
        UserMismatch: a valid ID token names another person.
        ProviderUnavailable, ProviderError, ConfigurationError: there are no new tokens.
    """
    assert account.refresh_token is not None  # noqa: S101 (checked by the caller)
    if account.token_endpoint:
        party = party.at(account.token_endpoint)
    try:
        answer = oauth.refresh(party, account.refresh_token)
    except SpoiledResponse as error:
        if error.refresh_token:
            keep(replace(account, refresh_token=error.refresh_token))
        raise ProviderError(error.message, hint=error.own_hint) from None
    fresh = replace(
        account,
        access_token=answer.access_token,
        refresh_token=answer.refresh_token,
        scopes=account.scopes if answer.scopes is None else answer.scopes,
        issued_at=now,
        expires_at=answer.ends(now),
        token_fields={**account.token_fields, **answer.fields},
    )
    if answer.id_token is None:
        return fresh
    # The old one may be used up, and the keys may have to be fetched. The access token has to
    # wait: it may be another person's.
    keep(replace(account, refresh_token=answer.refresh_token))
    try:
        claims = identity.verified_claims(party, answer, discovery, now=now)
    except AuthError:
        return fresh
    if account.subject and claims.get("sub", account.subject) != account.subject:
        raise UserMismatch(
            f"{party.provider.title} returned tokens of another person. They are not used."
        )
    return replace(fresh, id_token=answer.id_token)
