"""The Hub's hooks: one holder of each refresh token, and whoever was hooked in before still is."""

from __future__ import annotations

import asyncio
import copy
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from jupyterhub.app import JupyterHub
from traitlets.config import Config

from hub.storage.databases import ALICE
from hub.take_login.one_service import User, door, login, on_a_loop, refresh_token
from jupyter_auth.server.hub.take_login.hooks import HubLogins, of_others
from providers import troubles

if TYPE_CHECKING:
    from jupyter_auth.server.hub.brokers import HubBrokers
    from providers.rogue import RogueProvider

AUTHENTICATOR: Any = None  # no hook of ours looks at it


@pytest.fixture
def logins() -> HubLogins:
    return HubLogins("idp", "jupyter-auth")


def spawner(user: User) -> Any:
    return SimpleNamespace(user=user, environment={})


@on_a_loop
async def test_at_login_the_token_is_never_stored_at_the_hub(
    replica: HubBrokers, rogue: RogueProvider, logins: HubLogins
) -> None:
    authentication = {"name": "alice", "auth_state": login(refresh_token(rogue))}
    with door(replica):
        said = await logins.post_auth(None, AUTHENTICATOR, None, authentication)
    assert said["auth_state"]["refresh_token"] is None
    assert "refresh_token" not in said["auth_state"]["token_response"]
    assert replica.engine(ALICE).accounts()


@on_a_loop
async def test_a_first_login_is_taken_over_when_the_server_starts(
    replica: HubBrokers, rogue: RogueProvider, logins: HubLogins
) -> None:
    """At the login itself the Hub has no such user yet; three servers at once use it once."""
    user = User(refresh_token(rogue))
    seen = []
    with door(replica):
        new = {"name": "new", "auth_state": user.state}
        assert await logins.post_auth(None, AUTHENTICATOR, None, new) == new
        state = copy.deepcopy(user.state)
        await asyncio.gather(
            *(logins.auth_state(lambda *a: seen.append(a[1]), spawner(user), state) for _ in "abc")
        )
    assert (rogue.refreshes, rogue.reuses, len(user.saved)) == (1, 0, 1)
    assert [each["refresh_token"] for each in seen] == [None] * 3
    assert not any("refresh_token" in each["token_response"] for each in seen)


@on_a_loop
async def test_while_the_service_is_away_the_token_stays_and_is_taken_later(
    replica: HubBrokers, rogue: RogueProvider, logins: HubLogins
) -> None:
    """The user stays logged in, and no spawner's hook sees the token."""
    user, seen = User(refresh_token(rogue)), []
    with door(replica):
        hub = JupyterHub.instance()
    JupyterHub.clear_instance()
    JupyterHub._instance = hub  # its service is gone
    before = copy.deepcopy(user.state)
    authentication = {"name": "alice", "auth_state": user.state}
    assert await logins.post_auth(None, AUTHENTICATOR, None, authentication) == authentication
    await logins.auth_state(lambda *a: seen.append(a[1]), spawner(user), user.state)
    assert await logins.refresh_user(None, AUTHENTICATOR, user, user.state) is True
    assert (user.state, user.saved) == (before, [])
    assert seen[0]["refresh_token"] is None
    with door(replica):
        assert await logins.refresh_user(None, AUTHENTICATOR, user, user.state) is True
        assert await logins.refresh_user(None, AUTHENTICATOR, user, user.state) is True
    assert user.state["refresh_token"] is None
    assert (rogue.refreshes, rogue.reuses) == (1, 0)


@on_a_loop
async def test_an_answer_that_was_lost_costs_no_sign_in(
    replica: HubBrokers, rogue: RogueProvider, logins: HubLogins
) -> None:
    """The token comes again: it is known as taken, and not used a second time."""
    token = refresh_token(rogue)
    with door(replica):
        for user in (User(token), User(token)):
            assert await logins.refresh_user(None, AUTHENTICATOR, user, user.state) is True
            assert user.state["refresh_token"] is None
    assert (rogue.refreshes, rogue.reuses) == (1, 0)


@on_a_loop
async def test_the_service_says_when_a_login_has_ended(
    replica: HubBrokers, rogue: RogueProvider, logins: HubLogins, clock: Any
) -> None:
    user = User(refresh_token(rogue))
    with door(replica):
        assert await logins.refresh_user(None, AUTHENTICATOR, user, user.state) is True
        clock.advance(rogue.access_token_ttl)
        rogue.script("refresh", troubles.status(503))
        assert await logins.refresh_user(None, AUTHENTICATOR, user, user.state) is True
        clock.advance(60)
        rogue.behave()
        rogue.script("refresh", troubles.error("invalid_grant"))
        assert await logins.refresh_user(None, AUTHENTICATOR, user, user.state) is False
        model = {"name": "alice"}
        theirs = lambda *_: model  # noqa: E731
        assert await logins.refresh_user(theirs, AUTHENTICATOR, user, user.state) is False


@on_a_loop
async def test_their_own_hooks_decide_as_before(
    replica: HubBrokers, rogue: RogueProvider, logins: HubLogins
) -> None:
    async def model(_: Any, user: User, state: Any) -> Any:
        return {"name": user.name, "auth_state": state}

    user = User(refresh_token(rogue))
    with door(replica):
        said = await logins.refresh_user(model, AUTHENTICATOR, user, user.state)
        assert said["auth_state"]["refresh_token"] is None
        assert await logins.refresh_user(lambda *_: False, AUTHENTICATOR, user, {}) is False
        nobody = await logins.post_auth(lambda *_: None, AUTHENTICATOR, None, {"name": "alice"})
        assert nobody is None
        assert await logins.refresh_user(None, AUTHENTICATOR, User("", "bob"), {}) is None, (
            "no account: OAuthenticator refreshes"
        )


def test_they_are_chained_once_and_in_every_section(logins: HubLogins) -> None:
    theirs = lambda *_: None  # noqa: E731
    c = Config()
    c.GenericOAuthenticator.refresh_user_hook = theirs
    c.KubeSpawner.auth_state_hook = theirs
    for _ in "ab":
        logins.put(c)
    put = copy.deepcopy(c)
    assert put.Authenticator.enable_auth_state is True
    for section, trait in (
        (put.GenericOAuthenticator, "refresh_user_hook"),
        (put.KubeSpawner, "auth_state_hook"),
    ):
        assert of_others(section[trait]) is theirs
        assert copy.deepcopy(section[trait]).func.__self__ is logins, "one lock for all spawners"
    assert of_others(put.Authenticator.post_auth_hook) is None
    assert of_others(put.Spawner.auth_state_hook) is None
