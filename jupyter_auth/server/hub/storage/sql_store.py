"""One Hub user's accounts and logins in the service's database.

A record's id is a digest of owner and key, so no name, however odd, finds another's; the owner is
name *and* creation time, so a user recreated under an old name finds nothing.
"""

from __future__ import annotations

import contextlib
import functools
import logging
from typing import TYPE_CHECKING

from sqlalchemy import or_, select, update

from jupyter_auth.core.common.override import override
from jupyter_auth.core.errors import StoreError
from jupyter_auth.core.login.login_store import LoginStore
from jupyter_auth.core.tokens.store import TokenStore, decoded, encoded
from jupyter_auth.server.hub.storage import key_rotation
from jupyter_auth.server.hub.storage.identities import Identities
from jupyter_auth.server.hub.storage.login_codec import packed, unpacked
from jupyter_auth.server.hub.storage.tables import records

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from sqlalchemy import ColumnElement

    from jupyter_auth.core.login.login_store import StoredLogin
    from jupyter_auth.core.models import Account, AccountKey
    from jupyter_auth.core.tokens.store import Slot
    from jupyter_auth.server.hub.storage.database import Database, Lease, Owner, RecordKey
    from jupyter_auth.server.hub.storage.encryption import Encryption

ACCOUNT = "account"
LOGINS = "logins"
MOST_ACCOUNTS = 100  # of one user
BATCH = 200  # records in memory at once
USE = 3600.0  # seconds: an account's use is noted once in these
AT_ONCE = 0.1  # seconds to wait for the database, where it is no matter if it is away

_log = logging.getLogger("jupyter_auth")


class SqlStore(TokenStore):
    """``TokenStore`` of one user. ``identities`` None: no provider's are shared."""

    directory = None

    def __init__(
        self,
        database: Database,
        cipher: Encryption,
        owner: Owner,
        identities: Identities | None = None,
    ) -> None:
        self._database = database
        self.clock = database.clock
        self._cipher = cipher
        self._owner = owner
        self._identities = identities or Identities(database, cipher)
        self._noted: dict[AccountKey, float] = {}  # uses, not to ask the database for each call

    @override
    def load(self, key: AccountKey) -> Account | None:
        record_id = self._record(key).id
        return self.opened(record_id, self._database.load(record_id))

    @override
    def accounts(self) -> list[Account]:
        found = []
        for row in self._database.rows(select(records).where(*self._mine())):
            with contextlib.suppress(StoreError):
                if account := _opened(self._cipher, row.id, row.data):
                    found.append(account)
        return sorted(found, key=lambda account: account.key)

    @override
    def stamp(self) -> dict[Hashable, Hashable]:
        row = records.c
        return {
            each.id: each.stamp
            for each in self._database.rows(select(row.id, row.stamp).where(*self._mine()))
        }

    @override
    @contextlib.contextmanager
    def locked(self, key: AccountKey) -> Iterator[Slot]:
        record = self._record(key)
        with self._database.leased(record) as lease:
            yield _SqlSlot(self, self._database, record.id, lease)

    def used(self, key: AccountKey) -> bool:
        """Note that an account is used now. True: for the first time in ``USE`` seconds.

        Of all replicas, one hears that. Never raises, holds no lease, and does not wait for a
        database that is away: then it is False, and the next call tries again. Call it in a thread.
        """
        row, now = records.c, self._database.clock()
        if self._noted.get(key, 0.0) > now - USE:
            return False
        before = or_(row.used_at.is_(None), row.used_at <= now - USE)
        mine = (row.id == self._record(key).id, row.data.is_not(None))
        try:
            noted = update(records).where(*mine, before).values(used_at=now)
            first = bool(self._database.change(noted, AT_ONCE))
        except StoreError:
            return False
        if len(self._noted) >= MOST_ACCOUNTS:
            self._noted.clear()
        self._noted[key] = now
        return first

    def used_at(self, key: AccountKey) -> float | None:
        """When an account was last used, in seconds since 1970, to the hour. Raises StoreError."""
        statement = select(records.c.used_at).where(records.c.id == self._record(key).id)
        return next((row.used_at for row in self._database.rows(statement)), None)

    def opened(self, record_id: str, data: bytes | None) -> Account | None:
        """The account in a record. StoreError: it is damaged."""
        return _opened(self._cipher, record_id, data)

    def write(self, record_id: str, lease: Lease, account: Account, data: bytes | None) -> None:
        """Save in place of ``data``. LoginFailed: another user has this identity."""
        if data is None:
            self._noted.pop(account.key, None)
        if data is None and len(self.stamp()) >= MOST_ACCOUNTS:
            raise StoreError(
                f"There are already {MOST_ACCOUNTS} accounts.", hint="Sign some of them out."
            )
        sealed = self._cipher.seal(record_id, encoded(account))
        person = self._identities.digest(account)
        # A refresh is not checked: users who shared an identity before this check stay signed in.
        if person == _person(self._cipher, self._identities, record_id, data):
            self._database.save(record_id, lease, sealed, person)
            return
        with self._identities.reserved(account, self._owner):
            self._database.save(record_id, lease, sealed, person)

    def _record(self, key: AccountKey) -> RecordKey:
        return self._owner.record(ACCOUNT, key.provider, key.session_key)

    def _mine(self) -> tuple[ColumnElement[bool], ...]:
        row = records.c
        return row.owner == self._owner.id, row.kind == ACCOUNT, row.data.is_not(None)


