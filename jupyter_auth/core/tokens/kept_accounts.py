"""One person's accounts as they are stored, and in memory what could not be saved."""

from __future__ import annotations

import contextlib
import functools
import math
from typing import TYPE_CHECKING, Literal

from jupyter_auth.core.errors import LoginFailed, StoreError, Unavailable
from jupyter_auth.core.models import Account, AccountInfo, AccountKey, Change
from jupyter_auth.core.record import record, replace
from jupyter_auth.core.tokens.resource_tokens import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from jupyter_auth.core.tokens.change_log import ChangeLog
    from jupyter_auth.core.tokens.store import Slot, TokenStore

SAVE_PAUSE = 5.0  # seconds between attempts to save what could not be saved


class KeptAccounts:
    """A store whose accounts stay usable while it fails. Changes are told to ``log``."""

    def __init__(self, store: TokenStore, log: ChangeLog, clock: Callable[[], float]) -> None:
        self._store = store
        self._log = log
        self._clock = clock
        self._unsaved: dict[AccountKey, _Unsaved] = {}
        self._stamp: dict[Hashable, Hashable] | None = None  # None: changes are not watched yet
        self._seen: dict[AccountKey, str] = {}

    def stored(self, key: AccountKey) -> Account | None:
        """The account, whatever configuration it was made with."""
        return self._current(key, self._store.load)

    def accounts(self) -> list[AccountInfo]:
        """All accounts, sorted; with a warning where tokens could not be saved."""
        stored = {account.key: account for account in self._store.accounts()}
        for key in list(self._unsaved):
            self._current(key, stored.get)  # if another process saved one, that counts
        found: dict[AccountKey, AccountInfo | None]
        found = {key: account.info() for key, account in stored.items()}
        found |= {key: held.info() for key, held in self._unsaved.copy().items()}
        return [info for _, info in sorted(found.items()) if info]

    def account(self, key: AccountKey) -> AccountInfo | None:
        """One account, without reading the others."""
        if held := self._unsaved.get(key):
            info = held.info()
        else:
            account = readable(lambda: self._store.load(key))
            info = account.info() if account else None
        return info

    def keep(self, account: Account) -> None:
        """Save an account, or hold it in memory if the store fails."""
        try:
            with self._locked(account.key) as slot:
                before = self._current(account.key, lambda _: readable(slot.load))
                account = joined(account, before)
                self._save(slot, account)
        except (StoreError, Unavailable):  # not writable, or locked for too long
            self._hold(account, readable(lambda: self._store.load(account.key)))
        self._changed("account", account.key)

    def drop(
        self, key: AccountKey, before: Callable[[Account], None] | None = None
    ) -> tuple[Account | None, str]:
        """Delete an account and return it; ``before`` is called with it under the lock.

        And why its file could not be deleted, or "": then it is signed out in this process only.

        Raises:
            StoreError: neither can be done, or ``before`` raised this.
        """
        held, left = self._unsaved.get(key), ""
        try:
            with self._locked(key) as slot:
                account = self._current(key, lambda _: readable(slot.load))
                if account and before:
                    before(account)
                removed = slot.delete()
                self._seen.pop(key, None)
                self._unsaved.pop(key, None)
        except StoreError as error:
            stored = readable(lambda: self._store.load(key)) if self._store.directory else None
            account, removed = self._current(key, lambda _: stored), True
            if stored:
                left = f"It is still stored, and other programs may use it. {error}"
                self._unsaved[key] = _Unsaved(None, digest(stored), self._clock())
            elif held and not held.instead_of:  # it was in memory alone
                self._unsaved.pop(key, None)
            else:
                raise
        if account or removed:
            self._changed("removed", key)
        return account, left

    @property
    def holds_unsaved(self) -> bool:
        """Whether there are tokens that could not be saved."""
        return bool(self._unsaved)

    def save_again(self) -> None:
        """Try to save all that could not be saved, waiting for locks."""
        for key in list(self._unsaved):
            self._save_again(key)

    def watch(self) -> None:
        """Start watching for changes: before, ``poll`` costs nothing."""
        if self._stamp is None:
            self._stamp = self._store.stamp()
            self._seen = self._snapshot()

    def poll(self) -> None:
        """Report what other processes changed in the store."""
        self.watch()
        stamp = self._store.stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        before, self._seen = self._seen, self._snapshot()
        for key in sorted(before.keys() - self._seen.copy().keys()):
            if readable(functools.partial(self._store.load, key)):
                continue  # saved in the meantime
            self._unsaved.pop(key, None)
            self._changed("removed", key)
        for key, version in sorted(self._seen.items()):
            if before.get(key) != version:
                self._changed("account", key)

    @contextlib.contextmanager
    def _locked(self, key: AccountKey) -> Iterator[Slot]:
        """Keep the lock if tokens are unsaved: others would use a refresh token that is used up.

        Where files cannot be locked, as in a read-only home, what is unsaved is this process's own.
        """
        with contextlib.ExitStack() as held:
            try:
                slot = held.enter_context(self._store.locked(key))
            except StoreError as error:
                if key not in self._unsaved or not self._store.directory:
                    raise
                slot = _UnlockedSlot(functools.partial(self._store.load, key), error)
            try:
                yield slot
            finally:
                if key in self._unsaved:
                    slot.keep_lock()

    def _save(self, slot: Slot, account: Account) -> None:
        """Hold what cannot be saved in memory: a rotated refresh token is the only one."""
        try:
            slot.save(account)
        except StoreError:
            self._hold(account, readable(slot.load))
            return
        self._unsaved.pop(account.key, None)
        self._seen[account.key] = _version(account)

    def _hold(self, account: Account, stored: Account | None) -> None:
        self._unsaved[account.key] = _Unsaved(account, digest(stored), self._clock())

    def _save_again(self, key: AccountKey, pause: float = 0.0) -> None:
        """Try to save what is held: one caller at a time, while the others use it."""
        held = self._unsaved.get(key)
        if held is None or self._clock() - held.tried < pause:
            return
        self._unsaved[key] = replace(held, tried=math.inf)
        try:
            with self._locked(key) as slot:
                account = self._current(key, lambda _: slot.load())
                if account and key in self._unsaved:
                    self._save(slot, account)
                elif self._unsaved.get(key):
                    slot.delete()
                    self._unsaved.pop(key)
                if key not in self._unsaved:
                    self._changed("account" if account else "removed", key)
        except LoginFailed:  # another user has this identity now
            self._unsaved.pop(key, None)
            self._changed("removed", key)
        except (StoreError, Unavailable):
            pass
        finally:
            if still := self._unsaved.get(key):
                self._unsaved[key] = replace(still, tried=self._clock())

    def _current(
        self, key: AccountKey, load: Callable[[AccountKey], Account | None]
    ) -> Account | None:
        """The account as held in memory, unless the store has another one since; else as stored."""
        held = self._unsaved.get(key)
        if held is None:
            return load(key)
        try:
            stored = load(key)
        except StoreError:
            return held.account
        if digest(stored) == held.instead_of:
            return held.account
        self._unsaved.pop(key, None)
        return stored

    def _snapshot(self) -> dict[AccountKey, str]:
        return {account.key: _version(account) for account in self._store.accounts()}

    def _changed(self, kind: Literal["account", "removed"], key: AccountKey) -> None:
        self._log.add(Change(kind=kind, provider=key.provider, session_key=key.session_key))


