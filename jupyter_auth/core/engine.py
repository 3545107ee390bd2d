"""The one place that decides: use the stored token, refresh it, or ask a person to sign in."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.errors import ConfigurationError, LoginRequired
from jupyter_auth.core.interfaces import Accounts
from jupyter_auth.core.models import (
    AccountInfo,
    AccountKey,
    ApiKeyAccount,
    Change,
    Changes,
    Imported,
    Login,
    LoginRequest,
    Logout,
    Token,
)
from jupyter_auth.core.parts import Parts
from jupyter_auth.core.provider.definitions import provider_from_mapping, provider_to_mapping
from jupyter_auth.core.provider.field_types import Throttle
from jupyter_auth.core.provider.provider import default_provider
from jupyter_auth.core.tokens.change_log import POLL, patience
from jupyter_auth.core.tokens.need import ANY, Need

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jupyter_auth.core.common.finding import Finding
    from jupyter_auth.core.common.rate_limits import Limits
    from jupyter_auth.core.login.login_store import AuthorizationResponse, Binding
    from jupyter_auth.core.provider.provider import Provider, ProviderInfo
    from jupyter_auth.core.secret import Secret


class Engine(Parts, Accounts):
    """One person's accounts. Synchronous, thread safe, and knows no users but by an opaque name.

    ``clock`` gives seconds since 1970 in UTC, ``login_lifetime`` is how many of them a person has
    to finish a login; ``register`` is where logins are written down, None: in memory. Several
    engines may share one ``discovery``. ``admit`` says who may be signed in here. ``home`` is where
    other packages' sign-ins are looked for, ``environ`` where API keys are, None: nowhere.
    ``revoker`` remembers what could not be revoked, None: while this engine lives. Implements
    ``Accounts``; the rest is for those who drive a login.
    """

    has_pages = True  # on which a person can complete a registration

    # Providers

    def providers(self) -> list[ProviderInfo]:
        """Those that somebody could sign in at."""
        return self._providers.all()

    def provider(self, name: str) -> ProviderInfo:
        """One of them. ProviderNotFound."""
        return self._told(self._providers.info(name))

    def default(self) -> str | None:
        """The only one that can be meant where none is named."""
        return default_provider(self.providers())

    def configured(self, name: str) -> Provider:
        """The whole of it: for the server's own pages, never for a kernel. ProviderNotFound."""
        return self._providers.get(name)

    def configuration(self, name: str) -> Provider:
        """The whole of it but for its client secrets. ProviderNotFound."""
        fields = provider_to_mapping(self.configured(name), secrets=False)
        return provider_from_mapping(plain(name), fields)

    def register(self, provider: Provider) -> ProviderInfo:
        """Make a provider made in code known. ConfigurationError: not allowed here."""
        return self._told(self._providers.register(provider))

    def _told(self, info: ProviderInfo) -> ProviderInfo:
        return dataclasses.replace(info, unattended=self._providers.password(info.name) is not None)

    def configure(self, provider: Provider) -> None:
        """Make one of this server's own known to everybody here."""
        self._providers.configure(provider)

    def add(self, name: str, fields: Mapping[str, Any]) -> ProviderInfo:
        """Write a provider down for good. ConfigurationError: not here, or not that one."""
        return self._providers.save(name, fields)

    def examine(self, name: str | None = None) -> list[Finding]:
        """What ``doctor`` reports of this process and its files, or of one provider."""
        from jupyter_auth.core.doctor.process_checks import environment
        from jupyter_auth.core.doctor.provider_checks import checkup
        from jupyter_auth.core.doctor.storage_checks import providers_file, resting_place

        if name is not None:
            found = checkup(self._providers.get(name), self._clock)
            return [*found, *self._sign_ins.unattended.findings(name)]
        return [*environment(), *resting_place(self._store), *providers_file(self._providers)]

    # Logins

    def begin(self, request: LoginRequest) -> Login:
        """A pending login; see ``Accounts.begin``. The provider is asked who it is before."""
        return self._begun(self._sign_ins.begin(request, has_pages=self.has_pages))

    def _begun(self, login: Login) -> Login:
        """What ``begin`` returns: a driver of its own may have more to do first."""
        return login

    def open(
        self, login_id: str, redirect_uri: str, user: str, *, state_suffix: str = ""
    ) -> tuple[str, Binding]:
        """The browser arrives: where to send it, and the cookie that binds it to this opening.

        ``state_suffix`` ends the state, for whoever forwards the answer to this server.
        Raises the login's outcome where it is not pending; otherwise as ``begin``.
        """
        return self.redirect.open(login_id, redirect_uri, user, state_suffix)

    def finish(self, response: AuthorizationResponse) -> Login:
        """What a browser brought to the redirect URI: the login with its outcome.

        LoginExpired: the state is not known (any more). LoginFailed: it is another browser's,
        user's or provider's. Nothing is exchanged then; what goes wrong later is its ``error``.
        """
        return self.redirect.finish(response)

    def confirm(self, login_id: str, proof: str = "") -> Login:
        """The candidate's person says yes: store the account. LoginFailed: not with that proof."""
        return self._sign_ins.confirm(login_id, proof)

    def login(self, login_id: str) -> Login:
        """How it stands. LoginExpired: not known (any more)."""
        return self._logins.get(login_id)

    def logins(self) -> list[Login]:
        """The pending ones."""
        return self._logins.pending() if self._has_logins else []

    def cancel(self, login_id: str) -> Login:
        """End it for everybody who waits."""
        return self._logins.end(login_id, "cancelled")

    def leave(self, login_id: str) -> Login:
        """One waits no more; the last one to leave cancels it."""
        return self._logins.leave(login_id)

    # Accounts and their tokens

    def accounts(self) -> list[AccountInfo]:
        """Who is signed in."""
        return self._tokens.accounts()

    def account(self, key: AccountKey) -> AccountInfo | None:
        """Who is signed in there; None: nobody."""
        return self._tokens.account(key)

    def ended(self) -> list[AccountInfo]:
        """Accounts that their providers ended, until somebody signs in anew or out."""
        return self._tokens.ended()

    def token(self, provider: str, session_key: str = DEFAULT_KEY, need: Need = ANY) -> Token:
        """The account's token, refreshed first where it has to be; see ``TokenSource.token``.

        Where a person would have to sign in, the environment may do it in their place.
        """
        key, configured = AccountKey(provider, session_key), self._providers.get(provider)
        try:
            return self._tokens.token(configured, key, need)
        except LoginRequired:
            if not self._sign_ins.unattended.sign_in(key):
                raise
        return self._tokens.token(configured, key, need)

    def token_at_hand(self, provider: str, session_key: str, need: Need) -> Token | None:
        """As ``token``, but only where no provider has to be asked; else None."""
        key, configured = AccountKey(provider, session_key), self._providers.get(provider)
        return self._tokens.at_hand(configured, key, need)

    def import_accounts(self, provider: str) -> list[Imported]:
        """Take over what another package keeps; see ``Accounts.import_accounts``."""
        if self._home is None:
            raise ConfigurationError("There are no files of yours here to import from.")
        return self._sign_ins.import_accounts(provider, self._home)

    def id_token(self, provider: str, session_key: str = DEFAULT_KEY) -> Secret | None:
        """The ID token of the last login or refresh, where the provider gives one."""
        found = self._tokens.load(self._providers.get(provider), AccountKey(provider, session_key))
        return found.id_token if found else None

    def logout(
        self, provider: str, session_key: str = DEFAULT_KEY, *, revoke: bool = True
    ) -> Logout:
        """Delete here, then revoke at the provider (RFC 7009). StoreError: cannot be deleted."""
        key = AccountKey(provider, session_key)
        self._sign_ins.unattended.sign_out(key)
        account = self._tokens.drop(key, self._revoker.expect if revoke else None)
        self._usage.forget(provider, session_key)
        if account is None:
            return Logout(removed=False, revoked=False, note="Nobody was signed in.")
        if not revoke and not isinstance(account, ApiKeyAccount):
            return Logout(removed=True, revoked=False)
        return self._revoker.sign_out(account, self._configured(provider), self._parties.at)

    # Service accounts

    def client_token(
        self,
        provider: str,
        session_key: str = DEFAULT_KEY,
        need: Need = ANY,
        scopes: Sequence[str] = (),
    ) -> Token:
        """A token of the service account that is configured; see ``Accounts.client_token``."""
        service, key = self._providers.service(provider), AccountKey(provider, session_key)
        return self._client_tokens.token(service, key, need, scopes)

    def client_logout(
        self, provider: str, session_key: str = DEFAULT_KEY, *, revoke: bool = True
    ) -> Logout:
        """Forget the service account's tokens, then revoke them."""
        service, key = self._providers.service(provider), AccountKey(provider, session_key)
        outcome = self._client_tokens.drop(service, key, revoke=revoke)
        if outcome.removed:
            self._log.add(Change(kind="removed", provider=provider, session_key=session_key))
        return outcome

    # Limits

    def usage(self, seen: Limits) -> Limits:
        """What one kernel saw of an API's limits; see ``Accounts.usage``."""
        provider = self._providers.get(seen.provider)
        return self._usage.report(provider.throttle, seen, provider.address)

    def limits(self) -> list[Limits]:
        """What is known of the limits of each token that kernels used."""
        return self._usage.all(self._throttle)

    def tell_usage(self) -> None:
        """What ``usage`` brought is a change now. Not each time: kernels report often."""
        self._usage.tell()

    def _throttle(self, provider: str) -> Throttle:
        return found.throttle if (found := self._configured(provider)) else Throttle()

    def _configured(self, name: str) -> Provider | None:
        try:
            return self._providers.get(name)
        except ConfigurationError:
            return None

    # Changes

    def changes(self, since: int = 0, wait: float = 0.0) -> Changes:
        """What happened after ``since``; blocks up to ``wait`` seconds for something to."""
        self._tokens.watch()
        deadline = time.monotonic() + wait
        while True:
            news = self._log.after(since)
            if not (left := patience(news, deadline, time.monotonic())):
                return news
            self.poll()
            for login in self.due():
                self.device.poll(login.id)
            self._log.wait(since, min(left, POLL))

    def poll(self) -> None:
        """Look at what other processes changed, and at what expired. About once a second."""
        if self._has_logins:
            self._logins.poll()
        self._tokens.poll()
        self._usage.poll(self._throttle)

    def due(self) -> list[Login]:
        """The device logins whose provider should be asked now how they stand."""
        return self._logins.due() if self._has_logins else []

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` after each change, from any thread; returns what ends that."""
        return self._log.listen(listener)

    @property
    def busy(self) -> bool:
        """Whether tokens are held that the store would not take: they end with this engine."""
        return self._tokens.holds_unsaved

    def _login_changed(self, login: Login) -> None:
        if login.status == "complete":
            self._usage.forget(login.provider, login.session_key)
        provider, key = login.provider, login.session_key
        self._log.add(Change(kind="login", provider=provider, session_key=key, login=login))
