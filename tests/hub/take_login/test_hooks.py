"""The Hub's hooks: one holder of each refresh token, and whoever was hooked in before still is."""

from __future__ import annotations

import asyncio
import copy
import socket
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from jupyterhub.app import JupyterHub
from oauthenticator.generic import GenericOAuthenticator
from tornado.httpclient import AsyncHTTPClient
from traitlets.config import Config

from core.sign_in import exchanged, party_at
from hub.storage.databases import ALICE
from hub.take_login.one_service import User, door, login, on_a_loop, refresh_token
from jupyter_auth.server.hub.take_login.hooks import HubLogins, of_others
from patience import PATIENCE
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
async def test_an_earlier_login_that_has_ended_does_not_end_a_new_one(
    replica: HubBrokers, rogue: RogueProvider, logins: HubLogins, clock: Any
) -> None:
    """Some providers give a refresh token at the first login only."""
    user = User(refresh_token(rogue))
    with door(replica):
        assert await logins.refresh_user(None, AUTHENTICATOR, user, user.state) is True
        clock.advance(rogue.access_token_ttl)
        rogue.script("refresh", troubles.error("invalid_grant"))
        assert await logins.refresh_user(None, AUTHENTICATOR, user, user.state) is False
        again = {"name": "alice", "auth_state": login("")}
        user.state = (await logins.post_auth(None, AUTHENTICATOR, None, again))["auth_state"]
        assert await logins.refresh_user(None, AUTHENTICATOR, user, user.state) is None


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


@pytest.mark.parametrize("access_token", ["theirs", ""])
@on_a_loop
async def test_a_token_that_is_used_up_is_not_used_by_the_authenticator(
    replica: HubBrokers, rogue: RogueProvider, logins: HubLogins, access_token: str
) -> None:
    """Nothing was kept, so OAuthenticator goes on, with the state that it has read before."""
    replica._identities._shared = frozenset()
    user = User(refresh_token(rogue), "bob")
    if not access_token:  # one that works
        works = exchanged(party_at(rogue), rogue).access_token.reveal()
        user.state["token_response"]["access_token"] = works
    with door(replica):
        first = User(refresh_token(rogue))
        assert await logins.refresh_user(None, AUTHENTICATOR, first, first.state) is True
        before, user.state = user.state, copy.deepcopy(user.state)
        user.get_auth_state = lambda: copies(user)  # type: ignore[method-assign]
        c = Config()
        c.GenericOAuthenticator.userdata_url = f"{rogue.issuer}/userinfo"
        c.GenericOAuthenticator.token_url = f"{rogue.issuer}/token"
        c.GenericOAuthenticator.client_id = rogue.client_id
        c.GenericOAuthenticator.username_claim = "sub"
        logins.put(c)
        said = await GenericOAuthenticator(config=c).refresh_user(user)
    assert before["refresh_token"]
    assert user.state["refresh_token"] is None
    assert (rogue.refreshes, rogue.reuses) == (2, 0)
    if access_token:
        assert said is False
    else:
        assert said["auth_state"]["refresh_token"] is None


async def copies(user: User) -> Any:
    """The Hub decrypts it each time."""
    return copy.deepcopy(user.state)


@on_a_loop
async def test_a_service_that_hangs_leaves_the_hub_its_connections(
    rogue: RogueProvider, logins: HubLogins
) -> None:
    """The Hub talks to its proxy by the connections of tornado's common client: 10 of them."""
    hanging = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{hanging.getsockname()[1]}"
    JupyterHub.clear_instance()
    service: Any = SimpleNamespace(url=url, prefix="/", api_token="x")
    JupyterHub.instance()._service_map = {"jupyter-auth": service}
    people = ({"name": f"user-{number}", "auth_state": {"x": 1}} for number in range(12))
    asked = [
        asyncio.create_task(logins.post_auth(None, AUTHENTICATOR, None, each)) for each in people
    ]
    try:
        await asyncio.sleep(0)  # all of them begin
        document = f"{rogue.issuer}/.well-known/openid-configuration"
        assert (await AsyncHTTPClient().fetch(document, request_timeout=PATIENCE)).code == 200
        assert not any(each.done() for each in asked)
    finally:
        for each in asked:
            each.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        hanging.close()
        JupyterHub.clear_instance()


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
