"""Sign-out at the provider (RFC 7009): tried at once, and again while this process lives."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from jupyter_auth.core import oauth
from jupyter_auth.core.errors import AuthError, ConfigurationError
from jupyter_auth.core.handles import is_handle
from jupyter_auth.core.models import Logout

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.models import Account
    from jupyter_auth.core.provider import Provider
    from jupyter_auth.core.token_endpoint import Party

RETRIES = (30.0, 120.0, 600.0, 1800.0)  # seconds until the next try


class Revoker:
    """Revokes what an account held, refresh token first: it could make new access tokens."""

    def __init__(self) -> None:
        self._closed = threading.Event()

    def revoke(self, find_party: Callable[[], Party], account: Account) -> tuple[bool, str]:
        """Whether the provider took them back, and if not, why. Never raises."""
        if account.kind == "api_key":
            return False, "A key is not revoked from here."
        try:
            party = find_party()
            if not party.endpoints.revocation_endpoint or not party.provider.revoke:
                return False, f"{party.provider.title} offers no revocation: its tokens run out."
            _revoke_all(party, account)
        except ConfigurationError as error:
            return False, error.message
        except AuthError as error:
            thread = threading.Thread(
                target=self._retry, args=(find_party, account), daemon=True, name="revocation"
            )
            thread.start()
            return False, f"{error.message} It is tried again while this program runs."
        return True, ""

    def give_back(self, find_party: Callable[[], Party], account: Account) -> None:
        """As ``revoke``, for whoever cannot wait: in a thread of its own."""
        threading.Thread(
            target=self.revoke, args=(find_party, account), daemon=True, name="revocation"
        ).start()

    def sign_out(
        self, account: Account, provider: Provider | None, party: Callable[[Provider], Party]
    ) -> Logout:
        """What became of an account that is gone from here. ``provider``: as it is now, or None."""
        if account.kind == "api_key":
            note = "The key itself stays valid: withdraw it where it was made."
            return Logout(removed=True, revoked=False, note=note)
        if provider is None or provider.fingerprint != account.fingerprint:
            note = "The provider was configured anew since; its tokens run out by themselves."
            if is_handle(account.provider):
                note = "Its definition isn't known here any more, so nothing could be revoked."
            return Logout(removed=True, revoked=False, note=note)
        revoked, note = self.revoke(lambda: party(provider), account)
        return Logout(removed=True, revoked=revoked, note=note)

    def close(self) -> None:
        """Try no more."""
        self._closed.set()

    def _retry(self, find_party: Callable[[], Party], account: Account) -> None:
        for delay in RETRIES:
            if self._closed.wait(delay):
                return
            try:
                _revoke_all(find_party(), account)
            except AuthError:
                continue
            return


def _revoke_all(party: Party, account: Account) -> None:
    if account.refresh_token:
        oauth.revoke(party, account.refresh_token, "refresh_token")
    oauth.revoke(party, account.access_token, "access_token")
