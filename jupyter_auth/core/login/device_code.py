"""The device grant (RFC 8628): a person takes a code to the provider, and we ask how it goes.

Nobody waits in here. Whoever waits for the login calls ``poll`` now and then; the provider is asked
when its interval is over, and by one caller at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.errors import ProviderError
from jupyter_auth.core.protocol import oauth

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.login.finish import Completion
    from jupyter_auth.core.login.login_store import DevicePolls
    from jupyter_auth.core.login.logins import Logins
    from jupyter_auth.core.models import Login
    from jupyter_auth.core.protocol.parties import Party

AGAIN = "Nothing is lost: it is asked again by itself."


class DeviceGrant:
    """The driver of device logins. ``party`` finds a provider by name."""

    def __init__(
        self, logins: Logins, completion: Completion, party: Callable[[str], Party]
    ) -> None:
        self._logins = logins
        self._completion = completion
        self._party = party

    def start(self, login_id: str, *, confirm_by: str | None) -> Login:
        """The login with the code for a person to take along: a new one, or the one it has.

        ``confirm_by``: as in ``AuthorizationResponse``; that of the first to ask counts. Raises the
        login's outcome where it is not pending; ProviderUnavailable, ProviderError,
        ConfigurationError: no code; it can be tried again.
        """
        request = self._logins.request(login_id)
        login = self._logins.get(login_id)
        if login.user_code or login.candidate:
            return login
        party = self._party(login.provider)
        answer = oauth.authorize_device(party, request.scopes or party.default_scopes)
        return self._logins.add_device(login_id, answer, party.provider.fingerprint, confirm_by)

    def asks(self, login_id: str, confirm_by: str) -> bool:
        """As ``Logins.asks``."""
        return self._logins.asks(login_id, confirm_by)

    def poll(self, login_id: str) -> Login:
        """Ask the provider how it stands, if it is time to and nobody else is asking.

        A provider that is away is asked again, less and less often, until the code expires; the
        pending login has its ``error`` meanwhile.
        """
        if (polling := self._logins.take_poll(login_id)) is None:
            return self._logins.get(login_id)
        login = self._logins.get(login_id)
        try:
            return self._completion.outcome(login_id, lambda: self._asked(login, polling))
        finally:
            self._logins.put_back(login_id, polling)

    def _asked(self, login: Login, polling: DevicePolls) -> Login:
        request = self._logins.request(login.id)
        try:
            party = self._party(login.provider)
            party.check_unchanged(polling.fingerprint)
            answer = oauth.poll_device(party, polling.device_code)
        except (ProviderUnavailable, ProviderError) as error:
            polling.failures += 1
            polling.error = error.to_wire() | {"hint": AGAIN}
            return self._logins.get(login.id)
        polling.failures, polling.error = 0, None
        if isinstance(answer, str):
            polling.interval += oauth.SLOWER if answer == "slow_down" else 0.0
            return self._logins.get(login.id)
        return self._completion.keep(login, request, party, answer, confirm_by=polling.confirm_by)
