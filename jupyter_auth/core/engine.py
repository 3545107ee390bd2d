"""The engine decides: use the stored token, refresh it, or ask a person to sign in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.common.override import override
from jupyter_auth.core.common.session_key import DEFAULT_KEY, check_session_key
from jupyter_auth.core.consent.consents import GRANT as CONSENT
from jupyter_auth.core.errors import AuthError, ConfigurationError, LoginRequired
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
from jupyter_auth.core.provider.info import default_provider
from jupyter_auth.core.provider.resources import canonical, requested, require_allowed
from jupyter_auth.core.record import replace
from jupyter_auth.core.tokens.change_log import POLL, patience
from jupyter_auth.core.tokens.need import ANY, Need

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jupyter_auth.core.common.finding import Finding
    from jupyter_auth.core.common.rate_limits import Limits
    from jupyter_auth.core.login.login_store import AuthorizationResponse, Binding
    from jupyter_auth.core.provider.info import ProviderInfo
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.core.secret import Secret


class Engine(Parts, Accounts):
    """One person's accounts: synchronous and thread safe. Methods: see ``Accounts``.

    ``clock`` gives seconds since 1970 in UTC, ``login_lifetime`` is how many of them a login may
    take. ``login_store`` keeps the logins, None: in memory. Several engines may share one
    ``discovery``. ``admit`` decides who may sign in. ``home`` is where other packages' sign-ins are
    looked for, ``environ`` where API keys are, None: nowhere. ``revoker`` keeps revocations that
    failed, None: in memory. ``clients`` may be shared too; None: its registrations are kept beside
    the accounts, and ``client_document`` is as in ``Clients``. ``consents``: where it is kept which
    notebooks may use an account; None: all may.
    """

    has_pages = True  # on which a person can complete a client registration

    # Providers

    @override
    def providers(self, *, unregistered: bool = False) -> list[ProviderInfo]:
        return self._providers.all(unregistered=unregistered)

    def presets(self) -> list[str]:
        """The names of the built-in providers; none if only the administrator's can be used."""
        return self._providers.presets

    @override
    def provider(self, name: str) -> ProviderInfo:
        return self._with_unattended(self._providers.info(name))

    @override
    def default(self) -> str | None:
        return default_provider(self.providers())

    def configured(self, name: str) -> Provider:
        """The provider with its client secrets: never for a kernel."""
        return self._providers.get(name)

    def outline(self, name: str) -> Provider:
        """The same for a page that completes it: addresses with open placeholders lead nowhere."""
        return self._providers.outline(name)

    @override
    def configuration(self, name: str) -> Provider:
        fields = provider_to_mapping(self.configured(name), secrets=False)
        return provider_from_mapping(plain(name), fields)

    @override
    def register(self, provider: Provider) -> ProviderInfo:
        return self._with_unattended(self._providers.register(provider))

    @override
    def find(self, address: str) -> ProviderInfo:
        from jupyter_auth.core.registration import addresses

        return self._with_unattended(addresses.find(address, self._providers, self._discovery))

    def _with_unattended(self, info: ProviderInfo) -> ProviderInfo:
        return replace(info, unattended=self._providers.password(info.name) is not None)

    def configure(self, provider: Provider) -> None:
        """Add a provider that this server itself offers."""
        self._providers.configure(provider)

    @override
    def add(self, name: str, fields: Mapping[str, Any], *, replace: bool = False) -> ProviderInfo:
        return self._providers.save(name, fields, replace=replace)

    @override
    def remove(self, name: str) -> Logout:
        self._providers.require_own(name)
        accounts = [each.key for each in self.accounts() if each.provider == name]
        gone = [self.logout(each.provider, each.session_key) for each in accounts]
        notes = [each.note for each in gone if each.note]
        try:
            notes += self._clients.remove(self._parties.of(name))
        except AuthError as error:  # the provider is away, or its definition is broken
            notes.append(f"If a client was registered there, it still is: {error.message}")
        self._providers.remove(name)
        revoked = all(each.revoked for each in gone)
        return Logout(removed=True, revoked=revoked, note=" ".join(dict.fromkeys(notes)))

    @override
    def examine(self, name: str | None = None) -> list[Finding]:
        from jupyter_auth.core.doctor.account_checks import troubles
        from jupyter_auth.core.doctor.api_checks import still_named
        from jupyter_auth.core.doctor.client_checks import found_of
        from jupyter_auth.core.doctor.provider_checks import checkup
        from jupyter_auth.core.doctor.storage_checks import place

        if name is None:
            return list(place(self._store, self._providers))
        provider, now = self._providers.get(name), self._clock
        obtained = found_of(lambda: self._parties.of(name), self._clients)
        found = [*checkup(provider, now, obtained), *still_named(provider)]
        return [*found, *self._unattended.findings(name), *troubles(name, self.accounts(), now())]

    def obtains_client(self, provider: str) -> bool:
        """Whether a sign-in there gets a client by itself, or is one to another provider, so that
        there is nothing to register.
        """
        try:
            party = self._parties.of(provider)
            return bool(party.provider.exchange) or self._clients.obtainable(party)
        except AuthError:  # which ``examine`` reports
            return False

    # Logins

    @override
    def begin(self, request: LoginRequest) -> Login:
        from jupyter_auth.core.login import grants

        check_session_key(request.session_key)
        if request.grant == CONSENT and self.consents:
            return self.consent.begin(request)
        request, reason = self._tokens.sign_in(request)
        completable = self.has_pages and self._providers.completable(request.provider)
        outline = self._providers.outline(request.provider)
        require_allowed(outline, request.scopes, canonical(outline, request.resource))
        if completable and outline.unset:
            grant = request.grant or next(iter(outline.grants), "authorization_code")
            return self._begun(self._logins.begin(request, grant, "", reason=reason))
        party = self._parties.of(request.provider)
        grant = grants.chosen(party, request.grant)
        request = replace(request, resource=requested(party.provider, request.resource))
        if grant in grants.TYPED:
            self._parties.typed(request.provider)
        lacking = "client_id" in self._clients.missing(party, grant)
        if grant != "api_key" and not completable and (lacking or party.provider.client_id):
            party.require_client()
        host = grants.destination(party, grant)
        return self._begun(self._logins.begin(request, grant, host, reason=reason))

    def _begun(self, login: Login) -> Login:
        return login

    def scopes(self, login_id: str) -> tuple[str, ...]:
        """The scopes that a pending login asks for. Raises as ``open``."""
        purpose = self._logins.purpose(login_id)
        if purpose.grant == CONSENT:
            return purpose.scopes
        return purpose.scopes or self._parties.of(purpose.key.provider).default_scopes

    def open(
        self, login_id: str, redirect_uri: str, user: str, *, state_suffix: str = ""
    ) -> tuple[str, Binding]:
        """The authorization URL for a browser, and the cookie that binds it to this opening.

        ``state_suffix`` ends the state, for a server that forwards the response to this one.

        Raises:
            AuthError: the login's outcome, where it is not pending; otherwise as ``begin``.
        """
        return self.redirect.open(login_id, redirect_uri, user, state_suffix)

    def finish(self, response: AuthorizationResponse) -> Login:
        """The login that an authorization response belongs to, with its outcome.

        Raises:
            LoginExpired: the state is not known (any more).
            LoginFailed: it is another browser's, user's or provider's; nothing was exchanged.
        """
        return self.redirect.finish(response)

    def confirm(self, login_id: str, proof: str = "") -> Login:
        """Store the ``candidate`` of a login; ``LoginFailed`` if the proof is wrong."""
        bare = self._parties.of(self._logins.purpose(login_id).key.provider)
        account = self._logins.take_held(login_id, proof)
        party = self._parties.at(bare.provider, account.client_id)
        return self._completion.attempt(
            login_id, lambda: self._completion.store(login_id, party, account)
        )

    @override
    def login(self, login_id: str) -> Login:
        return self._logins.get(login_id)

    @override
    def logins(self) -> list[Login]:
        return self._logins.pending() if self._has_logins else []

    @override
    def cancel(self, login_id: str) -> Login:
        return self._logins.end(login_id, "cancelled")

    @override
    def leave(self, login_id: str) -> Login:
        return self._logins.leave(login_id)

    # Accounts and their tokens

    @override
    def accounts(self) -> list[AccountInfo]:
        return self._tokens.accounts()

    @override
    def account(self, key: AccountKey) -> AccountInfo | None:
        return self._tokens.account(key)

    def source_of(self, key: AccountKey) -> AccountKey:
        """See ``ExchangedTokens``."""
        return self._tokens.source_of(key)

    @override
    def token(self, provider: str, session_key: str = DEFAULT_KEY, need: Need = ANY) -> Token:
        key, configured = AccountKey(provider, session_key), self._providers.get(provider)
        try:
            return self._tokens.token(configured, key, need)
        except LoginRequired as error:  # one for another API may need a person's consent
            if getattr(error, "resource", "") or not self._unattended.sign_in(key):
                raise
        return self._tokens.token(configured, key, need)

    def token_at_hand(self, provider: str, session_key: str, need: Need) -> Token | None:
        """As ``token``, but None if the provider would have to be asked."""
        key, configured = AccountKey(provider, session_key), self._providers.get(provider)
        return self._tokens.at_hand(configured, key, need)

    @override
    def import_accounts(self, provider: str) -> list[Imported]:
        from jupyter_auth.core.login.import_accounts import take_over

        party = self._parties.typed(provider)
        self._providers.require_trust(provider)
        return take_over(provider, party, self._completion, self._tokens, self._home)

    def adopt(
        self, provider: str, refresh_token: Secret, session_key: str = DEFAULT_KEY
    ) -> AccountInfo:
        """Keep the sign-in of another program, which hands its refresh token over for good.

        Raises:
            AuthError: as ``keep_adopted``; what was signed in here before stays.
        """
        from jupyter_auth.core.login.adoption import keep_adopted

        key, party = AccountKey(provider, session_key), self._parties.of(provider)
        with self._token_lockouts.respected(party):
            return keep_adopted(party, self._completion, self._tokens, key, refresh_token)

    @override
    def id_token(self, provider: str, session_key: str = DEFAULT_KEY) -> Secret | None:
        found = self._tokens.load(self._providers.get(provider), AccountKey(provider, session_key))
        return found.id_token if found else None

    @override
    def logout(
        self, provider: str, session_key: str = DEFAULT_KEY, *, revoke: bool = True
    ) -> Logout:
        key = AccountKey(provider, session_key)
        self._unattended.sign_out(key)
        account, left = self._tokens.drop(key, self._revoker.expect if revoke else None)
        self._usage.forget(provider, session_key)
        try:
            if account is None:
                return Logout(removed=False, revoked=False, note="No account was signed in.")
            if not revoke and not isinstance(account, ApiKeyAccount):
                return Logout(removed=True, revoked=False, note=left)
            gone = self._revoker.sign_out(account, self._configured(provider), self._parties.at)
            return replace(gone, note=f"{gone.note} {left}".strip()) if left else gone
        finally:  # last: where it fails, the tokens are revoked
            if self.consents:
                self.consents.end(self._tokens.living_by(key))

    # Service accounts

    @override
    def client_token(
        self,
        provider: str,
        session_key: str = DEFAULT_KEY,
        need: Need = ANY,
        scopes: Sequence[str] = (),
    ) -> Token:
        service, key = self._providers.service(provider), AccountKey(provider, session_key)
        return self._client_tokens.token(service, key, need, scopes)

    @override
    def client_logout(
        self, provider: str, session_key: str = DEFAULT_KEY, *, revoke: bool = True
    ) -> Logout:
        service, key = self._providers.service(provider), AccountKey(provider, session_key)
        outcome = self._client_tokens.drop(service, key, revoke=revoke)
        if outcome.removed:
            self._log.add(Change(kind="removed", provider=provider, session_key=session_key))
        return outcome

    # Limits

    @override
    def usage(self, seen: Limits) -> Limits:
        provider = self._providers.get(seen.provider)
        return self._usage.report(provider.throttle, seen, provider.address)

    @override
    def limits(self) -> list[Limits]:
        return self._usage.all(self._throttle)

    def tell_usage(self) -> None:
        """Report what ``usage`` collected as a change: kernels report too often for each one."""
        self._usage.tell()

    def _throttle(self, provider: str) -> Throttle:
        return found.throttle if (found := self._configured(provider)) else Throttle()

    def _configured(self, name: str) -> Provider | None:
        try:
            return self._providers.for_everyone.get(name)
        except ConfigurationError:
            return None

    # Changes

    @override
    def changes(self, since: int = 0, wait: float = 0.0) -> Changes:
        self._tokens.watch()
        if self.consents:
            self.consents.watch()
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
        """Look for changes by other processes, and for what expired. About once a second."""
        if self._has_logins:
            self._logins.poll()
        self._tokens.poll()
        if self.consents:
            self.consents.poll()
        self._usage.poll(self._throttle)

    def due(self) -> list[Login]:
        """The device logins whose provider should be polled now."""
        return self._logins.due() if self._has_logins else []

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` after each change, from any thread; returns what stops that."""
        return self._log.listen(listener)

    @property
    def busy(self) -> bool:
        """Whether there are tokens that could not be saved: they end with this engine."""
        return self._tokens.holds_unsaved

    @override
    def _login_changed(self, login: Login) -> None:
        provider, key = login.provider, login.session_key
        if login.status == "complete" and login.grant != CONSENT:
            self._usage.forget(provider, key)
        self._log.add(Change(kind="login", provider=provider, session_key=key, login=login))