@record(frozen=True)
class _Unsaved:
    """What could not be saved, the digest of what is stored instead, and the last attempt.

    No account: it was signed out, but not deleted.
    """

    account: Account | None
    instead_of: str | None
    tried: float

    def info(self) -> AccountInfo | None:
        """Its public side, with a warning."""
        if self.account is None:
            return None
        return self.account.info(
            "Tokens could not be saved; you will be signed out when this process exits."
        )


class _UnlockedSlot:
    """A slot that can be read only, and the error of all else."""

    def __init__(self, load: Callable[[], Account | None], error: StoreError) -> None:
        self.load = load
        self._error = error

    def save(self, _: Account) -> None:
        raise self._error

    def delete(self) -> bool:
        raise self._error

    def keep_lock(self) -> None:
        """Nothing: there is none."""


def digest(account: Account | None) -> str | None:
    """By what its access tokens are known."""
    if account is None:
        return None
    more = (each.access_token.digest for each in account.resources.values())
    return " ".join((account.access_token.digest, *more))


def _version(account: Account) -> str:
    refused = f" {account.refused.at}" if account.refused else ""
    return f"{digest(account)}{refused}"


def readable(load: Callable[[], Account | None]) -> Account | None:
    """None if it cannot be read: it can still be replaced or deleted."""
    try:
        return load()
    except StoreError:
        return None
