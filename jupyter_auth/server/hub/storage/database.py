"""The service's database: one table of encrypted records, each with a lease. SQLite or PostgreSQL.

Every statement is its own transaction, and no connection is held while waiting for anything else. A
lease is taken by compare-and-set on its row and expires: the same on both systems, where ``FOR
UPDATE`` would silently do nothing on SQLite.

A lease names its replica, and its time is the database's. One that has expired is not taken at
once: it is called first, and a replica that is alive still has ``GRACE`` to answer. So if the
database was away for longer than a lease lasts, unsaved tokens are not lost.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import secrets
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

from sqlalchemy import (
    and_,
    create_engine,
    delete,
    event,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jupyter_auth.core.common.private_files import open_private
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.common.throttled_log import ThrottledLog
from jupyter_auth.core.errors import ConfigurationError, StoreError
from jupyter_auth.server.hub.storage import migration
from jupyter_auth.server.hub.storage.tables import DatabaseTime, first_line, records, schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import ColumnElement, CursorResult, Executable, Row

T = TypeVar("T")
CONNECTIONS = 12
LEASE = 30.0  # seconds; a running replica renews it
GRACE = 10.0  # seconds more for its holder, once another replica has called it
LEASE_TIMEOUT = 30.0  # seconds to wait for a lease
CALLED = "?"  # at the end of an expired lease that another replica asks for
ROUND_TRIP = 1.0  # seconds at most in which the database's clock can be read well enough
# For a machine that vanished: seconds to connect, milliseconds for what was sent.
NO_ANSWER = {"connect_timeout": "5", "tcp_user_timeout": "10000"}
PATIENCE = 5.0  # seconds to wait for a database to come back
LONG_PATIENCE = 15.0  # seconds, for what would be lost: a refresh token that was just rotated


class Database:
    """Executes statements, and repeats them while the database is away.

    ``clock``, in seconds since 1970, follows the database's. ``relative`` is a relative path of
    SQLite's file. All methods may raise StoreError: the database does not answer.

    Raises:
        ConfigurationError: the URL is not valid, or the database cannot be used.
    """

    def __init__(self, url: str, clock: Callable[[], float] | None = None) -> None:
        self._given_clock = clock
        self.clock = clock or self._own_clock
        self._ahead: float | None = None  # of this machine's monotonic clock
        self.name = secrets.token_hex(15)  # of this replica, in its leases
        self._turns: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
        self._turn = threading.Lock()
        self._failing = ThrottledLog("The service's database fails")
        self._in_hand: set[str] = set()  # records whose leases ``beat`` renews
        try:
            place = make_url(url)
        except (ArgumentError, ValueError):  # their text may hold part of the password
            raise ConfigurationError(
                "JUPYTER_AUTH_DATABASE_URL is not a database URL.",
                hint="Example: postgresql://user:password@host/name.",
            ) from None
        try:
            if place.drivername in {"postgresql", "postgres"}:
                place = place.set(drivername="postgresql+psycopg")
                place = place.set(query=NO_ANSWER | place.query)
            if place.get_backend_name() == "sqlite":
                _own_file(place.database or "")
            self._engine = create_engine(
                place,
                isolation_level="AUTOCOMMIT",
                pool_size=CONNECTIONS,
                max_overflow=0,
                pool_timeout=PATIENCE,
                hide_parameters=True,  # in errors
            )
        except (ArgumentError, NoSuchModuleError, ImportError, OSError) as error:
            raise _unusable(error) from None
        self.relative: str | None = None
        if place.get_backend_name() == "sqlite":
            self.relative = None if Path(place.database or "").is_absolute() else place.database
            event.listen(self._engine, "connect", _set_up_sqlite)
        try:
            migration.upgrade(self._engine, _pause)
            self.beat()
        except (DBAPIError, StoreError, PoolTimeout) as error:
            self.close()
            raise _unusable(error) from None
        except ConfigurationError:
            self.close()
            raise

    def rows(self, statement: Executable) -> Sequence[Row[Any]]:
        """All rows of a query."""
        return self._execute(lambda found: found.all(), statement, PATIENCE)

    def change(self, statement: Executable, patience: float | None = None) -> int:
        """How many rows the statement changed. Raises IntegrityError as it is."""
        return self._execute(lambda done: done.rowcount, statement, patience or PATIENCE)

    def _execute(
        self, outcome: Callable[[CursorResult[Any]], T], statement: Executable, patience: float
    ) -> T:
        deadline = time.monotonic() + patience
        while True:
            try:
                with self._engine.connect() as connection:
                    return outcome(connection.execute(statement))
            except IntegrityError:
                raise
            except (DBAPIError, PoolTimeout) as error:
                if time.monotonic() > deadline:
                    self._failing.warn(first_line(error))
                    raise StoreError(
                        "The service's database does not answer.", hint="Try again in a moment."
                    ) from None
                _pause()

    def answers(self) -> bool:
        """Whether the database answers now."""
        try:
            return bool(self._execute(lambda found: found.all(), select(schema), 0.0))
        except StoreError:
            return False

    def beat(self) -> None:
        """Renew the leases in hand, and set the clock. Called every few seconds."""
        row = records.c
        if held := list(self._in_hand):
            statement = update(records).where(row.id.in_(held), row.lease.in_(self._names))
            self.change(statement.values(self._held()))
        begun = time.monotonic()
        ((now,),) = self.rows(select(self.now()))
        ended = time.monotonic()
        if self._ahead is None or ended - begun < ROUND_TRIP:
            self._ahead = now - (begun + ended) / 2

    def _own_clock(self) -> float:
        return (self._ahead or 0.0) + time.monotonic()

    def now(self) -> ColumnElement[float]:
        """The database's time, in statements."""
        return literal(self._given_clock()) if self._given_clock else DatabaseTime()

    def _held(self) -> dict[str, Any]:
        return {"lease": self.name, "lease_until": self.now() + LEASE}

    @property
    def _names(self) -> tuple[str, str]:
        return self.name, f"{self.name}{CALLED}"

    @contextlib.contextmanager
    def leased(self, record: RecordKey) -> Iterator[Lease]:
        """Hold the lease on a record, which is made if missing.

        Raises:
            ProviderUnavailable: another replica or thread holds it for too long.
        """
        deadline, lease = time.monotonic() + LEASE_TIMEOUT, Lease(self._names)
        with self._turn:
            turn = self._turns.setdefault(record.id, threading.Lock())
        if not turn.acquire(timeout=LEASE_TIMEOUT):
            raise _taken()
        try:
            while not self._take(record):
                if time.monotonic() > deadline:
                    raise _taken()
                _pause()
            self._in_hand.add(record.id)
            try:
                yield lease
            finally:
                self._in_hand.discard(record.id)
                if not lease.kept:
                    with contextlib.suppress(StoreError):  # then it expires
                        self._give_back(record)
        finally:
            turn.release()

    def _take(self, record: RecordKey) -> bool:
        row = records.c
        over, called = row.lease_until < self.now(), row.lease.endswith(CALLED)
        free = or_(row.lease.is_(None), row.lease.in_(self._names), and_(called, over))
        if self.change(update(records).where(row.id == record.id, free).values(self._held())):
            return True
        if found := self.rows(select(row.lease, over).where(row.id == record.id)):
            holder, run_out = tuple(found[0])
            if run_out and holder and not holder.endswith(CALLED):
                statement = update(records).where(row.id == record.id, row.lease == holder, over)
                asked = {"lease": f"{holder[:31]}{CALLED}", "lease_until": self.now() + GRACE}
                self.change(statement.values(asked))
            return False
        try:
            return bool(self.change(insert(records).values(vars(record) | self._held())))
        except IntegrityError:  # another replica was faster
            return False

    def _give_back(self, record: RecordKey) -> None:
        row = records.c
        mine = (row.id == record.id, row.lease.in_(self._names))
        free = {"lease": None, "lease_until": 0.0}
        if not self.change(update(records).where(*mine, row.data.is_not(None)).values(free)):
            self.change(delete(records).where(*mine, row.data.is_(None)))

    def load(self, record_id: str) -> bytes | None:
        """A record's encrypted content."""
        found = self.rows(select(records.c.data).where(records.c.id == record_id))
        return found[0].data if found else None

    def save(
        self, record_id: str, lease: Lease, data: bytes | None, person: str | None = None
    ) -> None:
        """Save durably, under the lease. StoreError: the lease has expired."""
        row = records.c
        statement = update(records).where(row.id == record_id, row.lease.in_(lease.names))
        values = {"data": data, "person": person, "stamp": row.stamp + 1}
        if not self.change(statement.values(values), LONG_PATIENCE):
            raise StoreError("The lease expired before the save; another replica took over.")

    def overwrite_deleted(self) -> bool:
        """Let SQLite's files forget what was deleted. False: that is not done here and now."""
        if self._engine.name != "sqlite":
            return False
        self.change(text("VACUUM"))
        ((busy, *_),) = self.rows(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        return not busy

    def downgrade(self, version: int) -> None:
        """As ``migration.downgrade``."""
        try:
            migration.downgrade(self._engine, version)
        except DBAPIError as error:
            raise _unusable(error) from None

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()


@dataclass
class Lease:
    """The right to save. ``names``: its value in the record, and the one after it was called.

    ``kept``: it is not given back, and expires unless it is taken again.
    """

    names: tuple[str, str]
    kept: bool = False


@dataclass(frozen=True, kw_only=True)
class RecordKey:
    """A record's id and owner."""

    id: str
    owner: str
    kind: str
    user_name: str
    user_created: str


@dataclass(frozen=True)
class Owner:
    """A Hub user: the name, and when that user was created, as the Hub says it.

    ``groups``: those of the Hub, if any provider's policy is about groups.
    """

    name: str
    created: str
    groups: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def id(self) -> str:
        """Identifies this user, and no later one of the same name."""
        return self._digest()

    def record(self, kind: str, *names: str) -> RecordKey:
        """The key of this user's record with these names."""
        return RecordKey(
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
    time.sleep(random.uniform(0.02, 0.1))  # noqa: S311 (jitter)


def _taken() -> ProviderUnavailable:
    return ProviderUnavailable(
        "Another replica of the service is still using this account.",
        hint="You're still signed in. Try again shortly.",
    )


def _unusable(error: Exception) -> ConfigurationError:
    return ConfigurationError(
        "The service's database cannot be used:"
        f" {error.message if isinstance(error, StoreError) else first_line(error)}",
        hint="Check JUPYTER_AUTH_DATABASE_URL, and that the database runs.",
    )


def _own_file(path: str) -> None:
    """Create SQLite's file for this user only, and so the files beside it."""
    os.close(open_private(Path(path), os.O_CREAT | os.O_RDWR, tighten=True))


def _set_up_sqlite(connection: Any, _: Any) -> None:
    for setting in ("journal_mode = WAL", "busy_timeout = 5000", "synchronous = FULL"):
        connection.execute(f"PRAGMA {setting}")
