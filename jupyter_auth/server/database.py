"""The service's database: one table of sealed records, each with a lease. SQLite or PostgreSQL.

Every statement is a transaction of its own, and no connection is held while anybody else is waited
for. A lease is had by compare-and-set on its row and runs out by itself: the same on both systems,
where ``FOR UPDATE`` would silently do nothing on SQLite.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    create_engine,
    delete,
    event,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jupyter_auth.core.errors import ConfigurationError, ProviderUnavailable, StoreError
from jupyter_auth.server import tables
from jupyter_auth.server.tables import first_line, marks, records, schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import CursorResult, Executable, Row

    from jupyter_auth.server.vault import Vault

T = TypeVar("T")
CONNECTIONS = 12
LEASE = 45.0  # seconds: longer than a refresh may take; who dies with one blocks it no longer
LEASE_TIMEOUT = 30.0  # seconds that a lease is waited for
PATIENCE = 5.0  # seconds that a database is given to come back
LONG_PATIENCE = 15.0  # seconds, for what would be lost: a refresh token that was just rotated


class Database:
    """Statements, tried again while the database is away. ``clock`` is seconds since 1970.

    ConfigurationError: the URL is none, the database does not answer, or is of another version.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        try:
            place = make_url(url)
            if place.drivername in {"postgresql", "postgres"}:
                place = place.set(drivername="postgresql+psycopg")
            if place.get_backend_name() == "sqlite":
                _own_file(place.database or "")
            self._engine = create_engine(
                place,
                isolation_level="AUTOCOMMIT",
                pool_size=CONNECTIONS,
                max_overflow=0,
                pool_timeout=PATIENCE,
            )
        except (ArgumentError, NoSuchModuleError, ImportError, OSError) as error:
            raise _unusable(error) from None
        if place.get_backend_name() == "sqlite":
            event.listen(self._engine, "connect", _set_up_sqlite)
        try:
            tables.prepare(self._engine, self.rows, _pause)
        except (DBAPIError, StoreError, PoolTimeout) as error:
            self.close()
            raise _unusable(error) from None
        except ConfigurationError:
            self.close()
            raise

    def rows(self, statement: Executable) -> Sequence[Row[Any]]:
        """All that a query finds. StoreError: the database stays away."""
        return self._patiently(lambda found: found.all(), statement, PATIENCE)

    def change(self, statement: Executable, patience: float = PATIENCE) -> int:
        """How many rows the statement changed. StoreError; IntegrityError as it is."""
        return self._patiently(lambda done: done.rowcount, statement, patience)

    def _patiently(
        self, outcome: Callable[[CursorResult[Any]], T], statement: Executable, patience: float
    ) -> T:
        deadline = time.monotonic() + patience
        while True:
            try:
                with self._engine.connect() as connection:
                    return outcome(connection.execute(statement))
            except IntegrityError:
                raise
            except (DBAPIError, PoolTimeout):
                if time.monotonic() > deadline:
                    raise StoreError(
                        "The service's database does not answer.", hint="Try again in a moment."
                    ) from None
                _pause()

    def answers(self) -> bool:
        """Whether the database is there now."""
        try:
            return bool(self._patiently(lambda found: found.all(), select(schema), 0.0))
        except StoreError:
            return False

    @contextlib.contextmanager
    def leased(self, record: Record) -> Iterator[str]:
        """The lease on a record, which is made where there is none.

        ProviderUnavailable: somebody else holds it for too long. StoreError.
        """
        lease = secrets.token_hex(16)
        deadline = time.monotonic() + LEASE_TIMEOUT
        while not self._take(record, lease):
            if time.monotonic() > deadline:
                raise ProviderUnavailable(
                    "Another replica of the service is still at this account.",
                    hint="Nothing is lost: try again.",
                )
            _pause()
        try:
            yield lease
        finally:
            with contextlib.suppress(StoreError):  # then it runs out by itself
                self._give_back(record, lease)

    def _take(self, record: Record, lease: str) -> bool:
        now, row = self.clock(), records.c
        held = {"lease": lease, "lease_until": now + LEASE}
        free = or_(row.lease.is_(None), row.lease_until < now, row.lease == lease)
        if self.change(update(records).where(row.id == record.id, free).values(held)):
            return True
        if self.rows(select(row.id).where(row.id == record.id)):
            return False
        try:
            return bool(self.change(insert(records).values(vars(record) | held)))
        except IntegrityError:  # somebody was faster
            return False

    def _give_back(self, record: Record, lease: str) -> None:
        row = records.c
        mine = (row.id == record.id, row.lease == lease)
        free = {"lease": None, "lease_until": 0.0}
        if not self.change(update(records).where(*mine, row.data.is_not(None)).values(free)):
            self.change(delete(records).where(*mine, row.data.is_(None)))

    def load(self, record_id: str) -> bytes | None:
        """What rests sealed in a record. StoreError."""
        found = self.rows(select(records.c.data).where(records.c.id == record_id))
        return found[0].data if found else None

    def save(
        self, record_id: str, lease: str, data: bytes | None, person: str | None = None
    ) -> None:
        """Put it there for good, under the lease. StoreError: the lease or the database is gone."""
        row = records.c
        statement = update(records).where(row.id == record_id, row.lease == lease)
        values = {"data": data, "person": person, "stamp": row.stamp + 1}
        if not self.change(statement.values(values), LONG_PATIENCE):
            raise StoreError("This took so long that another replica has gone on meanwhile.")

    def check_keys(self, vault: Vault) -> None:
        """Write down which key seals from now on.

        ConfigurationError: another one sealed records here, and is not among those of the vault.
        """
        if {row.mark for row in self.rows(select(marks.c.mark))} - set(vault.marks):
            raise ConfigurationError(
                "JUPYTER_AUTH_CRYPT_KEYS lacks a key that records of the database are encrypted"
                " with.",
                hint="Add it behind the others until `jupyter auth hub rotate-keys` has run; if it"
                " is lost, begin with an empty database.",
            )
        with contextlib.suppress(IntegrityError):  # known already
            self.change(insert(marks).values(mark=vault.marks[0]))

    def renew(self, vault: Vault, person: Callable[[str, bytes], str | None]) -> int:
        """Encrypt every record with the first key; how many there were. StoreError: none fits.

        ``person`` gives whose account is in a record, under the first key.
        """
        row, done = records.c, 0
        for (record_id,) in self.rows(select(row.id).where(row.data.is_not(None))):
            while (old := self.load(record_id)) is not None:
                statement = update(records).where(row.id == record_id, row.data == old)
                values = {"data": vault.renew(old), "person": person(record_id, old)}
                if self.change(statement.values(values)):
                    done += 1
                    break  # else it was saved meanwhile: once more
        self.change(delete(marks).where(marks.c.mark != vault.marks[0]))
        return done

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()


@dataclass(frozen=True, kw_only=True)
class Record:
    """What names a record, and whose it is."""

    id: str
    owner: str
    kind: str
    user_name: str
    user_created: str


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


def _pause() -> None:
    time.sleep(random.uniform(0.02, 0.1))  # noqa: S311 (so that those who wait do not march in step)


def _unusable(error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"The service's database cannot be used: {first_line(error)}",
        hint="Check JUPYTER_AUTH_DATABASE_URL, and that the database runs.",
    )


def _own_file(path: str) -> None:
    """SQLite's file and those it makes beside it are for this user alone. OSError: it is not."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            raise PermissionError(f"{path} belongs to somebody else")
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _set_up_sqlite(connection: Any, _: Any) -> None:
    for setting in ("journal_mode = WAL", "busy_timeout = 5000", "synchronous = FULL"):
        connection.execute(f"PRAGMA {setting}")
