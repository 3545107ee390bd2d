"""Clients that registered themselves, in the service's database: each serves all users."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from jupyter_auth.core.common.codec import DAMAGED, list_from_json, list_to_json
from jupyter_auth.core.common.override import override
from jupyter_auth.core.errors import StoreError
from jupyter_auth.core.registration.registrations import Registration, RegistrationStore
from jupyter_auth.server.hub.storage.database import RecordKey
from jupyter_auth.server.hub.storage.tables import records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_auth.server.hub.storage.database import Database
    from jupyter_auth.server.hub.storage.encryption import Encryption

KIND = "registration"
MOST = 5000  # records


class SqlRegistrations(RegistrationStore):
    """One record for each provider, of no user. Its lease lets one replica register at a time."""

    shared = True

    def __init__(self, database: Database, cipher: Encryption) -> None:
        self._database = database
        self._cipher = cipher

    @override
    def read(self, place: str) -> list[Registration]:
        record = _record(place)
        if (data := self._database.load(record.id)) is None:
            return []
        try:
            return list_from_json(Registration, self._cipher.open(record.id, data))
        except DAMAGED:
            raise StoreError("A database record is damaged.") from None

    @override
    @contextlib.contextmanager
    def change(self, place: str) -> Iterator[list[Registration]]:
        record = _record(place)
        with self._database.leased(record) as lease:
            before = self.read(place)
            entries = list(before)
            yield entries
            if entries != before:
                self._make_room()
                sealed = self._cipher.seal(record.id, list_to_json(entries))
                self._database.save(record.id, lease, sealed)

    def _make_room(self) -> None:
        """Users define providers too: beyond ``MOST``, some other's client is registered again."""
        kept = records.c.owner == KIND, records.c.data.is_not(None)
        found = select(func.count(), func.min(records.c.id)).where(*kept)
        count, one = tuple(self._database.rows(found)[0])
        if count >= MOST:
            self._database.change(delete(records).where(records.c.id == one))


def _record(place: str) -> RecordKey:
    name = hashlib.sha256(f"{KIND} {place}".encode()).hexdigest()
    return RecordKey(id=name, owner=KIND, kind=KIND, user_name="", user_created="")
