"""Accounts and logins of all users in one database: whose is whose, and one refresh for all."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from cryptography.fernet import Fernet
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import select, update

from hub.storage.databases import ALICE, BOB, KEY, KEYS, account, keep
from jupyter_auth import ConfigurationError, LoginExpired, Provider, RefreshRejected
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import StoreError
from jupyter_auth.core.login.login_store import AuthorizationResponse
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.tokens.need import Need
from jupyter_auth.server.hub.storage import database as database_module
from jupyter_auth.server.hub.storage import sql_store
from jupyter_auth.server.hub.storage.database import GRACE, LEASE, Database, Owner
from jupyter_auth.server.hub.storage.encryption import Encryption
from jupyter_auth.server.hub.storage.key_rotation import check_keys
from jupyter_auth.server.hub.storage.sql_store import SqlLoginStore, SqlStore, renew
from jupyter_auth.server.hub.storage.tables import marks, records
from patience import PATIENCE, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from clock import Clock
    from providers.oidc import OidcProvider


# -- whose is whose --------------------------------------------------------------------------------


def test_what_is_saved_is_there_and_what_is_deleted_is_gone(
    database: Database, cipher: Encryption
) -> None:
    store = SqlStore(database, cipher, ALICE)
    assert store.load(KEY) is None
    keep(store, account())
    keep(store, account("at-2", session_key="../../x \N{GRINNING FACE}" * 50))
    assert store.load(KEY) == account()
    assert len(store.accounts()) == 2
    before = store.stamp()
    keep(store, account("at-3"))
    assert store.stamp() != before
    with store.locked(KEY) as slot:
        assert slot.delete()
        assert not slot.delete()
    assert store.load(KEY) is None
    assert len(store.stamp()) == 1
    assert len(database.rows(select(records))) == 1, "an empty record stayed"


def test_nobody_finds_what_is_of_somebody_else(database: Database, cipher: Encryption) -> None:
    keep(SqlStore(database, cipher, ALICE), account())
    born_again = Owner("alice", "2026-02-02T00:00:00Z")
    for owner in (BOB, born_again, Owner("Alice", ALICE.created), Owner("alice ", ALICE.created)):
        other = SqlStore(database, cipher, owner)
        assert other.load(KEY) is None
        assert other.accounts() == []
        assert other.stamp() == {}
        with other.locked(KEY) as slot:
            assert slot.load() is None
            assert not slot.delete()
    assert SqlStore(database, cipher, ALICE).load(KEY)


names = st.text(max_size=12) | st.sampled_from(
    ['a", "b', "a\0b", "%", "../x", "a~b", "ä", "a\u0308"]
)


@given(st.lists(st.tuples(names, names, names, names), min_size=2, max_size=2, unique=True))
@example([("ab", "c", "d", "e"), ("a", "bc", "d", "e")])
def test_no_two_names_have_one_record(named: list[tuple[str, str, str, str]]) -> None:
    ids = {Owner(user, at).record("account", idp, key).id for user, at, idp, key in named}
    assert len(ids) == 2


def test_a_record_moved_to_somebody_else_does_not_open(
    database: Database, cipher: Encryption
) -> None:
    """Whoever can write to the database, but has no key, cannot hand alice's tokens to bob."""
    keep(SqlStore(database, cipher, ALICE), account())
    keep(SqlStore(database, cipher, BOB), account("at-bob"))
    (stolen,) = database.rows(select(records.c.data).where(records.c.owner == ALICE.id))
    database.change(update(records).where(records.c.owner == BOB.id).values(data=stolen.data))
    with pytest.raises(StoreError, match="cannot be decrypted"):
        SqlStore(database, cipher, BOB).load(KEY)
    assert SqlStore(database, cipher, BOB).accounts() == []


