"""Rotation of encryption keys across replicas, which record the keys that they have.

A new key is appended, so that every replica can read what it will encrypt; then moved to the front;
then all records are encrypted with it; then the old key is removed. Each step requires that all
replicas have taken the one before.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from jupyter_auth.core.common.finding import Finding
from jupyter_auth.core.errors import ConfigurationError, StoreError
from jupyter_auth.server.hub.environment import KEYS
from jupyter_auth.server.hub.storage.database import LEASE
from jupyter_auth.server.hub.storage.tables import marks, records, replicas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_auth.server.hub.storage.database import Database
    from jupyter_auth.server.hub.storage.encryption import Encryption

SAMPLE = 2000  # records to test: a tenth of a second


class _Keys(NamedTuple):
    """A running replica's keys: the one to encrypt with, and all to decrypt with."""

    first: str
    all: frozenset[str]


def announce(database: Database, cipher: Encryption) -> None:
    """Record this replica's keys, for as long as a lease lasts."""
    row, values = replicas.c, {"marks": ",".join(cipher.marks), "until": database.now() + LEASE}
    if database.change(update(replicas).where(row.id == database.name).values(values)):
        return
    database.change(delete(replicas).where(row.until < database.now()))
    with contextlib.suppress(IntegrityError):  # the database's answer was lost
        database.change(insert(replicas).values(values | {"id": database.name}))


def leave(database: Database) -> None:
    """Remove this replica's keys at its end."""
    with contextlib.suppress(StoreError):
        database.change(delete(replicas).where(replicas.c.id == database.name))


def check_keys(database: Database, cipher: Encryption) -> None:
    """Record the first key as one that encrypts from now on.

    Raises:
        ConfigurationError: a key that encrypted records is missing, or a running replica could not
            decrypt with the first key.
    """
    others = _others(database)
    sealed = {row.mark for row in database.rows(select(marks.c.mark))}
    if sealed.union(each.first for each in others) - set(cipher.marks):
        raise ConfigurationError(
            f"{KEYS} lacks a key that database records are encrypted with.",
            hint="Append it until `jupyter auth hub rotate-keys` has run. If it is lost, start"
            " with an empty database.",
        )
    if not all(cipher.marks[0] in each.all for each in others):
        raise ConfigurationError(
            f"A running replica of the service does not have the first key of {KEYS}.",
            hint="Append a new key, restart all replicas, and only then move it to the front. A"
            " killed replica counts for half a minute.",
        )
    with contextlib.suppress(IntegrityError):  # recorded already
        database.change(insert(marks).values(mark=cipher.marks[0]))


def require_stopped(database: Database) -> None:
    """Raise ConfigurationError while a replica runs."""
    if _others(database):
        raise ConfigurationError(
            "A replica of the service still runs on this database.",
            hint="Stop all of them, then run this again. A killed one counts for half a minute.",
        )


def renew(
    database: Database, cipher: Encryption, person: Callable[[str, bytes], str | None]
) -> int:
    """Encrypt every record with the first key, and return their number.

    ``person`` gives the digest of a record's person under the first key.

    Raises:
        ConfigurationError: a replica encrypts with another key.
    """
    _require_one_key(database, cipher)
    row, done = records.c, 0
    for (record_id,) in database.rows(select(row.id).where(row.data.is_not(None))):
        while (old := database.load(record_id)) is not None:
            statement = update(records).where(row.id == record_id, row.data == old)
            values = {"data": cipher.renew(old), "person": person(record_id, old)}
            if database.change(statement.values(values)):
                done += 1
                break  # else it was saved since: again
    _require_one_key(database, cipher)  # also of replicas that came since
    database.change(delete(marks).where(marks.c.mark != cipher.marks[0]))
    return done


def sample_of_each_key(database: Database, cipher: Encryption) -> Iterator[Finding]:
    """Check each key on a sample of the records."""
    row = records.c
    some = select(row.data).where(row.data.is_not(None)).order_by(row.id).limit(SAMPLE)
    opened_by = [cipher.opened_by(found.data) for found in database.rows(some)]
    if closed := opened_by.count(None):
        yield Finding(
            about="Keys",
            says=f"No key in {KEYS} decrypts {closed} of {len(opened_by)} records.",
            fix="Append the removed key. If it is lost, the users of these records must sign in"
            " again.",
            state="wrong",
        )
        return
    counts = [opened_by.count(mark) for mark in cipher.marks]
    by_key = ", ".join(map(str, counts))
    says = f"All tested records can be decrypted; by key, in order: {by_key}."
    yield Finding(about="Keys", says=says)
    if any(each.first != cipher.marks[0] for each in _others(database)):
        yield Finding(
            about="Keys",
            says="A replica encrypts with a different key than the first one here.",
            fix=_SAME_FIRST,
            state="note",
        )


_SAME_FIRST = f"Give all replicas the same {KEYS} in the same order, and restart them."


def _require_one_key(database: Database, cipher: Encryption) -> None:
    if any(each.first != cipher.marks[0] for each in _others(database)):
        raise ConfigurationError(
            "A replica of the service still encrypts with a different key than the first one here.",
            hint=f"{_SAME_FIRST} Then run this again.",
        )


def _others(database: Database) -> list[_Keys]:
    row = replicas.c
    running = select(row.marks).where(row.id != database.name, row.until > database.now())
    found = [each.marks.split(",") for each in database.rows(running)]
    return [_Keys(known[0], frozenset(known)) for known in found]
