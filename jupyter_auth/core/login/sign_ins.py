"""Logins and the grants that finish them: what an engine loads once a person signs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.core.common.session_key import check_session_key
from jupyter_auth.core.login import grants
from jupyter_auth.core.login.authorization_code import AuthorizationCodeGrant
from jupyter_auth.core.login.device_code import DeviceGrant
from jupyter_auth.core.login.finish import Completion
from jupyter_auth.core.login.import_accounts import take_over
from jupyter_auth.core.login.logins import Logins
from jupyter_auth.core.login.typed_grants import TypedGrants
from jupyter_auth.core.login.unattended import UnattendedLogins

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jupyter_auth.core.login.admission import Admission
    from jupyter_auth.core.login.login_store import LoginStore
    from jupyter_auth.core.models import Account, Imported, Login, LoginRequest
    from jupyter_auth.core.protocol.discovery import Discovery
    from jupyter_auth.core.protocol.parties import Parties
    from jupyter_auth.core.provider.registry import Providers
    from jupyter_auth.core.tokens.account_tokens import AccountTokens
    from jupyter_auth.core.tokens.revocation import Revoker


class SignIns:
    """One person's logins and grants. ``changed``: see ``Logins``."""

    def __init__(
        self,
        providers: Providers,
        parties: Parties,
        tokens: AccountTokens,
        *,
        discovery: Discovery,
        revoker: Revoker,
        clock: Callable[[], float],
        changed: Callable[[Login], None],
        lifetime: float,
        login_store: LoginStore | None,
        admit: Admission,
    ) -> None:
        self._providers = providers
        self._parties = parties
        self._tokens = tokens
        self.logins = Logins(clock, changed, self._dropped, lifetime, login_store)
        self.completion = Completion(self.logins, tokens, discovery, revoker, clock, admit=admit)
        self.redirect = AuthorizationCodeGrant(self.completion, parties.of, providers)
        self.device = DeviceGrant(self.completion, parties.of)
        self.typed = TypedGrants(self.completion, parties.typed, providers, clock)
        self.unattended = UnattendedLogins(providers, parties.at, self.completion, tokens)

    def begin(self, request: LoginRequest, *, has_pages: bool) -> Login:
        """See ``Accounts.begin``. ``has_pages``: a person can complete a client registration."""
        check_session_key(request.session_key)
        party = self._parties.of(request.provider)
        grant = grants.chosen(party, request.grant)
        if grant in grants.TYPED:
            self._parties.typed(request.provider)
        if grant != "api_key" and not (has_pages and self._providers.completable(request.provider)):
            party.require_client()
        return self.logins.begin(request, grant, grants.destination(party, grant))

    def confirm(self, login_id: str, proof: str) -> Login:
        """See ``Engine.confirm``."""
        party = self._parties.of(self.logins.purpose(login_id).key.provider)
        return self.completion.store(login_id, party, self.logins.take_held(login_id, proof))

    def import_accounts(self, provider: str, home: Path) -> list[Imported]:
        """See ``Accounts.import_accounts``."""
        party = self._parties.typed(provider)
        self._providers.require_trust(provider)
        return take_over(provider, party, self.completion, self._tokens, home)

    def _dropped(self, account: Account) -> None:
        self.completion.give_back(lambda: self._parties.of(account.provider), account, wait=False)
