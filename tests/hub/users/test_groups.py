"""Providers for some groups of a real Hub's users (SECURITY 25)."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from core.sign_in import sign_in, table
from hub.service_client import call, hub_token, people_of
from hub.storage.databases import ALICE
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.server.hub.users.known_tokens import BELIEVED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clock import Clock
    from hub.hub_process import Hub
    from hub.replica_fixtures import NewReplica
    from jupyter_auth.core.engine import Engine
    from providers.rogue import RogueProvider

HERE = "192.0.2.1"
FOR_MEMBERS = "is for members of certain groups of this JupyterHub."


@pytest.fixture
def group(served: Hub) -> Iterator[str]:
    """A group of the Hub with ida in it; nia is in none."""
    for name in ("ida", "nia"):
        served.api("POST", f"users/{name}")
    served.api("POST", "groups/physics")
    served.api("POST", "groups/physics/users", {"users": ["ida"]})
    yield "physics"
    served.api("DELETE", "groups/physics")
    for name in ("ida", "nia"):
        served.api("DELETE", f"users/{name}")


def leave(hub: Hub, group: str) -> None:
    hub.api("DELETE", f"groups/{group}/users", {"users": ["ida"]})


def listed(hub: Hub, token: str) -> list[str]:
    return [each["name"] for each in call(hub, token, "GET", "providers").json()["providers"]]


def test_who_is_removed_gets_no_token_after_a_minute(
    served: Hub, group: str, rogue: RogueProvider, new_replica: NewReplica, clock: Clock
) -> None:
    club = {"issuer": rogue.issuer, "client_id": rogue.client_id, "policy": {"groups": [group]}}
    brokers, token = new_replica(club=club), hub_token(served, "ida")

    async def use() -> None:
        people = people_of(served, clock=clock, groups=True)

        async def engine() -> Engine:
            return brokers.of_owner(await people.of_token(token, HERE)).engine

        sign_in(await engine(), rogue, "club")
        assert (await engine()).token("club")
        leave(served, group)
        clock.advance(BELIEVED)
        with pytest.raises(ConfigurationError, match=FOR_MEMBERS):
            (await engine()).token("club")
        assert (await engine()).providers() == []
        served.api("POST", f"groups/{group}/users", {"users": ["ida"]})
        clock.advance(BELIEVED)
        assert (await engine()).token("club")

    asyncio.run(use())


def test_who_was_removed_can_sign_out_for_good(
    rogue: RogueProvider, new_replica: NewReplica
) -> None:
    club = table(rogue, policy={"groups": ["physics"]})
    brokers = new_replica(club=club)
    member = dataclasses.replace(ALICE, groups=frozenset({"physics"}))
    sign_in(brokers.of_owner(member).engine, rogue, "club")
    engine = brokers.of_owner(ALICE).engine
    with pytest.raises(ConfigurationError, match=FOR_MEMBERS):
        engine.token("club")
    assert engine.logout("club").revoked
    assert len(rogue.revoked) == 2


def test_on_the_service_others_do_not_see_it(served: Hub, group: str) -> None:
    """With the scopes of the role that ``hub_config`` adds."""
    member, other = hub_token(served, "ida"), hub_token(served, "nia")
    assert listed(served, member) == ["club", "idp"]
    assert listed(served, other) == ["idp"]
    asked: dict[str, Any] = {"provider": "club"}
    login = call(served, member, "POST", "logins", asked).json()
    assert login["status"] == "pending"
    leave(served, group)
    for token in (other, hub_token(served, "ida")):  # a new token: the Hub is asked at once
        for route in ("logins", "token"):
            answer = call(served, token, "POST", route, asked)
            assert answer.status_code == 400
            error = answer.json()
            assert error["code"] == "configuration_error"
            assert error["message"].endswith(FOR_MEMBERS)
            assert error["hint"] == "Ask the Hub's administrator to add you to one: physics."
    with contextlib.suppress(KeyError):
        call(served, member, "DELETE", f"logins/{login['id']}")
