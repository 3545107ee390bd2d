"""Where one person's accounts rest: in files, or in memory.

An account is changed only through a ``Slot``, and a slot is had only under the account's lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import threading
import time
from typing import TYPE_CHECKING, Protocol

import platformdirs

from jupyter_auth.core.common import times
from jupyter_auth.core.common.codec import from_record, to_record
from jupyter_auth.core.common.handles import names_one
from jupyter_auth.core.common.private_files import (
    NotPrivateError,
    make_private_directory,
    read_private,
    sync,
    write_private,
)
from jupyter_auth.core.errors import NextStep, ProviderNotFound, StoreError
from jupyter_auth.core.models import Account, AccountKey
from jupyter_auth.core.record import fields, replace

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from jupyter_auth.core.common.request_errors import ProviderUnavailable

VERSION = 1
LOCK_TIMEOUT = 30.0  # seconds: longer than a refresh may take
ADDED = {"kind", "token_endpoint", "asked", "vouched", "email"}  # older files do not have them
FIELDS = {each.name for each in fields(Account)}

_log = logging.getLogger("jupyter_auth")


class Slot(Protocol):
    """One account, while its lock is held."""

    def load(self) -> Account | None:
        """What rests there now. StoreError: it cannot be read."""

    def save(self, account: Account) -> None:
        """Put it to rest, durably. StoreError: it could not, and what was there still is."""

    def delete(self) -> bool:
        """Whether there was one to delete."""

    def keep_lock(self) -> None:
        """Something is unsaved: no other process gets the lock, where one can be kept for long."""


class TokenStore(Protocol):
    """Where one person's accounts rest."""

    @property
    def directory(self) -> Path | None:
        """Where files are kept. None: it has none."""

    def load(self, key: AccountKey) -> Account | None:
        """The account, without waiting for its lock; None: nobody. StoreError."""

    def accounts(self) -> list[Account]:
        """All of them; those that cannot be read are left out."""

    def locked(self, key: AccountKey) -> AbstractContextManager[Slot]:
        """The account's slot, once its lock is had. ProviderUnavailable: not within 30 s."""

    def stamp(self) -> dict[Hashable, Hashable]:
        """Something by account that differs once that account changed. Cheap."""


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
        if not lock.acquire(timeout=LOCK_TIMEOUT):
            raise _busy(key)
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


class FileStore:
    """One file per account in a directory of the user's own, and one lock file beside it.

    ``directory``: None is the platform's place for user data. StoreError where it is not a
    directory that belongs to this user alone.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory or platformdirs.user_data_path("jupyter_auth")
        self._accounts = self.directory / "accounts"
        self._locks = self.directory / "locks"

    def load(self, key: AccountKey) -> Account | None:
        """As in the protocol. A corrupt file is nobody's; who has the lock sets it aside."""
        with contextlib.suppress(_CorruptError):
            return _read(self._path(key))
        return None

    def accounts(self) -> list[Account]:
        found = []
        for path in sorted(self._accounts.glob("*.json")):
            with contextlib.suppress(StoreError, _CorruptError):
                if account := _read(path):
                    found.append(account)
        return found

    def stamp(self) -> dict[Hashable, Hashable]:
        """As in the protocol: each save makes a new inode."""
        try:
            with os.scandir(self._accounts) as entries:
                stats = [(e.name, e.stat(follow_symlinks=False)) for e in entries]
        except OSError:
            return {}
        return {n: (s.st_ino, s.st_mtime_ns) for n, s in stats if n.endswith(".json")}

    @contextlib.contextmanager
    def locked(self, key: AccountKey) -> Iterator[Slot]:
        """As in the protocol. The lock file is never deleted: another may hold it open."""
        from filelock import FileLock, Timeout  # not for whoever only reads

        path = self._path(key)
        for directory in (self.directory, self._accounts, self._locks):
            _own_directory(directory)
        lock = FileLock(self._locks / f"{path.stem}.lock", mode=0o600)
        try:
            lock.acquire(timeout=LOCK_TIMEOUT, poll_interval=0.01)
        except Timeout:
            raise _busy(key) from None
        except OSError as error:
            raise _unwritable(self._locks, error) from None
        try:
            yield _FileSlot(path)
        finally:
            lock.release()

    def _path(self, key: AccountKey) -> Path:
        """A name that no ``session_key`` can lead astray, whatever it holds and however long."""
        if not names_one(key.provider):
            raise ProviderNotFound(f"No provider is called {key.provider!r:.80}.")
        digest = hashlib.sha256(key.session_key.encode("utf-8", "surrogatepass")).hexdigest()
        return self._accounts / f"{key.provider}.{digest[:32]}.json"


