"""One Hub user's accounts and logins in the service's database.

A record's id is a digest of whose and which it is, so no name, however odd, finds another's; and
whose is name *and* creation time: a user who was made anew under an old name finds nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from jupyter_auth.core.errors import StoreError
from jupyter_auth.core.store import decoded, encoded
from jupyter_auth.server.database import Record, records
from jupyter_auth.server.packing import packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from sqlalchemy import ColumnElement

    from jupyter_auth.core.models import Account, AccountKey
    from jupyter_auth.core.register import Entry
    from jupyter_auth.core.store import Slot
    from jupyter_auth.server.database import Database
    from jupyter_auth.server.vault import Vault

ACCOUNT = "account"
LOGINS = "logins"
MOST_ACCOUNTS = 100  # of one user

_log = logging.getLogger("jupyter_auth")


@dataclass(frozen=True)
class Owner:
    """A user of the Hub: the name, and when that user was created, as the Hub says it."""

    name: str
    created: str

    @property
    def id(self) -> str:
        """What names this very user, and no later one of that name."""
        return self._digest()

    def record(self, kind: str, *names: str) -> Record:
        """The record of this user with these names."""
        return Record(
            id=self._digest(kind, *names),
            owner=self.id,
            kind=kind,
            user_name=self.name,
            user_created=self.created,
        )

    def _digest(self, *names: str) -> str:
        whose = json.dumps([self.name, self.created, *names])
        return hashlib.sha256(whose.encode()).hexdigest()


class SqlStore:
    """``TokenStore`` of one user."""

    directory = None

    def __init__(self, database: Database, vault: Vault, owner: Owner) -> None:
        self._database = database
        self._vault = vault
        self._owner = owner

    def load(self, key: AccountKey) -> Account | None:
        """As in the protocol: one query by primary key."""
        record = self._record(key)
        return _opened(self._vault, record.id, self._database.load(record.id))

    def accounts(self) -> list[Account]:
        """As in the protocol."""
        found = []
        for row in self._database.rows(select(records).where(*self._mine())):
            with contextlib.suppress(StoreError):
                if account := _opened(self._vault, row.id, row.data):
                    found.append(account)
        return sorted(found, key=lambda account: account.key)

    def stamp(self) -> dict[Hashable, Hashable]:
        """As in the protocol: each save counts."""
        row = records.c
        return {
            each.id: each.stamp
            for each in self._database.rows(select(row.id, row.stamp).where(*self._mine()))
        }

    @contextlib.contextmanager
    def locked(self, key: AccountKey) -> Iterator[Slot]:
        """As in the protocol."""
        record = self._record(key)
        with self._database.leased(record) as lease:
            yield _SqlSlot(self._database, self._vault, record.id, lease, self.stamp)

    def _record(self, key: AccountKey) -> Record:
        return self._owner.record(ACCOUNT, key.provider, key.session_key)

    def _mine(self) -> tuple[ColumnElement[bool], ...]:
        row = records.c
        return row.owner == self._owner.id, row.kind == ACCOUNT, row.data.is_not(None)


class _SqlSlot:
    def __init__(
        self,
        database: Database,
        vault: Vault,
        record_id: str,
        lease: str,
        others: Callable[[], Mapping[Hashable, Hashable]],
    ) -> None:
        self._database, self._vault = database, vault
        self._id, self._lease = record_id, lease
        self._others = others

    def load(self) -> Account | None:
        return _opened(self._vault, self._id, self._database.load(self._id))

    def save(self, account: Account) -> None:
        if self._database.load(self._id) is None and len(self._others()) >= MOST_ACCOUNTS:
            raise StoreError(
                f"There are {MOST_ACCOUNTS} accounts already.", hint="Sign some of them out."
            )
        sealed = self._vault.seal(self._id, encoded(account))
        self._database.save(self._id, self._lease, sealed)

    def delete(self) -> bool:
        found = self._database.load(self._id) is not None
        self._database.save(self._id, self._lease, None)
        return found


def _opened(vault: Vault, record_id: str, data: bytes | None) -> Account | None:
    if data is None:
        return None
    try:
        return decoded(vault.open(record_id, data))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise StoreError("A record of the database is damaged.") from None


class SqlRegister:
    """``Register`` of one user's logins: what one replica began, another one finishes."""

    def __init__(self, database: Database, vault: Vault, owner: Owner) -> None:
        self._database = database
        self._vault = vault
        self._record = owner.record(LOGINS)

    def read(self) -> Mapping[str, Entry]:
        """As in the protocol."""
        data = self._database.load(self._record.id)
        return self._opened(data) if data else {}

    @contextlib.contextmanager
    def change(self) -> Iterator[dict[str, Entry]]:
        """As in the protocol."""
        with self._database.leased(self._record) as lease:
            entries = dict(self.read())
            before = packed(entries)
            yield entries
            after = packed(entries)
            if after != before:
                sealed = self._vault.seal(self._record.id, after) if entries else None
                self._database.save(self._record.id, lease, sealed)

    def _opened(self, data: bytes) -> dict[str, Entry]:
        try:
            return unpacked(self._vault.open(self._record.id, data))
        except (ValueError, TypeError, KeyError, AttributeError):
            _log.warning("Sign-ins that another version began are forgotten.")
            return {}
