"""When an account was last used: noted once an hour, by one of all replicas."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from hub.storage.databases import ALICE, KEY, account, keep
from jupyter_auth.server.hub.storage.database import Database
from jupyter_auth.server.hub.storage.sql_store import USE, SqlStore
from jupyter_auth.server.hub.storage.tables import records

if TYPE_CHECKING:
    from clock import Clock
    from jupyter_auth.server.hub.storage.encryption import Encryption


def used_at(database: Database) -> float | None:
    ((found,),) = database.rows(select(records.c.used_at))
    return found


@pytest.fixture
def store(database: Database, cipher: Encryption) -> SqlStore:
    store = SqlStore(database, cipher, ALICE)
    keep(store, account())
    return store


def test_of_all_replicas_one_hears_of_the_first_use_in_an_hour(
    database: Database, url: str, clock: Clock, cipher: Encryption, store: SqlStore
) -> None:
    assert used_at(database) is None
    with closing(Database(url, clock)) as other:
        stores = [SqlStore(each, cipher, ALICE) for each in (database, other) for _ in range(4)]
        for _ in range(2):
            with ThreadPoolExecutor(8) as pool:
                heard = list(pool.map(lambda each: each.used(KEY), stores * 2))
            assert heard.count(True) == 1
            assert used_at(database) == clock()
            clock.advance(USE + 1)
    keep(store, account("at-2"))
    assert used_at(database) == clock() - USE - 1, "a refresh is no use, and undoes none"


def test_a_new_sign_in_is_used_anew(database: Database, store: SqlStore) -> None:
    assert store.used(KEY)
    with store.locked(KEY) as slot:
        slot.delete()
    keep(store, account())
    assert used_at(database) is None
    assert store.used(KEY)


def test_a_lease_is_no_hindrance(store: SqlStore) -> None:
    with store.locked(KEY):
        assert store.used(KEY)


def test_without_the_database_nothing_is_raised(database: Database, store: SqlStore) -> None:
    database.change(text("ALTER TABLE jupyter_auth_records RENAME TO elsewhere"))
    assert not store.used(KEY)
    database.change(text("ALTER TABLE elsewhere RENAME TO jupyter_auth_records"))
    assert store.used(KEY)
