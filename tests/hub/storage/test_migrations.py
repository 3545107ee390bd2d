"""The first release's database: upgraded, its accounts refreshed, and taken back in a copy."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import NullPool, create_engine, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from core.sign_in import table
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.server.config import Settings
from jupyter_auth.server.hub import cli
from jupyter_auth.server.hub.brokers import HubBrokers
from jupyter_auth.server.hub.storage.database import Database, Owner
from jupyter_auth.server.hub.storage.encryption import Encryption
from jupyter_auth.server.hub.storage.key_rotation import announce, leave
from jupyter_auth.server.hub.storage.sql_store import add_person_digests
from jupyter_auth.server.hub.storage.tables import REVISION_TABLE, metadata, records
from jupyter_auth.server.hub.users.unused import remove_unused
from providers import sockets
from providers.rogue import Family, RogueProvider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

FIRST = (Path(__file__).parent / "first_release.sql").read_text()
KEY = "dGhlIGtleSBvZiBhIGZpeHR1cmUsIG5vIHNlY3JldCE="
ALICE = Owner("alice", "2025-11-01T08:00:00.000000Z")
BOB = Owner("bob", "2025-11-02T08:00:00.000000Z")
PORT = 18425  # of the accounts' issuer; no system gives it away by itself


def plain(url: str) -> Engine:
    """Without this package's ways."""
    place = make_url(url)
    if place.drivername == "postgresql":
        place = place.set(drivername="postgresql+psycopg")
    return create_engine(place, isolation_level="AUTOCOMMIT", poolclass=NullPool)


@pytest.fixture
def first(url: str) -> str:
    """The URL of a database that the first release filled."""
    engine = plain(url)
    dump = FIRST.replace("BLOB", "BYTEA") if engine.name == "postgresql" else FIRST
    with engine.connect() as connection:
        for each in [REVISION_TABLE, *metadata.tables]:
            connection.execute(text(f"DROP TABLE IF EXISTS {each}"))
        for statement in dump.split(";\n"):
            connection.exec_driver_sql(statement)
    return url


@pytest.fixture
def idp(monkeypatch: pytest.MonkeyPatch) -> Iterator[RogueProvider]:
    """The accounts' provider, which remembers their refresh tokens."""
    monkeypatch.setattr(sockets, "free_port", lambda: PORT)
    with RogueProvider() as idp:
        for number in (1, 2, 3):
            family = Family("notebook", "openid offline_access", None, idp.sub)
            family.refresh_token = f"first-refresh-{number}"
            idp._families.append(family)
        yield idp