class _SqlSlot:
    """Reads its record once: under the lease no other process changes it.

    A save must not read again: while the database is away it has to wait for nothing else.
    """

    def __init__(self, store: SqlStore, database: Database, record_id: str, lease: Lease) -> None:
        self._store, self._database, self._id, self._lease = store, database, record_id, lease

    @functools.cached_property
    def _data(self) -> bytes | None:
        return self._database.load(self._id)

    def load(self) -> Account | None:
        return self._store.opened(self._id, self._data)

    def save(self, account: Account) -> None:
        self._store.write(self._id, self._lease, account, self._data)
        del self._data

    def delete(self) -> bool:
        found = self._data is not None
        self._database.save(self._id, self._lease, None)
        del self._data
        return found

    def keep_lock(self) -> None:
        self._lease.kept = True


def renew(database: Database, cipher: Encryption) -> int:
    """As ``key_rotation.renew``."""
    identities = Identities(database, cipher)
    return key_rotation.renew(database, cipher, lambda *row: _person(cipher, identities, *row))


def add_person_digests(database: Database, cipher: Encryption) -> None:
    """Add the person's digest to records of schema 1. Several replicas may do it at once."""
    row, identities, last = records.c, Identities(database, cipher), ""
    nameless = (row.kind == ACCOUNT, row.data.is_not(None), row.person.is_(None))
    lacking = select(row.id, row.data).where(*nameless)
    while batch := database.rows(lacking.where(row.id > last).order_by(row.id).limit(BATCH)):
        for found in batch:
            if person := _person(cipher, identities, found.id, found.data):
                statement = update(records).where(row.id == found.id, row.data == found.data)
                database.change(statement.values(person=person))  # unless it was saved since
        last = batch[-1].id


def _person(
    cipher: Encryption, identities: Identities, record_id: str, data: bytes | None
) -> str | None:
    """The digest of the person in a record, if there is one."""
    try:
        account = _opened(cipher, record_id, data)
    except StoreError:
        return None
    return identities.digest(account) if account else None


def _opened(cipher: Encryption, record_id: str, data: bytes | None) -> Account | None:
    if data is None:
        return None
    try:
        return decoded(cipher.open(record_id, data))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise StoreError("A database record is damaged.") from None


class SqlLoginStore(LoginStore):
    """``LoginStore`` of one user, shared by all replicas."""

    def __init__(self, database: Database, cipher: Encryption, owner: Owner) -> None:
        self._database = database
        self._cipher = cipher
        self._record = owner.record(LOGINS)

    @override
    def read(self) -> Mapping[str, StoredLogin]:
        data = self._database.load(self._record.id)
        return self._opened(data) if data else {}

    @override
    @contextlib.contextmanager
    def change(self) -> Iterator[dict[str, StoredLogin]]:
        with self._database.leased(self._record) as lease:
            entries = dict(self.read())
            before = packed(entries)
            yield entries
            after = packed(entries)
            if after != before:
                sealed = self._cipher.seal(self._record.id, after) if entries else None
                self._database.save(self._record.id, lease, sealed)

    def _opened(self, data: bytes) -> dict[str, StoredLogin]:
        try:
            return unpacked(self._cipher.open(self._record.id, data))
        except (ValueError, TypeError, KeyError, AttributeError):
            _log.warning("Logins begun by another version are discarded.")
            return {}
