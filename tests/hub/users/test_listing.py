"""``jupyter auth hub accounts``: what an administrator may see of users' accounts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, update

from hub.storage.databases import ALICE, BOB, account, keep
from jupyter_auth.core.models import Refusal
from jupyter_auth.core.tokens.store import encoded
from jupyter_auth.server.hub import cli
from jupyter_auth.server.hub.storage.database import Owner
from jupyter_auth.server.hub.storage.every_account import every_account
from jupyter_auth.server.hub.storage.sql_store import BATCH, SqlStore
from jupyter_auth.server.hub.storage.tables import records

if TYPE_CHECKING:
    from jupyter_auth.server.hub.storage.database import Database
    from jupyter_auth.server.hub.storage.encryption import Encryption

MANY = 2 * BATCH + 1


@pytest.fixture
def listed(
    environment: None,  # noqa: ARG001
    database: Database,
    cipher: Encryption,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Any:
    """Runs the command in the service's environment, and returns what it printed."""
    providers = {"idp": {"issuer": "https://login.acme.example", "client_id": "x"}}
    monkeypatch.setenv("JUPYTER_AUTH_PROVIDERS", json.dumps(providers))
    alice, bob = SqlStore(database, cipher, ALICE), SqlStore(database, cipher, BOB)
    keep(alice, account(username="rosa\x1b[31m", subject="u-1", scopes=("openid", "read")))
    keep(alice, account(provider="other", session_key="work", signed_in_at=86400.0))
    keep(bob, account(refused=Refusal(says="It was revoked there.", at=1.0, final=True, times=1)))
    alice.used(account().key)

    def run(*options: str) -> str:
        assert cli.main(["accounts", *options]) == 0
        return capsys.readouterr().out

    return run


def test_a_table_has_everything_but_tokens(listed: Any) -> None:
    head, *lines = listed().splitlines()
    assert head.split()[:2] == ["USER", "PROVIDER"]
    rosa, work, bob = (next(x for x in lines if name in x) for name in ("rosa", "work", "bob"))
    assert len(lines) == 3
    assert "rosa [31m" in rosa, "a terminal obeys no name"
    assert "2027-01-15 08:00" in rosa
    assert rosa.endswith("openid read")
    assert "1970-01-02 00:00" in work
    assert "It was revoked there." in bob
    for said in (listed(), listed("--json")):
        assert "at-1" not in said
        assert "refresh of" not in said


def test_as_json_by_user_and_by_provider(listed: Any) -> None:
    everything = json.loads(listed("--json"))
    assert {(each["user"], each["provider"]) for each in everything} == {
        ("alice", "idp"),
        ("alice", "other"),
        ("bob", "idp"),
    }
    ((bob),) = json.loads(listed("--json", "--user", "bob"))
    assert (bob["trouble"], bob["used_at"]) == ("It was revoked there.", None)
    ((work),) = json.loads(listed("--json", "--provider", "other"))
    assert (work["session_key"], work["refreshes"]) == ("work", True)
    assert json.loads(listed("--json", "--user", "alice", "--provider", "none")) == []


def test_a_record_that_cannot_be_read_is_listed_too(listed: Any, database: Database) -> None:
    row = records.c
    database.change(update(records).where(row.user_name == "bob").values(data=b"damaged"))
    ((bob),) = json.loads(listed("--json", "--user", "bob"))
    assert bob["trouble"] == "The record is damaged, or encrypted with an unknown key."
    assert "The record is damaged" in listed()


def test_every_account_is_listed_once_however_many_there_are(
    database: Database, cipher: Encryption
) -> None:
    rows = []
    for number in range(MANY):
        key = Owner(f"user-{number % 7}", f"{number}").record("account", "idp", "default")
        sealed = cipher.seal(key.id, encoded(account()))
        rows.append(vars(key) | {"data": sealed, "stamp": 1, "lease_until": 0.0})
    database.change(insert(records).values(rows))
    found = list(every_account(database, cipher))
    assert len({each.owner for each in found}) == len(found) == MANY
    assert all(each.account for each in found)
    assert [each.owner.name for each in found] == sorted(each.owner.name for each in found)
