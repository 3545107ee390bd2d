"""Token revocation (RFC 7009): tried at once, and again while this process lives."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from jupyter_auth.core.common.handles import is_handle
from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.models import ApiKeyAccount, Logout
from jupyter_auth.core.protocol import oauth
from jupyter_auth.core.pyodide import IN_PYODIDE
from jupyter_auth.core.tokens.resource_tokens import NO_TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.models import Account, ResourceToken
    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.core.secret import Secret

RETRIES = (30.0, 120.0, 600.0, 1800.0)  # seconds until the next try


class Revoker:
    """Revokes tokens, and retries in this process; ``expect``, ``later``, ``settled`` are hooks."""

    def __init__(self) -> None:
        self._closed = threading.Event()

    def expect(self, account: Account) -> None:
        """Called before an account is deleted and revoked; a ``StoreError`` prevents that."""

    def later(self, account: Account, attempt: Callable[[], Logout], why: str) -> str:  # noqa: ARG002
        """Retry a failed ``attempt``; the note for the person."""
        if IN_PYODIDE:  # it has no threads
            return "Sign out at the provider itself."
        threading.Thread(
            target=self._retry, args=(attempt,), daemon=True, name="revocation"
        ).start()
        return "It is retried while this program runs."

    def settled(self, account: Account, outcome: Logout) -> None:
        """Called once nothing is left to revoke."""

    def revoke(self, find_party: Callable[[], Party], account: Account) -> Logout:
        """Revoke an account's tokens. Never raises."""
        return self._tried(account, lambda: revoke_tokens(find_party, account))

    def give_back(self, find_party: Callable[[], Party], account: Account) -> None:
        """As ``revoke``, in a thread where there are any."""
        if IN_PYODIDE:
            self.revoke(find_party, account)
            return
        threading.Thread(
            target=self.revoke, args=(find_party, account), daemon=True, name="revocation"
        ).start()

    def sign_out(
        self,
        account: Account,
        provider: Provider | None,
        party: Callable[[Provider, str | None], Party],
    ) -> Logout:
        """As the function ``sign_out``, with retries. Never raises."""
        return self._tried(account, lambda: sign_out(account, provider, party))

    def close(self) -> None:
        """Stop retrying."""
        self._closed.set()

    def _tried(self, account: Account, attempt: Callable[[], Logout]) -> Logout:
        if isinstance(account, ApiKeyAccount):
            return _left("The key itself stays valid: revoke it where it was created.")
        try:
            outcome = attempt()
        except AuthError as error:
            note = f"{error.message} {self.later(account, attempt, error.message)}"
            return Logout(removed=True, revoked=False, note=note)
        self.settled(account, outcome)
        return outcome

    def _retry(self, attempt: Callable[[], Logout]) -> None:
        for delay in RETRIES:
            if self._closed.wait(delay):
                return
            try:
                attempt()
            except AuthError:
                continue
            return


def sign_out(
    account: Account, provider: Provider | None, party: Callable[[Provider, str | None], Party]
) -> Logout:
    """Revoke a deleted account. ``provider``: as it is configured now, or None; ``party``: with
    the client of that ID.

    Raises:
        AuthError: it cannot be revoked now, but maybe later.
    """
    if provider is None or provider.fingerprint != account.fingerprint:
        if is_handle(account.provider):
            return _left("Its definition isn't known here any more, so nothing could be revoked.")
        return _left("The provider's configuration has changed; its tokens expire by themselves.")
    return revoke_tokens(lambda: party(provider, account.client_id), account)


def revoke_tokens(find_party: Callable[[], Party], account: Account) -> Logout:
    """Revoke an account's tokens, the refresh token first: it could make new access tokens.

    Raises:
        AuthError: they cannot be revoked now, but maybe later.
    """
    party = find_party()
    if not party.endpoints.revocation_endpoint or not party.provider.revoke:
        title = party.provider.title
        return _left(f"{title} does not support revocation; tokens stay valid until they expire.")
    left: dict[str, str] = {}
    for kind, token in _tokens_of(account):
        if said := oauth.revoke(party, token, kind):
            left[kind] = said
    if not left:
        return Logout(removed=True, revoked=True)
    kinds, said = " and ".join(left).replace("_", " "), "; ".join(dict.fromkeys(left.values()))
    note = f"{party.provider.title} does not revoke the {kinds} ({said}): valid until it expires."
    whole = account.refresh_token is not None and [*left] == ["access_token"]
    return Logout(removed=True, revoked=whole, note=note)


def _tokens_of(account: Account) -> list[tuple[str, Secret]]:
    """All of them, refresh tokens first."""
    all_of_them: list[Account | ResourceToken] = [account, *account.resources.values()]
    refresh = [("refresh_token", each.refresh_token) for each in all_of_them]
    access = [("access_token", each.access_token) for each in all_of_them]
    return [(kind, token) for kind, token in (*refresh, *access) if token and token != NO_TOKEN]


def _left(note: str) -> Logout:
    return Logout(removed=True, revoked=False, note=note)
