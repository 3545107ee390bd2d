"""Where one person's accounts are stored; changed only in a ``Slot``, under a lock."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import time
from typing import TYPE_CHECKING, Protocol

import platformdirs

from jupyter_auth.core.common import times
from jupyter_auth.core.common.codec import from_record, to_record
from jupyter_auth.core.common.handles import names_one
from jupyter_auth.core.common.private_files import (
    INSECURE,
    LOOSE,
    NotPrivateError,
    file_lock,
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
LOCK_TIMEOUT = 90.0  # seconds: longer than a refresh may take
# Older files do not have them.
NEWEST = {"token_fields", "refused", "client_id", "resources", "adopted"}
ADDED = NEWEST | {"kind", "token_endpoint", "asked", "vouched", "email"}
FIELDS = {each.name for each in fields(Account)}

_log = logging.getLogger("jupyter_auth")


class Slot(Protocol):
    """One account, while its lock is held."""

    def load(self) -> Account | None:
        """The account as stored now; ``StoreError`` if it cannot be read."""

    def save(self, account: Account) -> None:
        """Save durably; on ``StoreError`` the previous account is unchanged."""

    def delete(self) -> bool:
        """Whether there was one to delete."""

    def keep_lock(self) -> None:
        """Keep the lock after the block, if the store can: something is unsaved."""


class TokenStore(Protocol):
    """One person's accounts."""

    @property
    def directory(self) -> Path | None:
        """Where its files are; None if it has none."""

    def load(self, key: AccountKey) -> Account | None:
        """The account, without waiting for its lock."""

    def accounts(self) -> list[Account]:
        """All of them; those that cannot be read are left out."""

    def locked(self, key: AccountKey) -> AbstractContextManager[Slot]:
        """The account's slot under its lock; ``ProviderUnavailable`` if another has it."""

    def stamp(self) -> dict[Hashable, Hashable]:
        """For each account a value that changes with it. Cheap."""


class FileStore:
    """One file per account in a private directory, and one lock file beside it.

    ``directory``: None is the platform's directory for user data.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory or platformdirs.user_data_path("jupyter_auth")
        self._accounts = self.directory / "accounts"
        self._locks = self.directory / "locks"

    def load(self, key: AccountKey) -> Account | None:
        """None for a corrupt file: it is set aside under the lock."""
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
        """Inodes and times: each save makes a new inode."""
        try:
            with os.scandir(self._accounts) as entries:
                stats = [(e.name, e.stat(follow_symlinks=False)) for e in entries]
        except OSError:
            return {}
        return {n: (s.st_ino, s.st_mtime_ns) for n, s in stats if n.endswith(".json")}

    @contextlib.contextmanager
    def locked(self, key: AccountKey) -> Iterator[Slot]:
        """The lock file is never deleted: another process may have it open."""
        path = self._path(key)
        for directory in (self.directory, self._accounts, self._locks):
            _own_directory(directory)
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(file_lock(self._locks / f"{path.stem}.lock", LOCK_TIMEOUT))
            except TimeoutError:
                raise busy(key) from None
            except OSError as error:
                raise _unwritable(self._locks, error) from None
            yield _FileSlot(path)

    def _path(self, key: AccountKey) -> Path:
        """A file name that is safe for any ``session_key``."""
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
        """Write the file atomically."""
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
            raise StoreError(f"{self._path} cannot be deleted: {error.strerror}.") from None
        return True

    def keep_lock(self) -> None:
        """Nothing: a file lock ends with its process."""

    def _sweep(self) -> None:
        """Delete what a killed save left behind: under the lock there is no other save."""
        for each in self._path.parent.glob(f".{self._path.stem}-*"):
            with contextlib.suppress(OSError):
                each.unlink()


def busy(key: AccountKey) -> ProviderUnavailable:
    """The error for an account whose lock was not free in ``LOCK_TIMEOUT``."""
    from jupyter_auth.core.common.request_errors import ProviderUnavailable

    return ProviderUnavailable(f"Another program is still refreshing {key}.", hint="Try again.")


def _unwritable(directory: Path, error: OSError) -> StoreError:
    return StoreError(
        f"Tokens cannot be saved in {directory}: {error.strerror}.",
        hint="Free some space there, make it writable for you, or store them elsewhere:"
        " c.JupyterAuth.store_directory.",
    )


def _own_directory(directory: Path) -> None:
    try:
        make_private_directory(directory)
    except NotPrivateError as error:
        raise StoreError(
            f"{directory} is not a directory that belongs to you alone: {error.strerror}.",
            hint=INSECURE
            if error.strerror == LOOSE
            else "Another user may have created it to read your tokens: remove it.",
        ) from None
    except FileExistsError:
        raise StoreError(f"{directory} is not a directory.", hint="Move it away.") from None
    except OSError as error:
        raise _unwritable(directory, error) from None


class _CorruptError(Exception):
    """The file is not what ``encoded`` wrote."""


def _read(path: Path) -> Account | None:
    try:
        return decoded(read_private(path, tighten=True))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except NotPrivateError as error:
        raise StoreError(
            f"{path} is not a file that belongs to you alone: {error.strerror}.",
            hint=INSECURE
            if error.strerror == LOOSE
            else "Another user may have created it: remove it, and sign in again.",
        ) from None
    except OSError as error:
        raise StoreError(
            f"{path} cannot be read: {error.strerror}.",
            hint="Make it readable for you.",
            next_step=NextStep("doctor"),
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise _CorruptError from None


def _set_aside(path: Path) -> None:
    """Rename a corrupt file, so that it is not read again."""
    aside = path.with_name(f"{path.stem}.corrupt-{time.time_ns()}")
    with contextlib.suppress(OSError):
        path.replace(aside)
        _log.warning("A token file was corrupt and has been renamed to %s. Sign in again.", aside)


def encoded(account: Account) -> bytes:
    """The account as JSON, with its secrets in the clear.

    An older version can read it as long as there is nothing in the newest fields.
    """
    record = to_record(account).items()
    kept = {name: value for name, value in record if value or name not in NEWEST}
    return json.dumps({"version": VERSION, **kept}).encode()


def decoded(data: bytes) -> Account:
    """The account that ``encoded`` wrote.

    Raises:
        StoreError: another version wrote it.
        ValueError, TypeError, KeyError, AttributeError, RecursionError: it is corrupt.
    """
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
