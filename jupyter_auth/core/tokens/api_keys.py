"""Static API keys, from the environment or typed: kept in memory, and never stored."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.models import AccountKey, ApiKeyAccount
from jupyter_auth.core.provider.client_credentials import secret_of, variable

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from jupyter_auth.core.models import Account
    from jupyter_auth.core.provider.registry import Providers
    from jupyter_auth.core.tokens.store import Slot, TokenStore


class ApiKeyOverlay:
    """A ``TokenStore`` that overlays another one with API keys.

    Keys in ``environ`` belong to the default ``session_key`` of each provider that takes keys. A
    key that was signed out stays signed out while this process lives.
    """

    def __init__(
        self, store: TokenStore, providers: Providers, environ: Mapping[str, str] | None = None
    ) -> None:
        self._store = store
        self.directory = store.directory
        self._providers = providers
        self._environ = environ or {}
        self.keys: dict[AccountKey, ApiKeyAccount | None] = {}

    def load(self, key: AccountKey) -> Account | None:
        return self.key(key) or self.bound(self._store.load(key))

    def bound(self, account: Account | None) -> Account | None:
        """A stored account, as this version binds it."""
        return account and self._providers.rebound(account)

    def accounts(self) -> list[Account]:
        found = {each.key: self._providers.rebound(each) for each in self._store.accounts()}
        if self._environ:
            for name in self._providers.having("api_key"):
                self.key(AccountKey(name))
        found |= {key: account for key, account in self.keys.copy().items() if account}
        return [found[key] for key in sorted(found)]

    @contextlib.contextmanager
    def locked(self, key: AccountKey) -> Iterator[Slot]:
        with self._store.locked(key) as slot:
            yield _Slot(self, slot, key)

    def stamp(self) -> dict[Hashable, Hashable]:
        return {**self._store.stamp(), **{key: id(each) for key, each in self.keys.copy().items()}}

    def key(self, key: AccountKey) -> ApiKeyAccount | None:
        """The API key of this account, if it has one."""
        if key not in self.keys and self._environ and key.session_key == DEFAULT_KEY:
            with contextlib.suppress(AuthError):
                if found := self._from_environment(key):
                    self.keys[key] = found
        return self.keys.get(key)

    def _from_environment(self, key: AccountKey) -> ApiKeyAccount | None:
        """The key, if all its parts are there."""
        provider = self._providers.get(key.provider)
        if provider.api_key is None or not self._providers.trusts(key.provider):
            return None
        parts = {}
        for name in provider.api_key.parts:
            theirs = provider.api_key.environment.get(name, "")
            found = secret_of(self._environ, variable(provider.name, name))
            if found is None and theirs:
                found = secret_of(self._environ, theirs)
            if found is None:
                return None
            parts[name] = found
        from jupyter_auth.core.tokens import api_key

        return api_key.as_account(provider, key, parts, now=time.time())


class _Slot:
    def __init__(self, over: ApiKeyOverlay, slot: Slot, key: AccountKey) -> None:
        self._over, self._slot, self._key = over, slot, key

    def load(self) -> Account | None:
        return self._over.key(self._key) or self._over.bound(self._slot.load())

    def save(self, account: Account) -> None:
        """Keep a key in memory; another kind of account replaces the key."""
        if isinstance(account, ApiKeyAccount):
            self._over.keys[self._key] = account
            return
        if self._over.key(self._key):
            self._over.keys[self._key] = None
        self._slot.save(account)

    def delete(self) -> bool:
        had = self._over.key(self._key) is not None
        if had:
            self._over.keys[self._key] = None
        return self._slot.delete() or had

    def keep_lock(self) -> None:
        self._slot.keep_lock()
