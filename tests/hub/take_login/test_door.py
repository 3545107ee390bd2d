"""The door takes refresh tokens from the Hub alone, and gives no token to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse

from hub.storage.databases import ALICE
from hub.take_login.one_service import TOKEN, door, on_a_loop, refresh_token
from providers import troubles

if TYPE_CHECKING:
    from jupyter_auth.server.hub.brokers import HubBrokers
    from providers.rogue import RogueProvider

OWN = {"Authorization": f"token {TOKEN}"}


async def knock(url: str, headers: dict[str, str] = OWN, **body: Any) -> HTTPResponse:
    asked = json.dumps({"user": "alice", "provider": "idp"} | body)
    return await AsyncHTTPClient().fetch(
        url, method="POST", headers=headers, body=asked, raise_error=False
    )


async def told(url: str, **body: Any) -> tuple[str, bool]:
    said = json.loads((await knock(url, **body)).body)
    assert set(said) == {"state", "taken"}
    return said["state"], said["taken"]


@on_a_loop
async def test_the_outcome_holds_no_token(replica: HubBrokers, rogue: RogueProvider) -> None:
    with door(replica) as url:
        assert await told(url) == ("none", False)
        assert await told(url, refresh_token=refresh_token(rogue)) == ("fresh", True)
        assert await told(url) == ("fresh", False)
        assert await told(url, user="nobody") == ("none", False)
    (account,) = replica.engine(ALICE).accounts()
    assert account.username == "rosa"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "token of-an-administrator"},
        {"Authorization": f"token {TOKEN}x"},
        {"Cookie": f"service-jupyter-auth={TOKEN}"},
    ],
)
@on_a_loop
async def test_none_but_the_services_own_token_opens_it(
    replica: HubBrokers, rogue: RogueProvider, headers: dict[str, str]
) -> None:
    with door(replica) as url:
        answer = await knock(url, headers, refresh_token=refresh_token(rogue))
    assert answer.code == 403
    assert rogue.refreshes == 0


@pytest.mark.parametrize("header", ["Origin", "Sec-Fetch-Site"])
@on_a_loop
async def test_a_browser_is_refused(replica: HubBrokers, rogue: RogueProvider, header: str) -> None:
    with door(replica) as url:
        answer = await knock(url, OWN | {header: "x"}, refresh_token=refresh_token(rogue))
    assert answer.code == 403
    assert rogue.refreshes == 0


@on_a_loop
async def test_how_an_account_stands(replica: HubBrokers, rogue: RogueProvider, clock: Any) -> None:
    with door(replica) as url:
        await told(url, refresh_token=refresh_token(rogue))
        clock.advance(rogue.access_token_ttl)
        assert await told(url) == ("fresh", False)
        assert rogue.refreshes == 2
        clock.advance(rogue.access_token_ttl)
        rogue.script("refresh", troubles.status(503), times=1)
        assert await told(url) == ("unavailable", False)
        rogue.script("refresh", troubles.error("invalid_grant"), times=1)
        clock.advance(60)
        assert await told(url) == ("ended", False)
        assert await told(url, refresh_token=refresh_token(rogue)) == ("fresh", True)


@on_a_loop
async def test_a_refused_token_stays_the_hubs(replica: HubBrokers, rogue: RogueProvider) -> None:
    """It may be of another client: the Hub's authenticator can do what it would do alone."""
    with door(replica) as url:
        assert await told(url, refresh_token="of-another-client") == ("none", False)
        assert await told(url, provider="nowhere", refresh_token="x") == ("none", False)
        rogue.script("refresh", troubles.status(503), times=1)
        assert await told(url, refresh_token="x") == ("unavailable", False)


@on_a_loop
async def test_a_token_that_is_used_up_is_no_longer_the_hubs(
    replica: HubBrokers, rogue: RogueProvider
) -> None:
    """Another user has this identity: nothing is kept."""
    replica._identities._shared = frozenset()
    with door(replica) as url:
        assert await told(url, refresh_token=refresh_token(rogue)) == ("fresh", True)
        theirs = refresh_token(rogue)
        assert await told(url, user="bob", refresh_token=theirs) == ("none", True)
