"""A service account as a session sees it: the broker issues its tokens, or this process does."""

from __future__ import annotations

import copy
import dataclasses
import functools
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from jupyter_auth.core.errors import ConfigurationError, LoginRequired
from jupyter_auth.core.models import AccountInfo, AccountKey
from jupyter_auth.core.provider.client_credentials import from_environment, no_service_account
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.kernel.http.token_cache import CachedTokens

if TYPE_CHECKING:
    from jupyter_auth.core.interfaces import Accounts
    from jupyter_auth.core.models import Logout, Token
    from jupyter_auth.core.provider.info import ProviderInfo
    from jupyter_auth.core.secret import Secret
    from jupyter_auth.core.tokens.limits.lockouts import TokenLockouts
    from jupyter_auth.core.tokens.need import Need
    from jupyter_auth.core.tokens.service_account_tokens import ServiceAccountTokens


class ServiceAccountOptions(NamedTuple):
    """The arguments of ``ClientSession``, without the secret."""

    provider: str | Provider
    session_key: str = "default"
    scopes: tuple[str, ...] = ()
    client_id: str | None = None

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.provider if isinstance(self.provider, str) else self.provider.name

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave out the provider's secret."""
        from jupyter_auth.core.provider.definitions import provider_to_mapping

        provider: Any = self.provider
        if isinstance(provider, Provider):
            provider = provider_to_mapping(provider, secrets=False)
        return _options, (provider, *self[1:])


class ServiceAccount:
    """The account of a ``ClientSession``. ``secret`` never leaves this process."""

    def __init__(
        self, accounts: Accounts, options: ServiceAccountOptions, secret: Secret | None
    ) -> None:
        self.options = options
        self._accounts = accounts
        self._left = False  # whether this session signed out
        if isinstance(options.provider, Provider):
            self.info: ProviderInfo = _registered(accounts, options)
        else:
            self.info = accounts.provider(options.provider)
        self.key = AccountKey(self.info.name, options.session_key)
        self._secret = secret
        self._issuing: tuple[int, ServiceAccountTokens] | None = None
        self.tokens = CachedTokens(accounts, *self._names, get=self._get, reach=self.info.reach)

    @property
    def client_id(self) -> str | None:
        """The client ID, by which an API counts calls."""
        with suppress(ConfigurationError):
            if self._own:
                return self._own.client_id
        if isinstance(self.options.provider, Provider):
            return self.options.client_id
        return self._accounts.configuration(self.key.provider).as_service().client_id

    def current(self) -> AccountInfo | None:
        """The account; None before it has a token."""
        token = self.tokens.held
        if token is None:
            return None
        return AccountInfo(
            provider=self.key.provider,
            session_key=self.key.session_key,
            scopes=token.scopes,
            expires_at=token.expires_at,
            refreshes=True,
        )

    def id_token(self) -> None:
        """None: this grant has no ID token."""

    def ensure(self) -> None:
        """Return once there is a token."""
        self._left = False
        self.tokens.token()

    def log_out(self, *, revoke: bool) -> Logout:
        """Drop the token here and at the broker, then revoke it where that is supported."""
        self._left = True
        if self._own:
            outcome = self._issuer().drop(self._own, self.key, revoke=revoke)
        else:
            outcome = self._accounts.client_logout(*self._names, revoke=revoke)
        self.tokens.drop()
        return outcome

    @functools.cached_property
    def _own(self) -> Provider | None:
        """The provider with this process's credentials; None if the broker has them."""
        provider, client_id, secret = self.options.provider, self.options.client_id, self._secret
        found = from_environment(os.environ, self.options.name)
        if not secret and client_id in {None, found.client_id}:
            client_id, secret = found.client_id, found.client_secret
        if isinstance(provider, str):
            if not secret and not client_id:
                return None
            service = self._accounts.configuration(provider).as_service()
            if not secret and service.client_id == client_id:
                return None
        else:
            service = provider.as_service()
            secret = secret or service.client_secret
        client_id = client_id or service.client_id
        if not secret:
            raise no_service_account(service, client_id)
        # How the client authenticates is found again, unless that is configured.
        way = None if service.client_auth == "none" else service.client_auth
        return dataclasses.replace(
            service, client_id=client_id, client_secret=secret, client_auth=way
        )

    @property
    def _names(self) -> tuple[str, str]:
        return self.key.provider, self.key.session_key

    def _get(self, provider: str, session_key: str, need: Need) -> Token:
        if self._left:
            raise LoginRequired(
                f"This session has signed out of {self.info.title}.",
                hint="`session.authenticate()` signs in again.",
            )
        scopes = self.options.scopes
        if self._own is None:
            return self._accounts.client_token(provider, session_key, need, scopes)
        return self._issuer().token(self._own, self.key, need, scopes)

    def _issuer(self) -> ServiceAccountTokens:
        """One for each process: in a forked child, the parent's locks may be held for ever."""
        if self._issuing is None or self._issuing[0] != os.getpid():
            from jupyter_auth.core.protocol.discovery import Discovery
            from jupyter_auth.core.protocol.parties import Party
            from jupyter_auth.core.tokens.service_account_tokens import ServiceAccountTokens

            discovery = Discovery(time.time)

            def party(provider: Provider) -> Party:
                return Party(provider=provider, endpoints=discovery.endpoints(provider))

            tokens = ServiceAccountTokens(party, time.time, lockouts=_lockouts())
            self._issuing = (os.getpid(), tokens)
        return self._issuing[1]


@functools.cache
def _lockouts() -> TokenLockouts:
    """Those of all sessions of this process: a cell that is run again asks no more often."""
    from jupyter_auth.core.tokens.limits.lockouts import Lockouts, TokenLockouts

    return TokenLockouts(Lockouts(None), time.time)


def _options(provider: Any, *rest: Any) -> ServiceAccountOptions:
    if isinstance(provider, dict):
        from jupyter_auth.core.provider.definitions import provider_from_mapping

        provider = provider_from_mapping(provider["name"], provider)
    return ServiceAccountOptions(provider, *rest)


def _registered(accounts: Accounts, options: ServiceAccountOptions) -> ProviderInfo:
    """Register a provider defined in code, so that other kernels with it share its limits.

    It is registered without its secret, so its name keeps its meaning in this process.
    """
    bare = cast("Provider", copy.deepcopy(options).provider)
    try:
        return accounts.register_unnamed(bare)
    except ConfigurationError:  # only the administrator's are allowed here
        return bare.info()
