"""Tokens of service accounts (RFC 6749 4.4): in memory, and requested again when they expire.

There is one for each ``session_key`` and set of scopes.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.common.session_key import check_session_key
from jupyter_auth.core.errors import ProviderError
from jupyter_auth.core.models import Account, Logout
from jupyter_auth.core.protocol import oauth
from jupyter_auth.core.provider.client_credentials import no_service_account
from jupyter_auth.core.provider.resources import require_allowed
from jupyter_auth.core.tokens.lifetimes import PAUSE, as_token, meets, must_wait, works
from jupyter_auth.core.tokens.limits.lockouts import Lockouts, TokenLockouts
from jupyter_auth.core.tokens.revocation import Revoker
from jupyter_auth.core.tokens.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jupyter_auth.core.models import AccountKey, Token
    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.core.tokens.need import Need

MOST = 256  # tokens at once: kernels choose session_keys freely


class _TokenKey(NamedTuple):
    key: AccountKey
    fingerprint: str
    scopes: tuple[str, ...]


class _Held(NamedTuple):
    account: Account
    forced: bool  # it replaced a rejected one
    paused: float | None = None  # till when after its renewal failed


class ServiceAccountTokens:
    """The service account tokens of one person's kernels. ``party``: a provider's endpoints."""

    def __init__(
        self,
        party: Callable[[Provider], Party],
        clock: Callable[[], float],
        revoker: Revoker | None = None,
        lockouts: TokenLockouts | None = None,
    ) -> None:
        self._party = party
        self._clock = clock
        self._lockouts = lockouts or TokenLockouts(Lockouts(None), clock)
        self._lock = threading.Lock()
        self._held: dict[_TokenKey, _Held] = {}
        self._flights: SingleFlight[Token] = SingleFlight()
        self._revoker = revoker or Revoker()

    def token(
        self, provider: Provider, key: AccountKey, need: Need, scopes: Sequence[str] = ()
    ) -> Token:
        """A token that meets ``need``, of a provider made by ``Provider.as_service``.

        Raises:
            ConfigurationError: there is no client secret, or the provider rejected the client.
            ProviderUnavailable, ProviderError: no new token, and the old one does not do.
        """
        check_session_key(key.session_key)
        require_allowed(provider, scopes)
        if not provider.client_secret:
            raise no_service_account(provider)
        token_key = _TokenKey(key, provider.fingerprint, tuple(scopes) or provider.scopes)
        return self._flights.run_for(
            token_key,
            lambda: self._current(provider, token_key, need),
            lambda token: token.digest != need.rejected,
        )

    def drop(self, provider: Provider, key: AccountKey, *, revoke: bool) -> Logout:
        """Forget the tokens of one ``session_key``, then revoke them (RFC 7009)."""
        with self._lock:
            dropped = [self._held.pop(each).account for each in [*self._held] if each.key == key]
        if not revoke or not dropped:
            return Logout(removed=bool(dropped), revoked=False)
        outcomes = [self._revoker.revoke(lambda: self._party(provider), each) for each in dropped]
        notes = dict.fromkeys(each.note for each in outcomes if each.note)
        revoked = all(each.revoked for each in outcomes)
        return Logout(removed=True, revoked=revoked, note=" ".join(notes))

    def _current(self, provider: Provider, token_key: _TokenKey, need: Need) -> Token:
        held = self._held.get(token_key)
        if held and self._will_do(held, provider, need):
            return as_token(held.account, provider)
        try:
            fresh = self._issued(provider, token_key)
        except (ProviderUnavailable, ProviderError):
            if held is None or not works(held.account, need, self._clock()):
                raise
            self._hold(token_key, held._replace(paused=self._clock() + PAUSE))
            return as_token(held.account, provider)
        forced = held is not None and need.rejected == held.account.access_token.digest
        self._hold(token_key, _Held(fresh, forced))
        return as_token(fresh, provider)

    def _will_do(self, held: _Held, provider: Provider, need: Need) -> bool:
        account, now = held.account, self._clock()
        forced = account.issued_at if held.forced else None
        return meets(account, provider, need, now, renewable=True) or must_wait(
            account, need, now, paused=held.paused, forced=forced
        )

    def _issued(self, provider: Provider, token_key: _TokenKey) -> Account:
        party = self._party(provider)
        with self._lockouts.respected(party):
            answer = oauth.client_credentials(party, token_key.scopes)
        now = self._clock()
        return Account(
            provider=token_key.key.provider,
            session_key=token_key.key.session_key,
            fingerprint=token_key.fingerprint,
            access_token=answer.access_token,
            scopes=token_key.scopes if answer.scopes is None else answer.scopes,
            issued_at=now,
            expires_at=answer.ends(now),
            token_fields=answer.fields,
            signed_in_at=now,
        )

    def _hold(self, token_key: _TokenKey, held: _Held) -> None:
        with self._lock:
            self._held.pop(token_key, None)
            self._held[token_key] = held  # the newest is the last
            while len(self._held) > MOST:
                del self._held[next(iter(self._held))]
