"""One Hub user's identity is no other user's, whoever finishes a login. SECURITY 3."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select, update

from jupyter_auth import Provider
from jupyter_auth.core.common import blocked_addresses
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import LoginFailed
from jupyter_auth.core.models import AccountKey, LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.tokens.need import Need
from jupyter_auth.server.config import Settings
from jupyter_auth.server.hub.brokers import HubBrokers
from jupyter_auth.server.hub.service import HubService
from jupyter_auth.server.hub.storage import sql_store
from jupyter_auth.server.hub.storage.database import Database, Owner
from jupyter_auth.server.hub.storage.encryption import Encryption
from jupyter_auth.server.hub.storage.identities import Identities
from jupyter_auth.server.hub.storage.sql_store import SqlStore, renew
from jupyter_auth.server.hub.storage.tables import records
from patience import PATIENCE, until
from security.hub.sign_in import ALICE, KEYS, signs_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from providers.oidc import OidcProvider


MALLORY = Owner("mallory", "2026-01-01T00:00:00Z")
KEY = AccountKey("idp")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'accounts.sqlite'}")
    yield database
    database.close()


@pytest.fixture
def providers(oidc: OidcProvider) -> Providers:
    scopes = ("openid", "profile", "offline_access")
    provider = Provider(name="idp", issuer=oidc.issuer, client_id=oidc.client_id, scopes=scopes)
    return Providers({"idp": provider}, allow_user_providers=False)


@pytest.fixture
def service(database: Database, providers: Providers) -> Iterator[Callable[..., HubBrokers]]:
    """Makes replicas of the service over one database."""
    made: list[HubBrokers] = []

    def make(keys: str = KEYS, gone: Any = lambda _: False, **settings: Any) -> HubBrokers:
        given = Settings(**settings)
        made.append(
            HubBrokers(given, providers, database, Encryption(keys), base_url="/", gone=gone)
        )
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_the_identity_of_another_user_is_refused_and_stays_signed_in_there(
    service: Callable[..., HubBrokers], oidc: OidcProvider
) -> None:
    alice, mallory = service().engine(ALICE), service().engine(MALLORY)
    assert signs_in(alice, oidc).status == "complete"
    ended = signs_in(mallory, oidc)
    assert (ended.status, (ended.error or {})["code"]) == ("failed", "login_failed")
    assert "account of another user of this JupyterHub" in (ended.error or {})["message"]
    assert "shared_identities" in (ended.error or {})["hint"]
    assert mallory.accounts() == []
    token = alice.token("idp")
    assert oidc.introspect(token.access_token.reveal())["active"], "she was signed out"
    assert alice.token("idp", need=Need(rejected=token.digest)).digest != token.digest
    assert signs_in(alice, oidc).status == "complete", "she may sign in again"
    assert signs_in(mallory, oidc, "bob").status == "complete", "nor is he shut out"


def test_an_administrator_may_let_several_users_be_one_person(
    service: Callable[..., HubBrokers], oidc: OidcProvider
) -> None:
    shared = service(shared_identities=("idp",))
    for owner in (ALICE, MALLORY):
        assert signs_in(shared.engine(owner), oidc).status == "complete"
    mallory = service().engine(MALLORY)  # it was allowed then: nobody loses what rests
    assert mallory.token("idp", need=Need(rejected=mallory.token("idp").digest))
    assert signs_in(mallory, oidc).status == "failed"
    assert mallory.token("idp")


def test_a_user_who_is_gone_or_was_made_anew_holds_nothing_back(
    service: Callable[..., HubBrokers], oidc: OidcProvider
) -> None:
    signs_in(service().engine(ALICE), oidc)
    anew = service().engine(Owner("alice", "2026-02-02T00:00:00Z"))
    assert signs_in(anew, oidc).status == "complete"
    assert signs_in(service().engine(MALLORY), oidc).status == "failed"
    gone = service(gone=lambda owner: owner.name == "alice")
    assert signs_in(gone.engine(MALLORY), oidc).status == "complete"


def test_the_store_refuses_it_by_itself_and_the_login_ends(
    database: Database, providers: Providers, oidc: OidcProvider
) -> None:
    """Where two finish at once, both pass what is asked before."""
    alice, mallory = (
        Engine(providers, SqlStore(database, Encryption(KEYS), who)) for who in (ALICE, MALLORY)
    )
    assert signs_in(alice, oidc).status == "complete"
    ended = signs_in(mallory, oidc)
    assert (ended.status, (ended.error or {})["code"]) == ("failed", "login_failed")
    assert mallory.accounts() == []


def test_of_two_at_once_one_gets_it(
    service: Callable[..., HubBrokers], database: Database, oidc: OidcProvider, tmp_path: Path
) -> None:
    """The second waits until the first has stored, or has not."""
    alice = service().engine(ALICE)
    signs_in(alice, oidc)
    cipher, record = Encryption(KEYS), ALICE.record("account", "idp", "default")
    account, rests = SqlStore(database, cipher, ALICE).load(KEY), database.load(record.id)
    alice.logout("idp", revoke=False)
    looked: list[float] = []

    def clock() -> float:
        looked.append(time.time())
        return looked[-1]

    def mallory() -> None:
        other = Database(f"sqlite:///{tmp_path / 'accounts.sqlite'}", clock)
        with SqlStore(other, cipher, MALLORY).locked(KEY) as slot:
            slot.save(account)
        other.close()

    with ThreadPoolExecutor() as pool:
        identities = Identities(database, cipher)
        with identities.reserved(account, ALICE), database.leased(record) as lease:
            second = pool.submit(mallory)
            until(lambda: len(looked) > 3 or second.done())  # it tries again and again
            database.save(record.id, lease, rests, identities.digest(account))
        with pytest.raises(LoginFailed, match="another user"):
            second.result(PATIENCE)


def test_it_is_found_under_each_key_and_a_dump_names_nobody(
    service: Callable[..., HubBrokers], database: Database, oidc: OidcProvider
) -> None:
    signs_in(service().engine(ALICE), oidc)
    (old,) = persons(database)
    account = SqlStore(database, Encryption(KEYS), ALICE).load(KEY)
    assert account
    assert old != account.person, "whoever knows issuer and subject could look for her"
    both = f"{Fernet.generate_key().decode()}, {KEYS}"
    assert signs_in(service(keys=both).engine(MALLORY), oidc).status == "failed"
    renew(database, Encryption(both))
    assert persons(database) != [old]
    new = both.partition(",")[0]
    assert signs_in(service(keys=new).engine(MALLORY), oidc).status == "failed"


def test_what_schema_1_did_not_say_is_written_down_when_a_replica_starts(
    service: Callable[..., HubBrokers],
    database: Database,
    oidc: OidcProvider,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For every account, in however many batches; one that cannot be opened stays as it is."""
    monkeypatch.setattr(blocked_addresses, "_shared", blocked_addresses.shared())
    monkeypatch.setattr(sql_store, "BATCH", 1)
    alice = service().engine(ALICE)
    signs_in(alice, oidc)
    assert alice.begin(LoginRequest("idp", session_key="other"))  # a login's record is no account
    signs_in(service().engine(Owner("carol", ALICE.created)), oidc, "bob")
    said = persons(database)
    with database.leased(MALLORY.record("account", "x")) as lease:
        database.save(MALLORY.record("account", "x").id, lease, b"damaged")
    database.change(update(records).values(person=None))
    environ = {
        "JUPYTERHUB_API_TOKEN": "t",
        "JUPYTERHUB_SERVICE_PREFIX": "/services/jupyter-auth/",
        "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:10201",
        "JUPYTER_AUTH_DATABASE_URL": f"sqlite:///{tmp_path / 'accounts.sqlite'}",
        "JUPYTER_AUTH_CRYPT_KEYS": KEYS,
        "JUPYTER_AUTH_PROVIDERS": json.dumps({"idp": {"issuer": oidc.issuer, "client_id": "x"}}),
    }
    with ThreadPoolExecutor() as pool:
        for started in list(pool.map(lambda _: HubService(environ), range(2))):
            started.brokers.close()
            started.database.close()
    assert sorted(map(str, persons(database))) == sorted(map(str, [*said, None]))
    assert database.load(MALLORY.record("account", "x").id) == b"damaged"
    assert signs_in(service().engine(MALLORY), oidc).status == "failed"


def persons(database: Database) -> list[str | None]:
    row = records.c
    return [each.person for each in database.rows(select(row.person).where(row.kind == "account"))]
