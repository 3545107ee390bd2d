"""What an engine is made of. Each part is made, and its modules imported, when it is first used.

So whoever only reads a token that is valid loads neither a grant nor an HTTP client.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

from jupyter_auth.core.login.admission import Admission, admit_all
from jupyter_auth.core.tokens.account_tokens import AccountTokens
from jupyter_auth.core.tokens.api_keys import ApiKeyOverlay
from jupyter_auth.core.tokens.change_log import ChangeLog
from jupyter_auth.core.tokens.lockouts import Lockouts
from jupyter_auth.core.tokens.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from jupyter_auth.core.login.authorization_code import AuthorizationCodeGrant
    from jupyter_auth.core.login.device_code import DeviceGrant
    from jupyter_auth.core.login.login_store import LoginStore
    from jupyter_auth.core.login.logins import Logins
    from jupyter_auth.core.login.sign_ins import SignIns
    from jupyter_auth.core.login.typed_grants import TypedGrants
    from jupyter_auth.core.models import Account, Login
    from jupyter_auth.core.protocol.discovery import Discovery
    from jupyter_auth.core.protocol.parties import Parties
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.core.provider.registry import Providers
    from jupyter_auth.core.tokens.revocation import Revoker
    from jupyter_auth.core.tokens.service_account_tokens import ServiceAccountTokens
    from jupyter_auth.core.tokens.store import TokenStore

Part = TypeVar("Part")


class OnFirstUse(Generic[Part]):
    """As ``functools.cached_property``, but all threads get the same part.

    Making one must have no side effects: of two that are made at once, one is thrown away.
    """

    def __init__(self, make: Callable[[Any], Part]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> Part: ...
    def __get__(self, instance: object | None, owner: type) -> Self | Part:
        if instance is None:
            return self
        part: Part = vars(instance).setdefault(self._name, self._make(instance))
        return part

    def made(self, instance: object) -> Part | None:
        """That part of ``instance``, if it has been used."""
        return vars(instance).get(self._name)


class Parts:
    """Those of one person's ``Engine``, which says what the arguments are."""

    trusts_code = False  # whether who makes a provider in code is the one who types for it

    def __init__(
        self,
        providers: Providers,
        store: TokenStore,
        *,
        clock: Callable[[], float] = time.time,
        login_lifetime: float = math.inf,
        login_store: LoginStore | None = None,
        discovery: Discovery | None = None,
        admit: Admission = admit_all,
        home: Path | None = None,
        environ: Mapping[str, str] | None = None,
        revoker: Revoker | None = None,
    ) -> None:
        self._providers = providers
        self._home = home
        self._store = store
        self._clock = clock
        self._login_lifetime = login_lifetime
        self._login_store = login_store
        self._shared_discovery = discovery
        self._admit = admit
        self._better_revoker = revoker
        self._log = ChangeLog(shared=login_store is not None)
        self._tokens = AccountTokens(
            ApiKeyOverlay(store, providers, environ), self._renewed, self._log, clock
        )
        self.save_again = self._tokens.save_again  # what ``busy`` speaks of
        self._usage = Usage(self._log, clock, Lockouts(store.directory))

    @OnFirstUse
    def _discovery(self) -> Discovery:
        from jupyter_auth.core.protocol.discovery import Discovery

        return self._shared_discovery or Discovery(self._clock)

    @OnFirstUse
    def _parties(self) -> Parties:
        from jupyter_auth.core.protocol.parties import Parties

        return Parties(self._providers, self._discovery, trusts_code=self.trusts_code)

    @OnFirstUse
    def _revoker(self) -> Revoker:
        from jupyter_auth.core.tokens.revocation import Revoker

        return self._better_revoker or Revoker()

    @OnFirstUse
    def _client_tokens(self) -> ServiceAccountTokens:
        from jupyter_auth.core.tokens.service_account_tokens import ServiceAccountTokens

        return ServiceAccountTokens(self._parties.at, self._clock, self._revoker)

    @OnFirstUse
    def _sign_ins(self) -> SignIns:
        from jupyter_auth.core.login.sign_ins import SignIns

        return SignIns(
            *(self._providers, self._parties, self._tokens),
            discovery=self._discovery,
            revoker=self._revoker,
            clock=self._clock,
            changed=self._login_changed,
            lifetime=self._login_lifetime,
            login_store=self._login_store,
            admit=self._admit,
        )

    @property
    def _logins(self) -> Logins:
        return self._sign_ins.logins

    @property
    def redirect(self) -> AuthorizationCodeGrant:
        """The authorization code grant (RFC 6749 4.1)."""
        return self._sign_ins.redirect

    @property
    def device(self) -> DeviceGrant:
        """The device authorization grant (RFC 8628)."""
        return self._sign_ins.device

    @property
    def typed(self) -> TypedGrants:
        """What a person types or pastes."""
        return self._sign_ins.typed

    @property
    def _has_logins(self) -> bool:
        """Whether logins were begun here, or may have been in another process."""
        return self._login_store is not None or Parts._sign_ins.made(self) is not None

    def _login_changed(self, login: Login) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """End what runs in the background."""
        if revoker := Parts._revoker.made(self):
            revoker.close()

    def _renewed(
        self, provider: Provider, account: Account, keep: Callable[[Account], None]
    ) -> Account:
        from jupyter_auth.core.tokens.renewal import renewed

        party = self._parties.at(provider)
        return renewed(party, account, self._discovery, now=self._clock(), keep=keep)
