"""Sign-ins without a person, by a user name and password in this process's environment.

That is the password grant (RFC 6749 4.3), for nightly jobs at providers that offer nothing better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.core.common.finding import Finding, wrong
from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.common.tracebacks import forgetful
from jupyter_auth.core.errors import ConfigurationError, LoginFailed, RefreshRejected
from jupyter_auth.core.login.login_store import LoginPurpose
from jupyter_auth.core.protocol import oauth
from jupyter_auth.core.provider.client_credentials import variable
from jupyter_auth.core.tokens.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_auth.core.login.finish import Completion
    from jupyter_auth.core.models import AccountKey
    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.core.provider.registry import Providers
    from jupyter_auth.core.tokens.account_tokens import AccountTokens
    from jupyter_auth.core.tokens.limits.lockouts import TokenLockouts


class UnattendedLogins:
    """The unattended logins of one person's accounts.

    Only the default account, and the one under that user name, are signed in so. For as long as
    this process lives, rejected credentials are not sent again, and a sign-out is final.
    """

    def __init__(
        self,
        providers: Providers,
        party: Callable[[Provider], Party],
        completion: Completion,
        tokens: AccountTokens,
        lockouts: TokenLockouts,
    ) -> None:
        self._providers = providers
        self._party = party
        self._completion = completion
        self._tokens = tokens
        self._lockouts = lockouts
        self._refused: dict[AccountKey, RefreshRejected] = {}
        self._signed_out: set[AccountKey] = set()
        self._flights: SingleFlight[None] = SingleFlight()

    def findings(self, name: str) -> Iterator[Finding]:
        """For ``doctor``: whether it is configured or was rejected. No user name is shown."""
        try:
            if self._providers.password(name) is None:
                return
        except ConfigurationError as error:
            yield wrong("Password", error)
            return
        refused = [error for key, error in self._refused.items() if key.provider == name]
        if refused:
            yield wrong("Password", refused[0])
        else:
            says = f"{_variables(name)} sign in without a person."
            yield Finding(about="Password", says=says, state="note")

    def sign_in(self, key: AccountKey) -> bool:
        """Whether that account is signed in now; False if there are no credentials for it.

        Raises:
            RefreshRejected: the user name and password were rejected.
            ProviderUnavailable, ProviderError: try again.
        """
        if key in self._signed_out or not self._found(key):
            return False
        if old := self._refused.get(key):
            raise RefreshRejected(old.message, hint=old.own_hint, next_step=old.next_step)
        self._flights.run(key, lambda: self._sign_in(key))
        return True

    def sign_out(self, key: AccountKey) -> None:
        """Do not sign this account in any more."""
        self._signed_out.add(key)

    def _found(self, key: AccountKey) -> bool:
        found = self._providers.password(key.provider)
        return found is not None and key.session_key in {DEFAULT_KEY, found.username}

    @forgetful
    def _sign_in(self, key: AccountKey) -> None:
        found = self._providers.password(key.provider)
        assert found is not None  # noqa: S101 (``_found`` was asked)
        party = self._party(self._providers.get(key.provider))
        purpose = LoginPurpose(key=key, grant="password")
        try:
            with self._lockouts.respected(party):
                answer = oauth.password(party, found.username, found.password, party.default_scopes)
        except (LoginFailed, ConfigurationError) as error:
            refused = self._refused[key] = RefreshRejected(
                f"Signing in with {_variables(key.provider)} failed. {error.message}",
                hint="Correct them where this process or its Jupyter server is started."
                f" {error.own_hint}".rstrip(),
                next_step=error.next_step,
            )
            raise refused from None
        account = self._completion.account(purpose, party, answer, username=found.username)
        self._tokens.keep(account)


def _variables(provider: str) -> str:
    return " and ".join(variable(plain(provider), name) for name in ("username", "password"))
