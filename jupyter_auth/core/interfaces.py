"""The two seams that hold this package together: ``TokenSource`` and ``Accounts``.

Each is implemented by an engine and by the client of a broker; nobody asks which of the two it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.tokens.need import ANY, Need

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyter_auth.core.common.finding import Finding
    from jupyter_auth.core.common.rate_limits import Limits
    from jupyter_auth.core.login.loopback_logins import LoopbackLogins
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
    from jupyter_auth.core.provider.provider import Provider, ProviderInfo
    from jupyter_auth.core.secret import Secret


class TokenSource(Protocol):
    """All that ``TokenAuth`` needs. Bound to one account."""

    def token(self, min_valid: float = 0.0) -> Token:
        """A token valid for ``min_valid`` seconds more, refreshed first where it has to be.

        LoginRequired (or RefreshRejected): a person must sign in. ProviderUnavailable,
        ProviderError, BrokerUnavailable: try again, nothing is lost.
        """

    def rejected(self, token: Token) -> Token:
        """Another token, after the API refused this one. Errors as for ``token``."""


class ProviderCalls(Protocol):
    """The providers that are known where the accounts are kept."""

    def providers(self) -> list[ProviderInfo]:
        """All providers known by name, and ready to use."""

    def provider(self, name: str) -> ProviderInfo:
        """One of them. ProviderNotFound names those near it."""

    def configuration(self, name: str) -> Provider:
        """The whole provider but for its client secrets. ProviderNotFound."""

    def register(self, provider: Provider) -> ProviderInfo:
        """Make a provider made in code known. ConfigurationError: not allowed here."""

    def register_unnamed(self, provider: Provider) -> ProviderInfo:
        """The same, but its name goes on to mean what it meant in this process."""
        return self.register(provider)

    def add(self, name: str, fields: Mapping[str, Any]) -> ProviderInfo:
        """Write one down in the person's own file, its client secret in one that is theirs alone.

        ConfigurationError: not allowed here, the name is taken, or it cannot work.
        """

    def examine(self, name: str | None = None) -> list[Finding]:
        """What ``doctor`` reports of whoever keeps the accounts, or of one provider.

        The provider is asked afresh, which may take seconds. ProviderNotFound.
        """

    def default(self) -> str | None:
        """The provider to use where none is named. None: there is none, or several can be meant."""


class LoginCalls(Protocol):
    """Logins: begun by whoever needs an account, finished by a person."""

    def begin(self, request: LoginRequest) -> Login:
        """A pending login: a new one, or the one under way for the same account and parameters.

        ProviderNotFound, ConfigurationError; ProviderUnavailable, ProviderError from discovery.
        """

    def login(self, login_id: str) -> Login:
        """How that login stands. LoginExpired: it is not known (any more)."""

    def logins(self) -> list[Login]:
        """The pending ones."""

    def cancel(self, login_id: str) -> Login:
        """End a login for everybody who waits for it."""

    def leave(self, login_id: str) -> Login:
        """One who began it waits no more; it is cancelled when that was the last one."""

    @property
    def local(self) -> LoopbackLogins | None:
        """What drives logins in this process. None: a server has pages for them."""
        return None


class TokenCalls(Protocol):
    """Accounts, and their tokens."""

    def accounts(self) -> list[AccountInfo]:
        """Who is signed in."""

    def account(self, key: AccountKey) -> AccountInfo | None:
        """Who is signed in there; None: nobody."""
        return next((each for each in self.accounts() if each.key == key), None)

    def token(self, provider: str, session_key: str = DEFAULT_KEY, need: Need = ANY) -> Token:
        """The account's token. Errors: see ``TokenSource``."""

    def id_token(self, provider: str, session_key: str = DEFAULT_KEY) -> Secret | None:
        """The ID token of the last login or refresh, where the provider gives one."""

    def logout(
        self, provider: str, session_key: str = DEFAULT_KEY, *, revoke: bool = True
    ) -> Logout:
        """Delete here first, then revoke at the provider (RFC 7009); ``note`` says what failed."""

    def import_accounts(self, provider: str) -> list[Imported]:
        """Take over the sign-ins that another package keeps in files of its own, as far as it can.

        ConfigurationError: no such package is known of that provider, or not here.
        """

    def client_token(
        self,
        provider: str,
        session_key: str = DEFAULT_KEY,
        need: Need = ANY,
        scopes: Sequence[str] = (),
    ) -> Token:
        """A service account's token (RFC 6749 4.4); each ``session_key`` has one of its own.

        ConfigurationError: no client secret is held for it. ProviderUnavailable, ProviderError.
        """

    def client_logout(
        self, provider: str, session_key: str = DEFAULT_KEY, *, revoke: bool = True
    ) -> Logout:
        """Forget the service account's tokens here, then revoke them at the provider."""


class LimitCalls(Protocol):
    """What is known of APIs' limits."""

    def usage(self, seen: Limits) -> Limits:
        """Tell what a process saw of an API's limits: ``calls`` more, a quota, a lockout.

        Returns what all processes saw together of that token.
        """

    def limits(self) -> list[Limits]:
        """What is known of the limits of each token that was used."""


class Accounts(ProviderCalls, LoginCalls, TokenCalls, LimitCalls, Protocol):
    """What sessions, the widget and ``%auth`` need; by Engine and by BrokerClient."""

    def changes(self, since: int = 0, wait: float = 0.0) -> Changes:
        """What happened after ``since``; with ``wait``, blocks for that many seconds for some."""