def test_the_database_shows_nothing(database: Database, cipher: Encryption, tmp_path: Path) -> None:
    keep(SqlStore(database, cipher, ALICE), account("at-in-the-clear", username="Alice Adams"))
    shown = repr(database.rows(select(records)))
    for file in tmp_path.glob("*.sqlite*"):
        assert file.stat().st_mode & 0o077 == 0
        shown += file.read_bytes().decode("latin-1")
    for secret in ("at-in-the-clear", "refresh of", "Alice Adams", KEYS):
        assert secret not in shown


def test_one_user_does_not_fill_the_database(
    database: Database, cipher: Encryption, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_store, "MOST_ACCOUNTS", 2)
    store = SqlStore(database, cipher, ALICE)
    keep(store, account())
    keep(store, account(session_key="second"))
    with pytest.raises(StoreError, match="already 2 accounts"):
        keep(store, account(session_key="third"))
    keep(store, account("at-again"))
    keep(SqlStore(database, cipher, BOB), account())


# -- keys ------------------------------------------------------------------------------------------


def test_keys_are_renewed_while_old_ones_still_read(database: Database, cipher: Encryption) -> None:
    new = Fernet.generate_key().decode()
    keep(SqlStore(database, cipher, ALICE), account())
    both, only_new = Encryption(f"{new}, {KEYS}"), Encryption(new)
    assert SqlStore(database, both, ALICE).load(KEY) == account()
    with pytest.raises(StoreError, match="rotate-keys"):
        SqlStore(database, only_new, ALICE).load(KEY)
    assert renew(database, both) == 1
    assert SqlStore(database, only_new, ALICE).load(KEY) == account()


def test_a_key_may_go_when_nothing_needs_it_any_more(
    database: Database, cipher: Encryption
) -> None:
    new = Fernet.generate_key().decode()
    both, only_new = Encryption(f"{new}, {KEYS}"), Encryption(new)
    check_keys(database, cipher)
    with pytest.raises(ConfigurationError, match=r"lacks a key .*rotate-keys"):
        check_keys(database, only_new)
    check_keys(database, both)  # from here on the new one encrypts
    for one in (cipher, only_new):
        with pytest.raises(ConfigurationError, match="lacks a key"):
            check_keys(database, one)
    renew(database, both)
    check_keys(database, only_new)
    with pytest.raises(ConfigurationError, match="lacks a key"):
        check_keys(database, cipher)
    shown = repr(database.rows(select(marks)))
    assert new[:8] not in shown
    assert len(database.rows(select(marks))) == 1


@pytest.mark.parametrize("keys", ["", " ; ", "short", "x" + KEYS, f"{KEYS},short"], ids=range(5))
def test_keys_that_are_none_are_refused(keys: str) -> None:
    with pytest.raises(ConfigurationError, match="JUPYTER_AUTH_CRYPT_KEYS") as caught:
        Encryption(keys)
    assert KEYS not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "nonsense", "oracle://x", "sqlite:////no/such/place/x.sqlite", "sqlite://"]
)
def test_a_database_that_cannot_be_used_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(ConfigurationError, match="JUPYTER_AUTH_DATABASE_URL"):
        Database(url)


def test_a_link_in_the_place_of_the_database_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    (tmp_path / "accounts.sqlite").symlink_to(target)
    with pytest.raises(ConfigurationError, match="symbolic link"):
        Database(f"sqlite:///{tmp_path / 'accounts.sqlite'}")
    assert not target.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_somebody_elses_file_in_the_place_of_the_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "accounts.sqlite"
    path.touch()
    path.chmod(0o644)
    os.chown(path, 65534, 65534)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        Database(f"sqlite:///{path}")
    assert path.stat().st_mode & 0o777 == 0o644


# -- leases ----------------------------------------------------------------------------------------


