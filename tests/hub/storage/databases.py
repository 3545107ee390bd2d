"""An empty database of the service on either system, and accounts to keep in it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from cryptography.fernet import Fernet

from hub.storage.postgres import Postgres
from jupyter_auth.core.common import blocked_addresses
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.models import Account, AccountKey
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.secret import Secret
from jupyter_auth.server.hub.revocations import Revocations
from jupyter_auth.server.hub.storage.database import Database, Owner
from jupyter_auth.server.hub.storage.encryption import Encryption
from jupyter_auth.server.hub.storage.tables import marks, records, replicas

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from clock import Clock
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.server.hub.storage.sql_store import SqlStore

ALICE, BOB = Owner("alice", "2026-01-01T00:00:00Z"), Owner("bob", "2026-01-01T00:00:00Z")
KEY = AccountKey("idp")
KEYS = Fernet.generate_key().decode()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with Postgres(tmp_path_factory.mktemp("postgres") / "home") as postgres:
        yield postgres


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'accounts.sqlite'}"
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.url


@pytest.fixture
def database(url: str, clock: Clock) -> Iterator[Database]:
    database = Database(url, clock)
    for table in (records, marks, replicas):
        database.change(table.delete())
    yield database
    database.close()


@pytest.fixture
def environment(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """That of the service, in this process."""
    caplog.set_level(logging.INFO, "jupyter_auth.audit")  # else it stays so
    environ = {
        "JUPYTERHUB_API_TOKEN": "x",
        "JUPYTERHUB_API_URL": "http://127.0.0.1:1/hub/api",
        "JUPYTERHUB_CLIENT_ID": "service-jupyter-auth",
        "JUPYTERHUB_SERVICE_PREFIX": "/services/jupyter-auth/",
        "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:1",
        "JUPYTER_AUTH_DATABASE_URL": url,
        "JUPYTER_AUTH_CRYPT_KEYS": KEYS,
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(blocked_addresses, "_shared", False)  # else it stays so


@pytest.fixture
def cipher() -> Encryption:
    return Encryption(KEYS)


def account(token: str = "at-1", **changes: Any) -> Account:
    fields: dict[str, Any] = {
        "provider": "idp",
        "session_key": "default",
        "fingerprint": "f",
        "access_token": Secret(token),
        "refresh_token": Secret(f"refresh of {token}"),
        "issued_at": 1.0,
        "expires_at": 61.0,
        "signed_in_at": 1.0,
    }
    return Account(**fields | changes)


def keep(store: SqlStore, kept: Account) -> None:
    with store.locked(kept.key) as slot:
        slot.save(kept)


def revocations_of(database: Database, cipher: Encryption) -> Revocations:
    """The queue there, of a process that knows no provider and asks none."""

    def nowhere(provider: Provider) -> NoReturn:
        raise ProviderUnavailable(provider.name)

    return Revocations(database, cipher, Providers({}, allow_user_providers=False), nowhere)
