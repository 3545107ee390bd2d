"""Refreshing an account's tokens (RFC 6749 6)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.protocol import identity, oauth

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

    Raises:
        RefreshRejected: the provider ended the sign-in.
        ProviderUnavailable, ProviderError, ConfigurationError: there are no new tokens.
    """
    assert account.refresh_token is not None  # noqa: S101 (checked by the caller)
    if account.token_endpoint:
        party = party.at(account.token_endpoint)
    answer = oauth.refresh(party, account.refresh_token)
    subject = account.subject
    try:
        identity.verified_claims(party, answer, discovery, now=now, subject=subject)
    except ProviderUnavailable:  # no keys to verify with; the old refresh token is used up
        keep(dataclasses.replace(account, refresh_token=answer.refresh_token))
        raise
    return dataclasses.replace(
        account,
        access_token=answer.access_token,
        refresh_token=answer.refresh_token,
        id_token=answer.id_token or account.id_token,
        scopes=account.scopes if answer.scopes is None else answer.scopes,
        issued_at=now,
        expires_at=answer.ends(now),
    )
