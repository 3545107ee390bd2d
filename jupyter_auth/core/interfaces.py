"""The two seams of this package: ``TokenSource`` and ``Accounts``.

An engine and the client of a broker implement both; callers do not know which one they have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.tokens.need import ANY, Need

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyter_auth.core.common.finding import Finding
    from jupyter_auth.core.common.rate_limits import Limits
    from jupyter_auth.core.consent.store import Consent
    from jupyter_auth.core.login.loopback.logins import LoopbackLogins
    from jupyter_auth.core.models import (
        AccountInfo,
        AccountKey,
        Changes,
        Imported,
        Login,
        LoginRequest,
        Logout,
        Token,
    )
    from jupyter_auth.core.provider.info import ProviderInfo
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.core.secret import Secret


class TokenSource(Protocol):
    """The tokens of one account: all that ``TokenAuth`` needs."""

    def token(self, min_valid: float = 0.0) -> Token:
        """A token that is valid for ``min_valid`` seconds more, refreshed first if needed.

        Raises:
            LoginRequired, RefreshRejected: a person must sign in.
            ProviderUnavailable, ProviderError, BrokerUnavailable: try again.
        """

    def rejected(self, token: Token, claims: str = "") -> Token:
        """Another token, after the API rejected this one. Errors: as ``token``.

        ``claims``: those that the API demands (OIDC Core 5.5), as JSON.
        """


class ProviderCalls(Protocol):
    """The providers that are known where the accounts are stored."""

    def providers(self, *, unregistered: bool = False) -> list[ProviderInfo]:
        """All providers that can be used by name, in the order in which they are listed.

        ``unregistered``: those too for which a client has to be registered first.
        """

    def provider(self, name: str) -> ProviderInfo:
        """One provider; ``ProviderNotFound`` suggests similar names."""

    def configuration(self, name: str) -> Provider:
        """A provider's whole definition, without its client secrets."""

    def register(self, provider: Provider) -> ProviderInfo:
        """Add a provider made in code; ``ConfigurationError`` if that is not allowed here."""

    def register_unnamed(self, provider: Provider) -> ProviderInfo:
        """The same, but the meaning of its name in this process does not change."""
        return self.register(provider)

    def add(self, name: str, fields: Mapping[str, Any], *, replace: bool = False) -> ProviderInfo:
        """Add a provider to the person's file, and its client secret to a private one.

        Of one that is there already these fields change, with ``replace`` all do. ``missing`` has
        ``client_secret`` where the one that is kept was given for another definition.

        Raises:
            ConfigurationError: not allowed here, the administrator's has that name, or the fields
                are not valid.
        """

    def find(self, address: str) -> ProviderInfo:
        """The provider for the API at ``address``, which is asked where people sign in to it (RFC
        9728): a new one, or the one that is known, which is never replaced.

        Raises:
            ConfigurationError: not allowed here, no address of an API, or there is no way to sign
                in to it; says what was asked and what each address answered.
            ProviderUnavailable, ProviderError: it or its authorization server does not answer
                well.
        """

    def remove(self, name: str) -> Logout:
        """Sign out of a person's own provider, delete the client that registered itself there, and
        forget the provider; ``note`` says what failed there.

        Raises:
            ConfigurationError: it is not the person's own.
        """

    def examine(self, name: str | None = None) -> list[Finding]:
        """Check the process that stores the accounts, or one provider, for ``doctor``.

        The provider is asked again, which may take seconds.
        """

    def default(self) -> str | None:
        """The provider to use if none is named; None if there is no provider, or several."""


class LoginCalls(Protocol):
    """Logins: begun by code that needs an account, finished by a person."""

    def begin(self, request: LoginRequest) -> Login:
        """A pending login: a new one, or the one for the same account and parameters.

        Raises:
            ProviderNotFound, ConfigurationError: it cannot begin.
            ProviderUnavailable, ProviderError: discovery failed.
        """

    def login(self, login_id: str) -> Login:
        """A login as it is now; ``LoginExpired`` if it is not known (any more)."""

    def logins(self) -> list[Login]:
        """The pending logins."""

    def cancel(self, login_id: str) -> Login:
        """Cancel a login for all who wait for it."""

    def leave(self, login_id: str) -> Login:
        """Stop waiting for a login; it is cancelled once nobody waits for it."""

    @property
    def local(self) -> LoopbackLogins | None:
        """The driver of logins in this process; None if a server has pages for them."""
        return None


class TokenCalls(Protocol):
    """Accounts and their tokens."""

    def accounts(self) -> list[AccountInfo]:
        """The accounts that are signed in."""

    def account(self, key: AccountKey) -> AccountInfo | None:
        """One account; None if it is not signed in."""
        return next((each for each in self.accounts() if each.key == key), None)

    def token(self, provider: str, session_key: str = DEFAULT_KEY, need: Need = ANY) -> Token:
        """The account's token. Errors: as ``TokenSource.token``."""

    def id_token(self, provider: str, session_key: str = DEFAULT_KEY) -> Secret | None:
        """The ID token of the last login or refresh, if the provider issues one."""

    def logout(
        self, provider: str, session_key: str = DEFAULT_KEY, *, revoke: bool = True
    ) -> Logout:
        """Delete the account, then revoke its tokens (RFC 7009); ``note`` says what failed."""

    def allowed(self) -> list[Consent]:
        """What notebooks may use, where their person is asked."""

    def disallow(self, key: AccountKey, notebook: str) -> bool:
        """End what a notebook, "" is programs, may use. False: there was nothing."""

    def import_accounts(self, provider: str) -> list[Imported]:
        """Import the sign-ins that another package keeps in its files.

        Raises:
            ConfigurationError: no such package is known, or it is not allowed here.
        """

    def client_token(
        self,
        provider: str,
        session_key: str = DEFAULT_KEY,
        need: Need = ANY,
        scopes: Sequence[str] = (),
    ) -> Token:
        """A service account's token (RFC 6749 4.4), another one for each ``session_key``.

        Raises:
            ConfigurationError: there is no client secret for it.
            ProviderUnavailable, ProviderError: try again.
        """

    def client_logout(
        self, provider: str, session_key: str = DEFAULT_KEY, *, revoke: bool = True
    ) -> Logout:
        """Delete a service account's tokens, then revoke them."""


class LimitCalls(Protocol):
    """The limits of APIs."""

    def usage(self, seen: Limits) -> Limits:
        """Report ``calls``, a quota or a lockout that a process saw; returns those of all."""

    def limits(self) -> list[Limits]:
        """The limits of each token that was used."""


class Accounts(ProviderCalls, LoginCalls, TokenCalls, LimitCalls, Protocol):
    """All that sessions, the widget and ``%auth`` need."""

    def changes(self, since: int = 0, wait: float = 0.0) -> Changes:
        """The changes after ``since``, waiting for one up to ``wait`` seconds."""
