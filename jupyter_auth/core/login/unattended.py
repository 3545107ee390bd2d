"""Sign-ins with nobody there: by a user name and password of this process's environment.

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


class Unattended:
    """Those of one person's accounts.

    Only the default account, and the one under that user name, are signed in so. What was refused
    once is not sent again, and who signs out stays signed out, for as long as this process lives.
    """

    def __init__(
        self,
        providers: Providers,
        party: Callable[[Provider], Party],
        completion: Completion,
        tokens: AccountTokens,
    ) -> None:
        self._providers = providers
        self._party = party
        self._completion = completion
        self._tokens = tokens
        self._refused: dict[AccountKey, RefreshRejected] = {}
        self._signed_out: set[AccountKey] = set()
        self._flights: SingleFlight[None] = SingleFlight()

    def findings(self, name: str) -> Iterator[Finding]:
        """For ``doctor``: that it is so, or how it was refused. No user name is shown."""
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
            says = f"{_variables(name)} sign in with nobody there."
            yield Finding(about="Password", says=says, state="note")

    def sign_in(self, key: AccountKey) -> bool:
        """Whether that account is signed in now. False: there is nothing to sign in with.

        RefreshRejected: the user name and password were refused. ProviderUnavailable and
        ProviderError: try again.
        """
        if key in self._signed_out or not self._found(key):
            return False
        if refused := self._refused.get(key):
            raise RefreshRejected(refused.message, hint=refused.hint)
        self._flights.run(key, lambda: self._sign_in(key))
        return True

    def sign_out(self, key: AccountKey) -> None:
        """Not again by itself."""
        self._signed_out.add(key)

    def _found(self, key: AccountKey) -> bool:
        found = self._providers.password(key.provider)
        return found is not None and key.session_key in {DEFAULT_KEY, found.username}

    @forgetful
    def _sign_in(self, key: AccountKey) -> None:
        found = self._providers.password(key.provider)
        assert found is not None  # noqa: S101 (asked before)
        party = self._party(self._providers.get(key.provider))
        request = LoginPurpose(key=key, grant="password")
        try:
            answer = oauth.password(party, found.username, found.password, party.default_scopes)
        except (LoginFailed, ConfigurationError) as error:
            refused = self._refused[key] = _refusal(key.provider, error)
            raise refused from None
        account = self._completion.account(request, party, answer, username=found.username)
        self._tokens.keep(account)


def _variables(provider: str) -> str:
    return " and ".join(variable(plain(provider), name) for name in ("username", "password"))


def _refusal(provider: str, error: LoginFailed | ConfigurationError) -> RefreshRejected:
    return RefreshRejected(
        f"Signing in with {_variables(provider)} failed. {error.message}",
        hint=f"Correct them where this process, or its Jupyter server, is started. {error.hint}",
    )
