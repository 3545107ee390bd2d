"""The device authorization grant (RFC 8628): a person enters a code at the provider.

Nothing here blocks. Callers that wait for the login call ``poll`` now and then; the provider is
asked when its interval has passed, by one caller at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.errors import ProviderError
from jupyter_auth.core.login.finish import Completion, FindParty, GrantDriver, asked_scopes
from jupyter_auth.core.login.login_store import DevicePolls
from jupyter_auth.core.protocol import oauth
from jupyter_auth.core.protocol.oauth_response import ScopesRefused
from jupyter_auth.core.protocol.token_endpoint import ClientForgotten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_auth.core.models import Login
    from jupyter_auth.core.protocol.oauth_response import DeviceAuthorizationResponse
    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.registration.clients import Clients
    from jupyter_auth.core.secret import Secret

AGAIN = "It is retried automatically."


class DeviceGrant(GrantDriver):
    """Drives logins by device code.

    Of what an API demands, a device's request can ask for scopes alone (RFC 8628 3.1, RFC 9470 4).
    """

    def __init__(self, completion: Completion, party: FindParty, clients: Clients) -> None:
        super().__init__(completion, party)
        self._clients = clients

    def start(self, login_id: str, *, confirm_by: str | None) -> Login:
        """The login with a user code: a new one, or the one it has.

        ``confirm_by``: as in ``AuthorizationResponse``; that of the first caller counts.

        Raises:
            ProviderUnavailable, ProviderError, ConfigurationError: no code; it can be tried again.
            ScopesRefused: the same.
            AuthError: the login's outcome, where it is not pending.
        """
        purpose = self.logins.purpose(login_id)
        login = self.logins.get(login_id)
        if login.user_code or login.candidate:
            return login
        party = self._party(login.provider)
        scopes = asked_scopes(purpose, party)
        try:
            party, verifier, answer = self._completion.attempt(
                login_id, lambda: self._authorized(party, scopes, purpose.resource)
            )
        except ScopesRefused:
            if not (fewer := self.without_offline_access(purpose, party)):
                raise
            self.logins.narrow(login_id, fewer)
            return self.start(login_id, confirm_by=confirm_by)
        polls = DevicePolls(
            device_code=answer.device_code,
            verifier=verifier,
            fingerprint=party.provider.fingerprint,
            client_id=party.registered.client_id if party.registered else None,
            interval=answer.interval,
            confirm_by=confirm_by,
        )
        return self.logins.add_device(login_id, answer, polls)

    def _authorized(
        self, bare: Party, scopes: Sequence[str], resource: str
    ) -> tuple[Party, Secret | None, DeviceAuthorizationResponse]:
        """The party with its client, a verifier for public ones, and the code to show."""
        while True:
            party = self._clients.for_sign_in(bare, "", scopes)
            verifier = oauth.new_verifier() if party.is_public else None
            try:
                return (
                    party,
                    verifier,
                    oauth.authorize_device(party, scopes, verifier, resource),
                )
            except ClientForgotten:
                if not self._clients.doubt(party):
                    raise

    def poll(self, login_id: str) -> Login:
        """The login, after asking the provider for its tokens if that is due.

        A provider that does not answer is asked less and less often until the code expires; the
        pending login has an ``error`` until then.
        """
        if (polls := self.logins.take_poll(login_id)) is None:
            return self.logins.get(login_id)
        login = self.logins.get(login_id)
        try:
            return self._completion.outcome(login_id, lambda: self._asked(login, polls))
        finally:
            self.logins.put_back(login_id, polls)

    def _asked(self, login: Login, polls: DevicePolls) -> Login:
        purpose = self.logins.purpose(login.id)
        try:
            party = self._party(login.provider, polls.client_id)
            party.check_unchanged(polls.fingerprint)
            proof = (polls.interval, polls.verifier)
            answer = oauth.poll_device(party, polls.device_code, *proof, purpose.resource)
        except (ProviderUnavailable, ProviderError) as error:
            polls.failures += 1
            polls.error = type(error)(error.message, hint=AGAIN).to_wire()
            return self.logins.get(login.id)
        polls.failures, polls.error = 0, None
        if isinstance(answer, float):
            polls.interval = answer
            return self.logins.get(login.id)
        return self._completion.keep(login, purpose, party, answer, confirm_by=polls.confirm_by)
