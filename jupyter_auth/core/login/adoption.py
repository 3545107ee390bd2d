"""Adopts a sign-in of another program, by the refresh token that it hands over."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

from jupyter_auth.core.errors import LoginFailed, ProviderError, Unavailable
from jupyter_auth.core.login.login_store import LoginPurpose
from jupyter_auth.core.protocol import oauth
from jupyter_auth.core.provider import resources

if TYPE_CHECKING:
    from jupyter_auth.core.login.finish import Completion
    from jupyter_auth.core.models import Account, AccountInfo, AccountKey
    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.secret import Secret
    from jupyter_auth.core.tokens.account_tokens import AccountTokens


def adopted(
    party: Party,
    completion: Completion,
    key: AccountKey,
    refresh_token: Secret,
    token_endpoint: object = None,
) -> Account:
    """The account, not stored yet. ``token_endpoint``: where it came from, if not the provider's.

    The refresh token is used at once: so the provider says whose it is, and whether it works.

    Raises:
        RefreshRejected: the provider does not take it.
        LoginFailed: it is used up, and the account is not admitted, or nobody's for certain.
        ConfigurationError, ProviderError, ProviderUnavailable: there was no answer to use.
    """
    endpoint = None if token_endpoint is None else str(token_endpoint)
    if endpoint:
        party = party.at(endpoint)  # accepted only on the provider's own hosts
    separator = party.provider.scope_separator or " "
    more = resources.refresh_parameters(party.provider, "", party.default_scopes, separator)
    answer = oauth.refresh(party, refresh_token, **more)
    make = functools.partial(completion.account, token_endpoint=endpoint, handed_over=True)
    account = functools.partial(make, LoginPurpose(key=key), party)
    try:
        return account(answer)
    except (ProviderError, Unavailable):  # a refresh needs no ID token, and has used the old tokens
        answer = dataclasses.replace(answer, id_token=None)
    try:
        return account(answer)
    except (ProviderError, Unavailable) as error:
        raise LoginFailed(error.message, hint=error.own_hint) from None


def keep_adopted(
    party: Party,
    completion: Completion,
    tokens: AccountTokens,
    key: AccountKey,
    refresh_token: Secret,
) -> AccountInfo:
    """Store the account of ``adopted`` under its lock; once, however often that is asked.

    Raises:
        AuthError: as ``adopted``.
        StoreError: its lock is not to be had; the token is not used.
    """
    make = functools.partial(adopted, party, completion, key, refresh_token)
    return tokens.adopt(key, refresh_token, make).info()
