"""Refreshing an account's tokens (RFC 6749 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.core.errors import (
    AuthError,
    InsufficientScope,
    ProviderError,
    RefreshRejected,
    UserMismatch,
)
from jupyter_auth.core.protocol import identity, oauth
from jupyter_auth.core.protocol.token_endpoint import SpoiledResponse
from jupyter_auth.core.provider import resources
from jupyter_auth.core.record import replace
from jupyter_auth.core.tokens.need import ANY
from jupyter_auth.core.tokens.next_steps import how_to_sign_in
from jupyter_auth.core.tokens.resource_tokens import not_granted, own_refresh_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.models import Account
    from jupyter_auth.core.protocol.discovery import Discovery
    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.tokens.need import Need


def renewed(
    party: Party,
    account: Account,
    discovery: Discovery,
    need: Need = ANY,
    *,
    now: float,
    keep: Callable[[Account], None],
) -> Account:
    """The account with new tokens. ``keep`` saves what is needed although the rest failed.

    A refresh needs no ID token (OIDC Core 12.2): one that is not valid is ignored. For another
    resource, ``account`` is its view.

    Raises:
        RefreshRejected: the provider ended the sign-in.
        InsufficientScope: it refuses a token for that resource, or for the claims that are needed.
        UserMismatch: a valid ID token names another person.
        ProviderUnavailable, ProviderError, ConfigurationError: there are no new tokens.
    """
    assert account.refresh_token is not None  # noqa: S101 (checked by the caller)
    if account.token_endpoint:
        party = party.at(account.token_endpoint)
    try:
        answer = oauth.refresh(party, account.refresh_token, **_parameters(party, account, need))
    except RefreshRejected as error:
        if need.resource:  # which may need a consent of its own: the sign-in is good for others
            raise not_granted(account.key, need.resource, error.said) from None
        if need.claims:
            said = f"{party.provider.title} needs a new sign-in ({error.said})."
            raise InsufficientScope(said, next_step=how_to_sign_in(account.key)) from None
        raise
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


def _parameters(party: Party, account: Account, need: Need) -> dict[str, str]:
    more = {"claims": need.claims} if need.claims else {}
    if own_refresh_token(account, need.resource):
        return more  # which is good for nothing else
    provider, asked = party.provider, account.asked or party.default_scopes
    separator = provider.scope_separator or " "
    return more | resources.refresh_parameters(provider, need.resource, asked, separator)
