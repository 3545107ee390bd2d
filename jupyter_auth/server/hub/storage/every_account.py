"""The accounts of all users, for the service itself and its administrator. No lease is needed."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, tuple_

from jupyter_auth.core.errors import StoreError
from jupyter_auth.server.hub.storage.database import Owner
from jupyter_auth.server.hub.storage.sql_store import ACCOUNT, BATCH, SqlStore
from jupyter_auth.server.hub.storage.tables import records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement

    from jupyter_auth.core.models import Account
    from jupyter_auth.server.hub.storage.database import Database
    from jupyter_auth.server.hub.storage.encryption import Encryption


@dataclass(frozen=True)
class StoredAccount:
    """``account`` None: the record is damaged, or of an unknown key. ``used_at`` is in seconds
    since 1970; None: it was not used since it is noted.
    """

    owner: Owner
    account: Account | None
    used_at: float | None


def every_account(
    database: Database, cipher: Encryption, *only: ColumnElement[bool]
) -> Iterator[StoredAccount]:
    """All accounts, by their users' names; a few are in memory at once. Raises StoreError."""
    row, last = records.c, ("", "")
    place = (row.user_name, row.id)
    columns = select(row.id, row.user_name, row.user_created, row.data, row.used_at)
    found = columns.where(row.kind == ACCOUNT, row.data.is_not(None), *only).order_by(*place)
    while batch := database.rows(found.where(tuple_(*place) > last).limit(BATCH)):
        for each in batch:
            owner, account = Owner(each.user_name, each.user_created), None
            with contextlib.suppress(StoreError):
                account = SqlStore(database, cipher, owner).opened(each.id, each.data)
            yield StoredAccount(owner, account, each.used_at)
        last = (batch[-1].user_name, batch[-1].id)