class _FileSlot:
    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Account | None:
        try:
            return _read(self._path)
        except _CorruptError:
            _set_aside(self._path)
            return None

    def save(self, account: Account) -> None:
        """Written whole, or not at all."""
        try:
            self._sweep()
            write_private(self._path, encoded(account))
        except OSError as error:
            raise _unwritable(self._path.parent, error) from None

    def delete(self) -> bool:
        try:
            self._sweep()
            self._path.unlink()
            sync(self._path.parent)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _unwritable(self._path.parent, error) from None
        return True

    def keep_lock(self) -> None:
        """A lock that is on this machine alone ends with its program: that may be a short one."""

    def _sweep(self) -> None:
        """What a save that was killed has left behind; under the lock no other is under way."""
        for each in self._path.parent.glob(f".{self._path.stem}-*"):
            with contextlib.suppress(OSError):
                each.unlink()


def _busy(key: AccountKey) -> ProviderUnavailable:
    from jupyter_auth.core.common.request_errors import ProviderUnavailable

    return ProviderUnavailable(
        f"Another program is still refreshing {key}.", hint="Nothing is lost: try again."
    )


def _unwritable(directory: Path, error: OSError) -> StoreError:
    return StoreError(
        f"Tokens cannot be saved in {directory}: {error.strerror}.",
        hint="Free some space there, or make it writable for yourself.",
    )


def _own_directory(directory: Path) -> None:
    try:
        make_private_directory(directory)
    except NotPrivateError:
        raise StoreError(
            f"{directory} is not a directory of your own.",
            hint="Somebody may have put it there to read your tokens: remove it.",
        ) from None
    except FileExistsError:
        raise StoreError(f"{directory} is not a directory.", hint="Move it away.") from None
    except OSError as error:
        raise _unwritable(directory, error) from None


class _CorruptError(Exception):
    """What is in the file was not written by ``encoded``, or not whole."""


def _read(path: Path) -> Account | None:
    try:
        return decoded(read_private(path, tighten=True))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except NotPrivateError:
        raise StoreError(
            f"{path} is not a file of your own.",
            hint="Somebody may have put it there: remove it, and sign in again.",
        ) from None
    except OSError as error:
        raise StoreError(
            f"{path} cannot be read: {error.strerror}.",
            hint="Make it readable for yourself.",
            next_step=NextStep("doctor"),
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise _CorruptError from None


def _set_aside(path: Path) -> None:
    """Keep what cannot be read for whoever wants to look; it is not read again."""
    aside = path.with_name(f"{path.stem}.corrupt-{time.time_ns()}")
    with contextlib.suppress(OSError):
        path.replace(aside)
        _log.warning("A file of tokens was corrupt, and is kept as %s. Sign in again.", aside)


def encoded(account: Account) -> bytes:
    """The account as JSON, secrets in the clear: what a store puts to rest."""
    return json.dumps({"version": VERSION, **to_record(account)}).encode()


def decoded(data: bytes) -> Account:
    """The account that ``encoded`` wrote. ValueError and its like: corrupt. StoreError: newer."""
    fields = json.loads(data)
    version = fields.pop("version")
    if isinstance(version, int) and version != VERSION:
        raise StoreError(
            f"Tokens here were saved by another version of jupyter_auth (format {version}).",
            hint="Upgrade jupyter-auth-session in this environment.",
        )
    if version != VERSION or not fields.keys() >= FIELDS - ADDED:
        raise TypeError
    account = from_record(Account, fields)
    if not account.access_token:
        raise TypeError
    return replace(
        account,
        refresh_token=account.refresh_token or None,
        id_token=account.id_token or None,
        issued_at=_moment(account.issued_at),
        expires_at=None if account.expires_at is None else _moment(account.expires_at),
        signed_in_at=_moment(account.signed_in_at),
    )


def _moment(value: float) -> float:
    if (found := times.clipped(value)) is None:
        raise TypeError
    return found
