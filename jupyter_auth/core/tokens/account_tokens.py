"""The tokens of accounts: valid, or refreshed once for all callers.

Concurrent callers share one refresh in this process. It takes the account's lock, reads the store
again, and saves the new tokens before they are used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from jupyter_auth.core.common.override import override
from jupyter_auth.core.errors import (
    ConfigurationError,
    InsufficientScope,
    LoginRequired,
    ProviderError,
    RefreshRejected,
    StoreError,
    Unavailable,
    UserMismatch,
)
from jupyter_auth.core.models import Account, AccountInfo, AccountKey, Token
from jupyter_auth.core.provider.resources import canonical, require_allowed
from jupyter_auth.core.record import replace
from jupyter_auth.core.tokens import lifetimes
from jupyter_auth.core.tokens.failures import Failures
from jupyter_auth.core.tokens.kept_accounts import SAVE_PAUSE, KeptAccounts, digest, readable
from jupyter_auth.core.tokens.lifetimes import as_token
from jupyter_auth.core.tokens.next_steps import how_to_sign_in
from jupyter_auth.core.tokens.resource_tokens import joined, merged, not_granted, view
from jupyter_auth.core.tokens.single_flight import SingleFlight

if TYPE_CHECKING:
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.core.secret import Secret
    from jupyter_auth.core.tokens.change_log import ChangeLog
    from jupyter_auth.core.tokens.need import Need
    from jupyter_auth.core.tokens.store import TokenStore

# Renews an account; what it passes to its last argument is saved even if the rest fails.
Renew = Callable[["Provider", Account, "Need", Callable[[Account], None]], Account]
# Those that may pass, and refusals that do not end the sign-in.
FAILURES = (Unavailable, ProviderError, ConfigurationError, StoreError, InsufficientScope)


class _Wanted(NamedTuple):
    """What is refreshed, and fails or not, apart from others."""

    key: AccountKey
    resource: str = ""
    claims: bool = False

    @classmethod
    def of(cls, key: AccountKey, need: Need) -> _Wanted:
        return cls(key, need.resource, bool(need.claims))


class AccountTokens(KeptAccounts):
    """One person's accounts and tokens."""

    def __init__(
        self, store: TokenStore, renew: Renew, log: ChangeLog, clock: Callable[[], float]
    ) -> None:
        super().__init__(store, log, clock)
        self._renew = renew
        self._flights: SingleFlight[Token] = SingleFlight()
        self._failed: dict[_Wanted, Failures] = {}
        self._forced: dict[_Wanted, tuple[str, float]] = {}  # they replaced rejected ones

    def load(self, provider: Provider, key: AccountKey) -> Account | None:
        """The account, if it was made with this configuration (SECURITY 15)."""
        account = self.stored(key)
        return account if account and account.fingerprint == provider.fingerprint else None

    @override
    def accounts(self) -> list[AccountInfo]:
        return [self._with_trouble(info) for info in super().accounts()]

    @override
    def account(self, key: AccountKey) -> AccountInfo | None:
        info = super().account(key)
        return info and self._with_trouble(info)

    @override
    def keep(self, account: Account) -> None:
        self._forget_failures(account.key)
        super().keep(account)

    def adopt(self, key: AccountKey, refresh_token: Secret, make: Callable[[], Account]) -> Account:
        """Save the account that ``make`` gets for another program's refresh token, under the lock.

        Once: it may be handed over again, as no answer came, and a second use could end the grant.
        """
        with self._locked(key) as slot:
            before = self._current(key, lambda _: readable(slot.load))
            if before and before.adopted == refresh_token.digest:
                return before
            account = replace(joined(make(), before), adopted=refresh_token.digest)
            self._save(slot, account)
        self._forget_failures(key)
        self._changed("account", key)
        return account

    @override
    def drop(
        self, key: AccountKey, before: Callable[[Account], None] | None = None
    ) -> tuple[Account | None, str]:
        self._forget_failures(key)
        return super().drop(key, before)

    def _forget_failures(self, key: AccountKey) -> None:
        for wanted in list(self._failed):
            if wanted.key == key:
                self._failed.pop(wanted, None)

    def _with_trouble(self, info: AccountInfo) -> AccountInfo:
        failures, end = self._failed.get(_Wanted(info.key)), info.expires_at
        if not (failures and failures.lasting and end is not None and end <= failures.last):
            return info  # perhaps another process was luckier
        return replace(info, trouble=failures.says)

    def token(self, provider: Provider, key: AccountKey, need: Need) -> Token:
        """A token that meets ``need``. Errors: see ``TokenSource.token``."""
        need = need._replace(resource=canonical(provider, need.resource))
        if token := self.at_hand(provider, key, need):
            return token
        # Shared by callers with the same configuration only.
        flight = (key, provider.fingerprint, need.resource, need.claims)
        return self._flights.run_for(
            flight,
            lambda: self._refreshed(provider, key, need),
            lambda token: token.digest != need.rejected,
        )

    def at_hand(self, provider: Provider, key: AccountKey, need: Need) -> Token | None:
        """The stored token, if it meets ``need`` or it is too early to renew it."""
        self._save_again(key, SAVE_PAUSE)
        need = need._replace(resource=canonical(provider, need.resource))
        require_allowed(provider, resource=need.resource)
        account = self._seen_for(provider, key, need)
        if account and (self._will_do(account, provider, need) or self._pausing(account, need)):
            return as_token(account, provider, need.resource)
        return None

    def _seen_for(self, provider: Provider, key: AccountKey, need: Need) -> Account | None:
        account = self.load(provider, key)
        return account and view(account, provider, need.resource)

    def _will_do(self, account: Account, provider: Provider, need: Need) -> bool:
        renewable = account.refresh_token is not None
        return lifetimes.meets(account, provider, need, self._clock(), renewable=renewable)

    def _pausing(self, account: Account, need: Need) -> bool:
        wanted = _Wanted.of(account.key, need)
        failures = self._failed.get(wanted)
        paused = max(failures.until, failures.last + lifetimes.PAUSE) if failures else None
        digest, at = self._forced.get(wanted, ("", 0.0))
        forced = at if digest == account.access_token.digest else None
        return lifetimes.must_wait(account, need, self._clock(), paused=paused, forced=forced)

    def _refreshed(self, provider: Provider, key: AccountKey, need: Need) -> Token:
        wanted = _Wanted.of(key, need)
        failures = self._failed.get(wanted) or Failures()
        if self._clock() < failures.until:
            raise failures.error(key)
        try:
            return self._renewed(provider, key, need)
        except (RefreshRejected, *FAILURES) as error:
            now = self._clock()
            account = readable(lambda: self._seen_for(provider, key, need))
            known = failures
            if not isinstance(error, RefreshRejected):
                failures = self._failed[wanted] = known.and_another(error, now, digest(account))
            if account and lifetimes.works(account, need, now):
                return as_token(account, provider, need.resource)
            if isinstance(error, RefreshRejected) or not failures.lasting:
                raise
        if not known.lasting:
            self._changed("account", key)
        raise failures.error(key)

    def _renewed(self, provider: Provider, key: AccountKey, need: Need) -> Token:
        with self._locked(key) as slot:
            whole = self._current(key, lambda _: slot.load())
            if whole is None or whole.fingerprint != provider.fingerprint:
                step = how_to_sign_in(key)
                raise LoginRequired(f"You're not signed in to {key}.", next_step=step)
            account = view(whole, provider, need.resource)
            if self._will_do(account, provider, need) or self._pausing(account, need):
                return as_token(account, provider, need.resource)

            def keep(made: Account) -> None:
                self._save(slot, merged(whole, need.resource, made))

            fresh = self._refresh(provider, account, need, keep)
            keep(fresh)
        self._note_renewal(key, need, account, fresh)
        self._changed("account", key)
        return as_token(fresh, provider, need.resource)

    def _note_renewal(
        self, key: AccountKey, need: Need, before: Account | None, fresh: Account
    ) -> None:
        wanted = _Wanted.of(key, need)
        self._failed.pop(wanted, None)
        if before and need.rejected == before.access_token.digest:
            self._forced[wanted] = (fresh.access_token.digest, self._clock())

    def _refresh(
        self, provider: Provider, account: Account, need: Need, keep: Callable[[Account], None]
    ) -> Account:
        step = how_to_sign_in(account.key)
        if account.refresh_token is None:
            if need.resource:
                raise not_granted(account.key, need.resource)
            if account.valid(self._clock()):
                why = f"The API rejected the token of {account.key}, and it cannot be refreshed."
            else:
                why = f"The sign-in to {account.key} has expired and cannot be refreshed."
            raise LoginRequired(why, next_step=step)
        if account.refused and not lifetimes.may_renew(account, self._clock()):
            raise RefreshRejected(account.refused.says, next_step=step)
        try:
            return self._renew(provider, replace(account, refused=None), need, keep)
        except (RefreshRejected, UserMismatch) as error:
            keep(lifetimes.after_refusal(account, need, error, self._clock()))
            self._failed.pop(_Wanted.of(account.key, need), None)
            self._changed("account", account.key)
            raise RefreshRejected(error.message, next_step=step) from None
