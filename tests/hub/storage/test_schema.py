"""Databases of an earlier schema: who upgrades them, and what is said where nobody may."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import inspect, select, text

from hub.storage.databases import ALICE, KEY, account, keep
from jupyter_auth import ConfigurationError
from jupyter_auth.server.hub.storage import migration
from jupyter_auth.server.hub.storage.database import Database
from jupyter_auth.server.hub.storage.sql_store import SqlStore
from jupyter_auth.server.hub.storage.tables import records

if TYPE_CHECKING:
    from pathlib import Path

    from hub.storage.postgres import Postgres
    from jupyter_auth.server.hub.storage.encryption import Encryption


def test_a_database_of_schema_1_is_upgraded_by_whichever_replica_comes_first(
    database: Database, url: str, cipher: Encryption
) -> None:
    """Nobody is signed out, and whose account it is stands there after the next refresh."""
    store = SqlStore(database, cipher, ALICE)
    keep(store, account(username="Alice Adams"))
    persons = select(records.c.person)
    ((person,),) = database.rows(persons)
    assert person
    for each in (
        "DROP INDEX ix_jupyter_auth_records_person",
        "ALTER TABLE jupyter_auth_records DROP COLUMN person",
        "UPDATE jupyter_auth_schema SET version = 1",
    ):
        database.change(text(each))
    with ThreadPoolExecutor(4) as pool:
        replicas = list(pool.map(lambda _: Database(url, database.clock), range(4)))
    assert [tuple(row) for row in database.rows(persons)] == [(None,)]
    assert store.load(KEY)
    keep(store, account("at-2", username="Alice Adams"))
    assert [tuple(row) for row in database.rows(persons)] == [(person,)]
    assert {index["name"] for index in inspect(database._engine).get_indexes(records.name)} == {
        index.name for index in records.indexes
    }
    for each in replicas:
        each.close()


@pytest.mark.parametrize(
    "lacking",
    ["UPDATE jupyter_auth_schema SET version = 1", "DELETE FROM jupyter_auth_schema"],
)
def test_tables_that_may_not_be_changed_are_said_to_be_what_lacks(
    tmp_path: Path, lacking: str
) -> None:
    """Not the package: upgrading that once more helps nobody."""
    place = f"sqlite:///{tmp_path / 'accounts.sqlite'}"
    database = Database(place)
    database.change(text(lacking))
    for verb in ("UPDATE", "INSERT"):
        database.change(
            text(
                f"CREATE TRIGGER not_{verb} BEFORE {verb} ON jupyter_auth_schema"
                " BEGIN SELECT RAISE(ABORT, 'must be owner of table'); END"
            )
        )
    with pytest.raises(ConfigurationError, match="cannot be upgraded: must be owner") as caught:
        Database(place)
    assert "once with the URL of a role that owns the tables" in caught.value.hint
    for verb in ("UPDATE", "INSERT"):
        database.change(text(f"DROP TRIGGER not_{verb}"))
    database.close()
    Database(place).close()


@pytest.mark.long
def test_on_postgresql_their_owner_upgrades_them(postgres: Postgres) -> None:
    owner = Database(postgres.url)
    for each in (
        "ALTER TABLE jupyter_auth_records DROP COLUMN person",
        "UPDATE jupyter_auth_schema SET version = 1",
        "CREATE ROLE service LOGIN",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO service",
    ):
        owner.change(text(each))
    place = postgres.url.replace(f"{postgres.user}@", "service@")
    with pytest.raises(ConfigurationError, match="cannot be upgraded: must be owner of table"):
        Database(place)
    for url in (postgres.url, place):
        Database(url).close()
    owner.change(text("DROP OWNED BY service"))
    owner.change(text("DROP ROLE service"))
    owner.close()


@pytest.mark.long
@pytest.mark.timeout(100)  # seconds; the driver's own patience is more than two minutes
def test_a_database_that_takes_connections_and_says_nothing_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(migration, "TRIES", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(ConfigurationError, match="cannot be used"):
            Database(f"postgresql://service@127.0.0.1:{port}/accounts")
