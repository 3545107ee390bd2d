"""Another key for the database, while replicas run: no step of it comes too early."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select, text

from hub.storage.databases import ALICE, BOB, KEY, KEYS, account, keep
from jupyter_auth import ConfigurationError
from jupyter_auth.server.hub.storage.database import LEASE, Database
from jupyter_auth.server.hub.storage.encryption import Encryption
from jupyter_auth.server.hub.storage.key_rotation import (
    announce,
    check_keys,
    leave,
    sample_of_each_key,
)
from jupyter_auth.server.hub.storage.sql_store import SqlStore, renew
from jupyter_auth.server.hub.storage.tables import marks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clock import Clock
    from hub.storage.postgres import Postgres

NEW = Fernet.generate_key().decode()
OLD_NEW, NEW_OLD, ONLY_NEW = (Encryption(keys) for keys in (f"{KEYS},{NEW}", f"{NEW},{KEYS}", NEW))


@pytest.fixture
def other(url: str, clock: Clock) -> Iterator[Database]:
    """That of a replica which runs."""
    other = Database(url, clock)
    yield other
    other.close()


def test_in_the_right_order_each_step_is_taken(
    database: Database, other: Database, cipher: Encryption
) -> None:
    """One replica after the other, and both have users meanwhile."""
    steps = [cipher, OLD_NEW, NEW_OLD]
    for number, step in enumerate(steps):
        for replica in (database, other):
            check_keys(replica, step)
            announce(replica, step)
            kept = account(f"at-{number}")
            keep(SqlStore(replica, step, ALICE), kept)
            for each in steps[max(0, number - 1) : number + 1]:  # some have not come so far yet
                assert SqlStore(database, each, ALICE).load(KEY) == kept
    assert renew(database, NEW_OLD) == 1
    for replica in (database, other):
        check_keys(replica, ONLY_NEW)
        announce(replica, ONLY_NEW)
    assert SqlStore(database, ONLY_NEW, ALICE).load(KEY) == kept


def test_a_key_that_a_replica_does_not_have_encrypts_nothing(
    database: Database, other: Database, cipher: Encryption, clock: Clock
) -> None:
    announce(other, cipher)
    with pytest.raises(
        ConfigurationError, match="running replica of the service does not have"
    ) as caught:
        check_keys(database, NEW_OLD)
    assert "Append" in caught.value.hint
    assert not database.rows(select(marks))
    check_keys(database, OLD_NEW)
    leave(other)
    check_keys(database, NEW_OLD)
    announce(other, cipher)
    clock.advance(LEASE + 1)  # it was killed
    check_keys(database, NEW_OLD)


@pytest.mark.parametrize("theirs", [OLD_NEW, Encryption(KEYS)])
def test_keys_are_not_rotated_under_a_replica_that_encrypts_with_another(
    database: Database, other: Database, cipher: Encryption, theirs: Encryption
) -> None:
    keep(SqlStore(database, cipher, ALICE), account())
    check_keys(database, cipher)
    announce(other, theirs)
    with pytest.raises(ConfigurationError, match="still encrypts with a different key") as caught:
        renew(database, NEW_OLD)
    assert "restart them. Then run this again" in caught.value.hint
    assert SqlStore(database, cipher, ALICE).load(KEY), "it was encrypted anew all the same"
    announce(other, NEW_OLD)
    assert renew(database, NEW_OLD) == 1


def test_the_old_key_is_needed_while_a_replica_encrypts_with_it(
    database: Database, other: Database, cipher: Encryption
) -> None:
    """It was started between the two: nothing says so but what it has written down."""
    announce(other, OLD_NEW)
    with pytest.raises(ConfigurationError, match="lacks a key"):
        check_keys(database, ONLY_NEW)
    assert cipher.marks[0] == OLD_NEW.marks[0]


def test_one_that_starts_meanwhile_stops_the_rotation(
    database: Database, other: Database, cipher: Encryption, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(SqlStore(database, cipher, ALICE), account())
    check_keys(database, cipher)
    real = NEW_OLD.renew
    monkeypatch.setattr(NEW_OLD, "renew", lambda old: announce(other, OLD_NEW) or real(old))
    with pytest.raises(ConfigurationError, match="still encrypts with a different key"):
        renew(database, NEW_OLD)
    assert cipher.marks[0] in {row.mark for row in database.rows(select(marks))}


def test_the_doctor_opens_records_with_each_key(
    database: Database, other: Database, cipher: Encryption
) -> None:
    keep(SqlStore(database, cipher, ALICE), account())
    keep(SqlStore(database, NEW_OLD, BOB), account())
    (well,) = sample_of_each_key(database, NEW_OLD)
    assert (well.state, "1, 1" in well.says) == ("ok", True)
    (wrong,) = sample_of_each_key(database, ONLY_NEW)
    assert (wrong.state, "1 of 2 records" in wrong.says) == ("wrong", True)
    assert "Append" in wrong.fix
    announce(other, OLD_NEW)
    assert [each.state for each in sample_of_each_key(database, NEW_OLD)] == ["ok", "note"]


def test_a_database_of_before_is_given_what_it_lacks(
    database: Database, url: str, clock: Clock, cipher: Encryption
) -> None:
    """Schema 2 did not have it from the beginning."""
    database.change(text("DROP TABLE jupyter_auth_replicas"))
    database.change(text("UPDATE jupyter_auth_schema SET version = 2"))
    newer = Database(url, clock)
    announce(newer, cipher)
    newer.close()


@pytest.mark.long
def test_on_postgresql_a_role_that_may_not_use_it_says_so(postgres: Postgres) -> None:
    owner = Database(postgres.url)
    place = postgres.url.replace(f"{postgres.user}@", "service@")
    grant = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO service"
    before = (
        "DROP TABLE jupyter_auth_replicas",
        "UPDATE jupyter_auth_schema SET version = 2",
        "CREATE ROLE service LOGIN",
    )
    for each in (*before, grant):
        owner.change(text(each))
    with pytest.raises(ConfigurationError, match="cannot be upgraded: permission denied"):
        Database(place)
    Database(postgres.url).close()
    with pytest.raises(ConfigurationError, match="cannot be upgraded: permission denied") as caught:
        Database(place)
    assert "let the service's own role use" in caught.value.hint
    owner.change(text(grant))
    Database(place).close()
    owner.change(text("DROP OWNED BY service"))
    owner.change(text("DROP ROLE service"))
    owner.close()
