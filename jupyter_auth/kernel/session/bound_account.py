"""An account together with what sends its tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from jupyter_auth.kernel.broker.connect import connect
from jupyter_auth.kernel.http.rate_limits import CountedCaller, Throttling
from jupyter_auth.kernel.http.requests_auth import TokenAuth
from jupyter_auth.kernel.http.token_cache import CachedTokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_auth.kernel.session.service_account import ServiceAccount
    from jupyter_auth.kernel.session.user_account import UserAccount


SomeAccount = TypeVar("SomeAccount", bound="UserAccount | ServiceAccount")


class BoundAccount(NamedTuple, Generic[SomeAccount]):
    """An account, the ``auth`` that sends its tokens, and the API's limits that it observes."""

    account: SomeAccount
    auth: TokenAuth
    limits: Throttling


def bound(account: SomeAccount, origins: Iterable[str] | None = None) -> BoundAccount[SomeAccount]:
    """That account, whose tokens go to ``origins``, by default to the provider's.

    Tokens for the provider's other APIs go to theirs.
    """
    info = account.info
    limits = Throttling(connect(), CountedCaller(info, account.key.session_key, account.client_id))
    auth = TokenAuth(
        account.tokens,
        origins=info.api_origins if origins is None else origins,
        refresh_on=info.refresh_on,
        limits=limits,
    )
    if isinstance(account.tokens, CachedTokens) and not account.tokens.resource:
        auth.also_at(account.tokens, info)
    return BoundAccount(account, auth, limits)
