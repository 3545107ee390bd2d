"""The parts of an engine. Each is made, and its modules imported, when it is first used.

So reading a valid token loads neither a grant nor an HTTP client.
"""

from __future__ import annotations

import functools
import math
import os
import time
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

from jupyter_auth.core.errors import RefreshRejected
from jupyter_auth.core.login.admission import Admission, admit_all
from jupyter_auth.core.models import Change
from jupyter_auth.core.tokens.api_keys import ApiKeyOverlay
from jupyter_auth.core.tokens.change_log import ChangeLog
from jupyter_auth.core.tokens.exchange.exchanged_tokens import ExchangedTokens

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from jupyter_auth.core.consent.consents import Consents
    from jupyter_auth.core.consent.store import Consent, ConsentStore
    from jupyter_auth.core.login.authorization_code import AuthorizationCodeGrant
    from jupyter_auth.core.login.consent import ConsentGrant
    from jupyter_auth.core.login.device_code import DeviceGrant
    from jupyter_auth.core.login.finish import Completion
    from jupyter_auth.core.login.login_store import LoginStore
    from jupyter_auth.core.login.logins import Logins
    from jupyter_auth.core.login.typed_grants import TypedGrants
    from jupyter_auth.core.login.unattended import UnattendedLogins
    from jupyter_auth.core.models import Account, AccountKey, Login
    from jupyter_auth.core.protocol.discovery import Discovery
    from jupyter_auth.core.protocol.oauth_response import TokenResponse
    from jupyter_auth.core.protocol.parties import Parties
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.core.provider.registry import Providers
    from jupyter_auth.core.registration.clients import Clients
    from jupyter_auth.core.secret import Secret
    from jupyter_auth.core.tokens.limits.lockouts import Lockouts, TokenLockouts
    from jupyter_auth.core.tokens.limits.usage import Usage
    from jupyter_auth.core.tokens.need import Need
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
    """The base of ``Engine``, which documents the arguments."""

    trusts_code = False  # whether credentials may be typed for a provider made in code

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
        clients: Clients | None = None,
        client_document: str = "",
        consents: ConsentStore | None = None,
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
        self._shared_clients = clients
        self._client_document = client_document
        self._log = ChangeLog(shared=login_store is not None)
        self.consents = self._consents_in(consents) if consents else None
        self._tokens = ExchangedTokens(
            *(ApiKeyOverlay(store, providers, environ), self._renewed, self._log, clock),
            providers=providers,
            exchange=self._exchange,
            give_back=self._give_back,
        )
        self.save_again = self._tokens.save_again  # see ``busy``

    @OnFirstUse
    def _lockouts(self) -> Lockouts:
        from jupyter_auth.core.tokens.limits.lockouts import Lockouts

        return Lockouts(self._store.directory)

    @OnFirstUse
    def _usage(self) -> Usage:
        from jupyter_auth.core.tokens.limits.usage import Usage

        return Usage(self._log, self._clock, self._lockouts)

    @OnFirstUse
    def _token_lockouts(self) -> TokenLockouts:
        from jupyter_auth.core.tokens.limits.lockouts import TokenLockouts

        return TokenLockouts(self._lockouts, self._clock)

    @OnFirstUse
    def _discovery(self) -> Discovery:
        from jupyter_auth.core.protocol.discovery import Discovery

        return self._shared_discovery or Discovery(self._clock)

    @OnFirstUse
    def _parties(self) -> Parties:
        from jupyter_auth.core.protocol.parties import Parties

        return Parties(
            self._providers,
            self._discovery,
            trusts_code=self.trusts_code,
            with_client=self._clients.with_client,
        )

    @OnFirstUse
    def _clients(self) -> Clients:
        from jupyter_auth.core.registration.clients import DOCUMENT, Clients
        from jupyter_auth.core.registration.registrations import (
            FileRegistrations,
            MemoryRegistrations,
        )

        directory = self._store.directory
        store = FileRegistrations(directory) if directory else MemoryRegistrations()
        document = self._client_document or os.environ.get(DOCUMENT, "")
        return self._shared_clients or Clients(store, self._clock, document)

    @OnFirstUse
    def _revoker(self) -> Revoker:
        from jupyter_auth.core.tokens.revocation import Revoker

        return self._better_revoker or Revoker()

    @OnFirstUse
    def _client_tokens(self) -> ServiceAccountTokens:
        from jupyter_auth.core.tokens.service_account_tokens import ServiceAccountTokens

        needed = (self._parties.at, self._clock)
        return ServiceAccountTokens(*needed, self._revoker, self._token_lockouts)

    @OnFirstUse
    def _logins(self) -> Logins:
        from jupyter_auth.core.login.logins import Logins

        changed, dropped, lifetime = self._login_changed, self._dropped, self._login_lifetime
        return Logins(self._clock, changed, dropped, lifetime, self._login_store)

    @OnFirstUse
    def _completion(self) -> Completion:
        from jupyter_auth.core.login.finish import Completion

        needed = (self._logins, self._tokens, self._discovery, self._revoker, self._clock)
        return Completion(*needed, admit=self._admit, kept=self._kept)

    @OnFirstUse
    def redirect(self) -> AuthorizationCodeGrant:
        """The authorization code grant (RFC 6749 4.1)."""
        from jupyter_auth.core.login.authorization_code import AuthorizationCodeGrant

        needed = (self._completion, self._parties.of, self._providers)
        return AuthorizationCodeGrant(*needed, self._clients)

    @OnFirstUse
    def device(self) -> DeviceGrant:
        """The device authorization grant (RFC 8628)."""
        from jupyter_auth.core.login.device_code import DeviceGrant

        return DeviceGrant(self._completion, self._parties.of, self._clients)

    @OnFirstUse
    def typed(self) -> TypedGrants:
        """What a person types or pastes."""
        from jupyter_auth.core.login.typed_grants import TypedGrants

        parties = self._parties.typed, self._parties.at
        needed = (self._completion, *parties, self._providers)
        return TypedGrants(*needed, clients=self._clients, clock=self._clock)

    @OnFirstUse
    def consent(self) -> ConsentGrant:
        """What asks whether a notebook may use an account, where there are ``consents``."""
        from jupyter_auth.core.login.consent import ConsentGrant

        assert self.consents is not None  # noqa: S101 (asked before)
        return ConsentGrant(self._logins, self.consents, self._tokens.account)

    def allowed(self) -> list[Consent]:
        """See ``Accounts.allowed``."""
        return self.consents.all() if self.consents else []

    def disallow(self, key: AccountKey, notebook: str) -> bool:
        """See ``Accounts.disallow``."""
        return self.consents is not None and self.consents.revoke(key, notebook)

    @OnFirstUse
    def _unattended(self) -> UnattendedLogins:
        from jupyter_auth.core.login.unattended import UnattendedLogins

        needed = (self._providers, self._parties.at, self._completion, self._tokens)
        return UnattendedLogins(*needed, self._token_lockouts)

    @property
    def _has_logins(self) -> bool:
        """Whether there may be logins, of this or another process."""
        return self._login_store is not None or Parts._logins.made(self) is not None

    def _login_changed(self, login: Login) -> None:
        raise NotImplementedError

    def _dropped(self, account: Account) -> None:
        find = functools.partial(self._parties.of, account.provider, account.client_id)
        self._completion.give_back(find, account, wait=False)

    def _consents_in(self, store: ConsentStore) -> Consents:
        from jupyter_auth.core.consent.consents import Consents

        def changed(key: AccountKey) -> None:  # kernels ask again for their tokens
            self._log.add(
                Change(kind="account", provider=key.provider, session_key=key.session_key)
            )

        return Consents(store, self._clock, changed)

    def _kept(self, login: Login, account: Account) -> None:
        if self.consents:
            self.consents.signed_in(account, login.notebook, login.kernel)

    def _exchange(self, provider: Provider, subject_token: Secret) -> TokenResponse:
        from jupyter_auth.core.protocol import oauth

        party = self._parties.at(provider)
        with self._token_lockouts.respected(party):
            return oauth.exchange_token(party, subject_token)

    def _give_back(self, account: Account) -> None:
        self._revoker.give_back(functools.partial(self._parties.of, account.provider), account)

    def close(self) -> None:
        """Stop what runs in the background."""
        if revoker := Parts._revoker.made(self):
            revoker.close()

    def _renewed(
        self,
        provider: Provider,
        account: Account,
        need: Need,
        keep: Callable[[Account], None],
    ) -> Account:
        from jupyter_auth.core.tokens.renewal import renewed

        party = self._parties.at(provider, account.client_id)
        now = self._clock()
        try:
            with self._token_lockouts.respected(party):
                return renewed(party, account, self._discovery, need, now=now, keep=keep)
        except RefreshRejected:
            self._clients.doubt(party)
            raise