def differences(url: str) -> list[Any]:
    """What the tables are not, of that which this version uses."""
    with plain(url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": REVISION_TABLE})
        return compare_metadata(context, metadata)


def shape(url: str) -> dict[str, Any]:
    found = inspect(plain(url))
    return {
        name: (
            [(each["name"], str(each["type"]), each["nullable"]) for each in columns],
            sorted((each["name"], each["column_names"]) for each in found.get_indexes(name)),
        )
        for (_, name), columns in found.get_multi_columns().items()
    }


def contents(url: str) -> list[Any]:
    row = records.c
    with plain(url).connect() as connection:
        found = connection.execute(select(row.id, row.owner, row.data, row.stamp).order_by(row.id))
        return [tuple(each) for each in found]


def named(url: str, name: str) -> str:
    """Another database of the same server."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def copied(url: str, to: Path) -> str:
    """The URL of a copy, as an administrator makes one."""
    if url.startswith("sqlite"):
        with plain(url).connect() as connection:
            connection.execute(text("VACUUM INTO :to"), {"to": str(to)})
        return f"sqlite:///{to}"
    with plain(named(url, "template1")).connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS copy"))
        connection.execute(text("CREATE DATABASE copy TEMPLATE postgres"))
    return named(url, "copy")


def test_the_tables_are_as_the_revisions_make_them(url: str, first: str) -> None:
    assert differences(first)
    Database(first).close()
    assert differences(first) == []
    upgraded = shape(first)
    with plain(url).connect() as connection:
        for name in upgraded:
            connection.execute(text(f"DROP TABLE {name}"))
    Database(url).close()
    assert differences(url) == []
    made = shape(url)
    assert {name: sorted(columns) for name, (columns, _) in made.items()} == {
        name: sorted(columns) for name, (columns, _) in upgraded.items()
    }


def test_every_account_of_the_first_release_can_be_refreshed(
    first: str, idp: RogueProvider
) -> None:
    cipher, providers = Encryption(KEY), Providers({"idp": table(idp)}, allow_user_providers=False)
    with closing(Database(first)) as database:
        add_person_digests(database, cipher)
        place = {"base_url": "/services/"}
        with closing(HubBrokers(Settings(), providers, database, cipher, **place)) as brokers:
            fetched = {
                (owner.name, each.key.session_key, engine.token("idp", each.key.session_key).digest)
                for owner in (ALICE, BOB)
                for engine in [brokers.engine(owner)]
                for each in engine.accounts()
            }
        persons = database.rows(select(records.c.user_name, records.c.person))
    assert {(name, key) for name, key, _ in fetched} == {
        ("alice", "default"),
        ("alice", "admin"),
        ("bob", "default"),
    }
    assert (idp.refreshes, idp.reuses) == (3, 0)
    assert all(person for name, person in persons if name == "alice")


def test_no_account_seems_unused_since_before_its_use_was_noted(first: str) -> None:
    cipher, providers = Encryption(KEY), Providers(allow_user_providers=False)
    place = {"base_url": "/services/"}
    with (
        closing(Database(first)) as database,
        closing(HubBrokers(Settings(), providers, database, cipher, **place)) as brokers,
    ):
        remove_unused(database, cipher, brokers.revocations, {"idp": 1})
        assert len(brokers.engine(ALICE).accounts()) == 2


def test_an_upgrade_that_is_cut_off_changes_nothing(
    first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next replica upgrades all of it."""
    before, kept, upgrade = shape(first), contents(first), command.upgrade

    def cut_off(*asked: Any) -> None:
        upgrade(*asked)
        raise OperationalError("", None, Exception("cut off"))

    with monkeypatch.context() as patch:
        patch.setattr(command, "upgrade", cut_off)
        with pytest.raises(ConfigurationError, match="cannot be upgraded: cut off"):
            Database(first)
    assert shape(first) == before
    with ThreadPoolExecutor(3) as pool:
        for each in pool.map(Database, [first] * 3):
            each.close()
    assert differences(first) == []
    assert contents(first) == kept


def test_an_older_version_gets_its_schema_back_in_a_copy(first: str, tmp_path: Path) -> None:
    shape_1, kept = shape(first), contents(first)
    Database(first).close()
    copy = copied(first, tmp_path / "copy.sqlite")
    with closing(Database(copy)) as database:
        database.downgrade(2)
    ((what, _, name, column),) = differences(copy)
    assert (what, name, column.name) == ("add_column", records.name, "used_at")
    assert contents(copy) == kept
    with closing(Database(copy)) as database:
        database.downgrade(1)
    assert {name: shape(copy)[name] for name in shape_1} == shape_1
    assert contents(copy) == kept
    with plain(copy).connect() as connection:
        assert connection.execute(text("SELECT version FROM jupyter_auth_schema")).all() == [(1,)]
    Database(copy).close()
    assert differences(copy) == differences(first) == []
    assert contents(copy) == contents(first) == kept


@pytest.mark.usefixtures("environment")
def test_the_command_goes_back_once_every_replica_has_stopped(
    database: Database,
    url: str,
    cipher: Encryption,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    providers = {"idp": {"issuer": "https://login.acme.example", "client_id": "x"}}
    monkeypatch.setenv("JUPYTER_AUTH_PROVIDERS", json.dumps(providers))
    announce(database, cipher)
    with pytest.raises(ConfigurationError, match="A replica of the service still runs"):
        cli.main(["downgrade-db", "2"])
    assert differences(url) == []
    leave(database)
    assert cli.main(["downgrade-db", "2"]) == 0
    assert "The database has schema 2. Now start the older" in capsys.readouterr().out
    assert len(differences(url)) == 1
    Database(url).close()
