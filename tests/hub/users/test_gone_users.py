"""Whose records are swept: those of users of whom the Hub itself says that they are gone."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from hub.service_client import people_of
from hub.storage.databases import account, keep, revocations_of
from jupyter_auth.core.errors import BrokerUnavailable
from jupyter_auth.server.hub.admin import sweep
from jupyter_auth.server.hub.storage.database import Database, Owner, records
from jupyter_auth.server.hub.storage.sql_store import ACCOUNT, SqlStore
from jupyter_auth.server.hub.users import users
from jupyter_auth.server.hub.users.users import is_gone
from providers.sockets import SocketServer
from providers.troubles import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.hub_process import Hub
    from jupyter_auth.server.hub.storage.encryption import Encryption

CLASS = [f"pupil-{number}" for number in range(7)]


@pytest.fixture
def pupils(served: Hub) -> Iterator[list[Owner]]:
    """Users of the Hub who were made one after another, as it lists them."""
    made = served.api("POST", "users", {"usernames": CLASS})
    yield [Owner(user["name"], user["created"]) for user in made]
    left = {user["name"] for user in served.api("GET", "users")}
    for name in left.intersection(CLASS):
        served.api("DELETE", f"users/{name}")


def with_records(database: Database) -> set[str]:
    row = records.c
    return {
        found.user_name for found in database.rows(select(row.user_name).where(row.kind == ACCOUNT))
    }


def test_a_user_who_is_deleted_while_the_hub_lists_them_costs_no_other_their_accounts(
    served: Hub,
    pupils: list[Owner],
    database: Database,
    cipher: Encryption,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for owner in [*pupils, Owner("pupil-1", "2020-01-01T00:00:00Z")]:
        keep(SqlStore(database, cipher, owner), account())
    monkeypatch.setattr(users, "PAGE", 2)
    people = people_of(served)
    ask = people._ask

    async def and_then_one_goes(path: str) -> Any:
        """Whoever is first on a page leaves once it was read: each later page moves."""
        page = await ask(path)
        if path.startswith("users?"):
            for name in [user["name"] for user in page["items"][:1] if user["name"] in CLASS]:
                await asyncio.to_thread(served.api, "DELETE", f"users/{name}")
        return page

    monkeypatch.setattr(people, "_ask", and_then_one_goes)
    asyncio.run(sweep(database, people, revocations_of(database, cipher)))
    alive = {user["name"] for user in served.api("GET", "users")}.intersection(CLASS)
    assert len(alive) < len(CLASS) - 1
    assert with_records(database) >= alive

    monkeypatch.undo()
    asyncio.run(sweep(database, people_of(served), revocations_of(database, cipher)))
    assert with_records(database) == alive
    accounts = select(records).where(records.c.kind == ACCOUNT)
    created = {found.user_created for found in database.rows(accounts)}
    assert "2020-01-01T00:00:00Z" not in created


@pytest.mark.parametrize(
    "said",
    [
        Reply(404, b"<h1>no backend</h1>", {"Content-Type": "text/html"}),
        Reply(404, b"{}"),
        Reply(503, b'{"status": 503, "message": "starting"}'),
        Reply(403, b'{"status": 403, "message": "Forbidden"}'),
        Reply(200, b"[]"),
        Reply(302, b"", {"Location": "/hub/login"}),
    ],
    ids=["of-a-proxy", "of-whoever", "starting", "refused", "strange", "moved"],
)
def test_who_is_gone_says_the_hub_alone(
    served: Hub, database: Database, cipher: Encryption, said: Reply
) -> None:
    """It lists nobody, and does not say of this one user that there is none."""
    alice = Owner("alice", "2026-01-01T00:00:00Z")
    keep(SqlStore(database, cipher, alice), account())

    def answer(request: Any) -> Reply:
        nobody = {"items": [], "_pagination": {"next": None}}
        return said if "?" not in request.target else Reply(200, json.dumps(nobody).encode())

    people = people_of(served)
    hub = SocketServer(answer)
    hub.start()
    people._hub_auth.api_url = f"http://127.0.0.1:{hub.port}/hub/api"
    try:
        asyncio.run(sweep(database, people, revocations_of(database, cipher)))
        assert not is_gone(people._hub_auth, alice)
    finally:
        hub.stop()
    assert with_records(database) == {"alice"}
    assert not is_gone(people._hub_auth, alice), "nobody listens there"
    with pytest.raises(BrokerUnavailable):
        asyncio.run(sweep(database, people, revocations_of(database, cipher)))
