"""A backup is made beside the running service, and restored; rotation goes on from there."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from core.sign_in import account_of, digest_of, sign_in, table
from hub.storage.databases import ALICE, BOB
from jupyter_auth.core.errors import RefreshRejected
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.tokens.need import Need
from jupyter_auth.server.config import Settings
from jupyter_auth.server.hub.brokers import HubBrokers
from jupyter_auth.server.hub.storage.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.storage.postgres import Postgres
    from jupyter_auth.server.hub.storage.encryption import Encryption
    from providers.oidc import OidcProvider


@contextmanager
def service(url: str, cipher: Encryption, oidc: OidcProvider) -> Iterator[HubBrokers]:
    """What a replica holds, until it stops."""
    database = Database(url)
    known = Providers({"idp": table(oidc)}, allow_user_providers=False)
    brokers = HubBrokers(Settings(), known, database, cipher, base_url="/services/")
    yield brokers
    brokers.close()
    database.close()


def test_a_restore_ends_only_what_was_refreshed_since_the_backup(
    tmp_path: Path, cipher: Encryption, oidc: OidcProvider
) -> None:
    place, backup = tmp_path / "accounts.sqlite", tmp_path / "backup.sqlite"
    url = f"sqlite:///{place}"
    with service(url, cipher, oidc) as brokers:
        alice, bob = brokers.engine(ALICE), brokers.engine(BOB)
        sign_in(alice, oidc, person="alice")
        sign_in(bob, oidc, person="bob")
        live = create_engine(url, isolation_level="AUTOCOMMIT")
        with live.connect() as connection:
            connection.execute(text("VACUUM INTO :to"), {"to": str(backup)})
        live.dispose()
        shutil.copy(place, tmp_path / "copied.sqlite")
        alice.token("idp", need=Need(rejected=digest_of(alice)))
        assert oidc.refresh_count == 1
        newest = account_of(alice)
    with service(f"sqlite:///{tmp_path / 'copied.sqlite'}", cipher, oidc) as brokers:
        assert brokers.engine(BOB).accounts() == [], "what is in the -wal file alone is not copied"

    for each in tmp_path.glob("accounts.sqlite*"):
        each.unlink()
    shutil.copy(backup, place)
    with service(url, cipher, oidc) as brokers:
        alice, bob = brokers.engine(ALICE), brokers.engine(BOB)
        assert account_of(alice) != newest
        bob.token("idp", need=Need(rejected=digest_of(bob)))
        with pytest.raises(RefreshRejected, match=r"ended this sign-in .invalid_grant"):
            alice.token("idp", need=Need(rejected=digest_of(alice)))
        assert (oidc.refresh_count, oidc.reuse_count) == (2, 1)
        assert "invalid_grant" in alice.accounts()[0].trouble
        assert bob.accounts()[0].trouble == ""
        sign_in(alice, oidc, person="alice")
        alice.token("idp", need=Need(rejected=digest_of(alice)))


@pytest.mark.long
def test_a_dump_of_postgresql_is_restored_into_another_database(
    postgres: Postgres, cipher: Encryption, oidc: OidcProvider
) -> None:
    with service(postgres.url, cipher, oidc) as brokers:
        sign_in(brokers.engine(ALICE), oidc, person="alice")
        found = account_of(brokers.engine(ALICE))
        dump = Path(postgres.home) / "dump.sql"
        dump.write_text(postgres.dump())
    postgres.sql("DROP DATABASE IF EXISTS restored", "CREATE DATABASE restored")
    place = ("-h", "127.0.0.1", "-p", str(postgres.port))
    postgres._run("psql", *place, "-q", "-v", "ON_ERROR_STOP=1", "-f", str(dump), "restored")
    url = make_url(postgres.url).set(database="restored").render_as_string(hide_password=False)
    with service(url, cipher, oidc) as brokers:
        assert account_of(brokers.engine(ALICE)) == found