def test_an_account_is_in_one_hand_at_a_time(
    database: Database, url: str, cipher: Encryption
) -> None:
    other = Database(url, database.clock)
    inside, order = threading.Event(), []

    def second() -> None:
        inside.wait(PATIENCE)
        with SqlStore(other, cipher, ALICE).locked(KEY):
            order.append("second")

    with ThreadPoolExecutor() as pool:
        with SqlStore(database, cipher, ALICE).locked(KEY):
            waiting = pool.submit(second)
            inside.set()
            with SqlStore(other, cipher, BOB).locked(KEY):  # nobody else waits for alice
                order.append("first")
        waiting.result(PATIENCE)
    assert order == ["first", "second"]
    other.close()


def test_who_dies_with_a_lease_blocks_it_for_a_while_only(
    database: Database, url: str, cipher: Encryption, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Database(url, clock)
    store, next_one = SqlStore(database, cipher, ALICE), SqlStore(other, cipher, ALICE)
    slow = store.locked(KEY)
    slot = slow.__enter__()
    monkeypatch.setattr(database_module, "LEASE_TIMEOUT", 0.2)
    for wait in (0, LEASE + 1):  # it is called first
        clock.advance(wait)
        with pytest.raises(Exception, match="still using this account"):
            next_one.locked(KEY).__enter__()
    clock.advance(GRACE + 1)
    keep(next_one, account("at-of-the-next"))
    with pytest.raises(StoreError, match="another replica took over"):
        slot.save(account("at-of-the-dead"))
    slow.__exit__(None, None, None)
    assert store.load(KEY) == account("at-of-the-next")
    with store.locked(KEY), pytest.raises(Exception, match="still using this account"):
        store.locked(KEY).__enter__()  # nor twice in one process
    other.close()


def test_whoever_is_alive_keeps_the_lease_that_is_called(
    database: Database, url: str, cipher: Encryption, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the database was away: what this replica could not save is saved first."""
    monkeypatch.setattr(database_module, "LEASE_TIMEOUT", 0.2)
    other = Database(url, clock)
    store, next_one = SqlStore(database, cipher, ALICE), SqlStore(other, cipher, ALICE)
    with store.locked(KEY) as slot:
        clock.advance(10 * LEASE)
        for _ in range(3):
            with pytest.raises(Exception, match="still using this account"):
                next_one.locked(KEY).__enter__()
            clock.advance(GRACE - 1)
            database.beat()
            clock.advance(LEASE - 1)
        slot.save(account())
    with next_one.locked(KEY) as slot:
        assert slot.load() == account()
    other.close()


@pytest.mark.usefixtures("database")  # empty
def test_a_lease_lasts_by_the_databases_clock(url: str, cipher: Encryption) -> None:
    """And so does a token: what a replica thinks of the time is set right."""
    one, other = Database(url), Database(url)
    assert abs(one.clock() - time.time()) < PATIENCE
    assert one._ahead is not None
    one._ahead += 3600.0
    with SqlStore(one, cipher, BOB).locked(KEY):
        (lease,) = other.rows(select(records.c.lease_until).where(records.c.owner == BOB.id))
        assert lease.lease_until - other.clock() < LEASE + PATIENCE
    until(lambda: one.beat() is None and abs(one.clock() - other.clock()) < PATIENCE)
    for each in (one, other):
        each.close()


# -- two replicas ----------------------------------------------------------------------------------


@pytest.fixture
def replica(
    database: Database,  # noqa: ARG001 (empty at first)
    url: str,
    cipher: Encryption,
    oidc: OidcProvider,
) -> Iterator[Callable[..., Engine]]:
    """Makes engines of a user, each with a database connection of its own."""
    provider = Provider(
        name="idp",
        issuer=oidc.issuer,
        client_id=oidc.client_id,
        scopes=("openid", "offline_access"),
    )
    opened = []

    def make(owner: Owner = ALICE) -> Engine:
        own = Database(url)
        opened.append(own)
        providers = Providers({"idp": provider}, allow_user_providers=False)
        login_store = SqlLoginStore(own, cipher, owner)
        return Engine(providers, SqlStore(own, cipher, owner), login_store=login_store)

    yield make
    for each in opened:
        each.close()


def finish(engine: Engine, oidc: OidcProvider, opened: tuple[str, Any], user: str = "alice") -> Any:
    address, binding = opened
    params = dict(parse_qsl(urlsplit(oidc.login(address)).query))
    return engine.finish(
        AuthorizationResponse("idp", params, {binding.name: binding.value}, user, confirm_by=None)
    )


CALLBACK = "http://127.0.0.1:1/callback/idp"


def test_what_one_replica_begins_another_finishes_and_the_first_is_told(
    replica: Callable[..., Engine], oidc: OidcProvider
) -> None:
    first, second = replica(), replica()
    login = first.begin(LoginRequest("idp"))
    assert second.begin(LoginRequest("idp")).id == login.id, "it was not joined"
    assert second.login(login.id) == login
    since = first.changes().sequence
    assert finish(second, oidc, first.open(login.id, CALLBACK, "alice")).status == "complete"
    first.poll()
    assert {c.kind for c in first.changes(since).changes} == {"login", "account"}
    assert first.login(login.id).status == "complete"
    assert first.token("idp").access_token == second.token("idp").access_token


def test_a_login_of_one_user_is_unknown_to_another(
    replica: Callable[..., Engine], oidc: OidcProvider
) -> None:
    login = replica(ALICE).begin(LoginRequest("idp"))
    opened = replica(ALICE).open(login.id, CALLBACK, "alice")
    with pytest.raises(LoginExpired):
        replica(BOB).login(login.id)
    with pytest.raises(LoginExpired):
        finish(replica(BOB), oidc, opened, "bob")


def test_one_refresh_for_all_replicas(replica: Callable[..., Engine], oidc: OidcProvider) -> None:
    engines = [replica() for _ in range(4)]
    opened = engines[0].open(engines[0].begin(LoginRequest("idp")).id, CALLBACK, "alice")
    finish(engines[0], oidc, opened)
    old = engines[0].token("idp").digest
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(e.token, "idp", need=Need(rejected=old)) for e in engines * 2]
        tokens = {each.result().digest for each in asked}
    assert len(tokens) == 1
    assert old not in tokens
    assert (oidc.refresh_count, oidc.reuse_count) == (1, 0)


def test_a_refusal_is_known_to_all_replicas(
    replica: Callable[..., Engine], oidc: OidcProvider
) -> None:
    first, second = replica(), replica()
    opened = first.open(first.begin(LoginRequest("idp")).id, CALLBACK, "alice")
    finish(first, oidc, opened)
    (account,) = first._store.accounts()
    assert account.refresh_token
    form = {"token": account.refresh_token.reveal(), "client_id": oidc.client_id}
    requests.post(f"{oidc.issuer}/token/revocation", data=form, timeout=PATIENCE)
    with pytest.raises(RefreshRejected, match="invalid_grant"):
        first.token("idp", need=Need(rejected=account.access_token.digest))
    with pytest.raises(RefreshRejected, match="invalid_grant"):
        second.token("idp")
    assert oidc.refresh_count == 0
    assert "invalid_grant" in second.accounts()[0].trouble


def test_whoever_goes_from_replica_to_replica_is_told_once_and_never_kept_busy(
    replica: Callable[..., Engine],
) -> None:
    first, second = replica(), replica()
    since, resets = 0, 0
    for engine in (first, second) * 3:
        found = engine.changes(since)
        since, resets = found.sequence, resets + found.reset
    assert resets <= 2, "each look at another replica begins anew"
    login = first.begin(LoginRequest("idp"))
    second.poll()
    told = second.changes(since)
    assert [each.login and each.login.id for each in told.changes] == [login.id]
    assert second.changes(told.sequence).changes == ()
    first.cancel(login.id)
    assert [each.kind for each in first.changes(told.sequence).changes] == ["login"]
