"""A token store in memory."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from jupyter_auth.core.tokens import store

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from jupyter_auth.core.models import Account, AccountKey
    from jupyter_auth.core.tokens.store import Slot


class MemoryStore:
    """Accounts for as long as this process lives."""

    directory = None

    def __init__(self) -> None:
        self._accounts: dict[AccountKey, Account] = {}
        self._locks: dict[AccountKey, threading.Lock] = {}
        self._guard = threading.Lock()

    def load(self, key: AccountKey) -> Account | None:
        return self._accounts.get(key)

    def accounts(self) -> list[Account]:
        return [self._accounts[key] for key in sorted(self._accounts.copy())]

    def stamp(self) -> dict[Hashable, Hashable]:
        return {key: id(account) for key, account in self._accounts.copy().items()}

    @contextlib.contextmanager
    def locked(self, key: AccountKey) -> Iterator[Slot]:
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        if not lock.acquire(timeout=store.LOCK_TIMEOUT):
            raise store.busy(key)
        try:
            yield _MemorySlot(self._accounts, key)
        finally:
            lock.release()


class _MemorySlot:
    def __init__(self, accounts: dict[AccountKey, Account], key: AccountKey) -> None:
        self._accounts, self._key = accounts, key

    def load(self) -> Account | None:
        return self._accounts.get(self._key)

    def save(self, account: Account) -> None:
        self._accounts[self._key] = account

    def delete(self) -> bool:
        return self._accounts.pop(self._key, None) is not None

    def keep_lock(self) -> None:
        """Nobody else has these accounts."""
