"""What it costs the Hub to say who is who, and what holds while it says nothing. SECURITY 19."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.web import create_signed_value

from hub.service_client import hub_token, people_of, serving
from hub.users.hub_api import HubApi
from jupyter_auth.core.errors import BrokerUnavailable
from jupyter_auth.server.hub.app import derived
from jupyter_auth.server.hub.users.known_tokens import BELIEVED, RENEWED
from patience import until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from clock import Clock
    from hub.hub_process import Hub
    from jupyter_auth.server.hub.storage.database import Owner
    from jupyter_auth.server.hub.users.users import HubUsers

HERE = "192.0.2.1"
PREFIX = "/services/jupyter-auth"


@pytest.fixture
def api(served: Hub) -> Iterator[HubApi]:
    with HubApi(served) as api:
        yield api


@pytest.fixture
def ida(served: Hub) -> Iterator[str]:
    """A user's token."""
    served.api("POST", "users/ida")
    yield hub_token(served, "ida")
    for name in {"ida", "ida-b"} & {user["name"] for user in served.api("GET", "users")}:
        served.api("DELETE", f"users/{name}")


async def settled(people: HubUsers) -> None:
    """Whatever was begun in the background has ended."""
    for believed in (people._holders, people._browsers):
        await asyncio.gather(*believed._asking.values(), return_exceptions=True)


WAYS: dict[str, Callable[[HubUsers, str], Awaitable[Any]]] = {
    "kernel": lambda people, token: people.of_token(token, HERE),
    "browser": lambda people, token: people.of_cookie(token, "session"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_user_costs_the_hub_a_call_in_45_seconds(
    way: str, api: HubApi, served: Hub, clock: Clock, ida: str
) -> None:
    async def use() -> None:
        people = people_of(served, api.url, clock)
        first = await WAYS[way](people, ida)
        assert api.calls == ["user", "users/ida"]
        for _ in range(10 * 60):
            clock.advance(1.0)
            answers = await asyncio.gather(*[WAYS[way](people, ida) for _ in range(3)])
            assert [getattr(each, "owner", each) for each in answers] == [
                getattr(first, "owner", first)
            ] * 3
            await settled(people)
        assert api.calls[2:] == ["user"] * int(10 * 60 / RENEWED)

    asyncio.run(use())


def test_nobody_waits_for_what_is_known(api: HubApi, served: Hub, clock: Clock, ida: str) -> None:
    """The Hub takes its time: who is known is served meanwhile, but no longer than a minute."""

    async def use() -> None:
        people = people_of(served, api.url, clock)
        owner = await people.of_token(ida, HERE)
        api.holds = lambda token: token == ida
        clock.advance(RENEWED)
        assert await people.of_token(ida, HERE) == owner
        await asyncio.to_thread(until, lambda: bool(api.held))
        clock.advance(BELIEVED - RENEWED)
        waiting = asyncio.create_task(people.of_token(ida, HERE))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        api.let_go()
        assert await waiting == owner

    asyncio.run(use())


def test_who_is_deleted_is_nobody_as_soon_as_the_hub_is_asked(
    api: HubApi, served: Hub, clock: Clock, ida: str
) -> None:
    async def use() -> None:
        people = people_of(served, api.url, clock)
        await people.of_token(ida, HERE)
        served.api("DELETE", "users/ida")
        clock.advance(RENEWED)
        await people.of_token(ida, HERE)
        await settled(people)
        with pytest.raises(BrokerUnavailable, match="does not know"):
            await people.of_token(ida, HERE)

    asyncio.run(use())


def test_who_is_renamed_is_who_the_hub_says(
    api: HubApi, served: Hub, clock: Clock, ida: str
) -> None:
    async def use() -> tuple[Owner, Owner]:
        people = people_of(served, api.url, clock)
        before = await people.of_token(ida, HERE)
        served.api("PATCH", "users/ida", {"name": "ida-b"})
        clock.advance(BELIEVED)
        return before, await people.of_token(ida, HERE)

    before, after = asyncio.run(use())
    assert (before.name, after.name, before.created) == ("ida", "ida-b", after.created)


def test_a_browser_whose_session_at_the_hub_is_another_is_asked_for_anew(
    api: HubApi, served: Hub, ida: str
) -> None:
    """A sign-out there ends the session, and its tokens."""

    async def use() -> None:
        people = people_of(served, api.url)
        assert await people.of_cookie(ida, "session")
        token_id = served.api("GET", "users/ida/tokens")["api_tokens"][0]["id"]
        served.api("DELETE", f"users/ida/tokens/{token_id}")
        assert await people.of_cookie(ida, "") is None

    asyncio.run(use())


def test_the_token_of_a_stopped_server_is_good_for_a_minute_at_most(
    api: HubApi, served: Hub, clock: Clock
) -> None:
    """However often it is used, and whether the Hub says so or is away."""
    token = served.server("ulf").environment["JUPYTERHUB_API_TOKEN"]

    async def served_for(people: HubUsers) -> int:
        """The seconds for which it is good, used in each of them."""
        good = 0
        for _ in range(3 * int(BELIEVED)):
            clock.advance(1.0)
            with suppress(BrokerUnavailable):
                await people.of_token(token, HERE)
                good += 1
            await settled(people)
        return good

    async def use() -> None:
        told, alone = people_of(served, api.url, clock), people_of(served, api.url, clock)
        for each in (told, alone):
            assert (await each.of_token(token, HERE)).name == "ulf"
        served.api("DELETE", "users/ulf/server")
        await asyncio.to_thread(until, lambda: not served.runs("ulf"))
        begun = clock()
        assert await served_for(told) == RENEWED, "until the Hub is asked again"
        clock.now = begun
        api.cut()
        assert await served_for(alone) == 60 - 1
        api.mend()
        with pytest.raises(BrokerUnavailable, match="does not know this token"):
            await alone.of_token(token, HERE)

    asyncio.run(use())


# -- a Hub that is away ----------------------------------------------------------------------------


def test_while_the_hub_is_away_all_hear_503_and_when_to_come_again(
    api: HubApi, served: Hub, clock: Clock, ida: str, tmp_path: Path
) -> None:
    people = people_of(served, api.url, clock)
    name = people._hub_auth.cookie_name
    cookie = create_signed_value(derived(people._hub_auth.api_token, "cookies"), name, ida).decode()
    kernel = {"Authorization": f"token {ida}", "Jupyter-Auth-Version": "1"}
    browser = {"Cookie": f"{name}={cookie}"}

    async def visit() -> None:
        with serving(people, tmp_path) as origin:

            async def get(route: str, headers: dict[str, str]) -> HTTPResponse:
                return await AsyncHTTPClient().fetch(
                    f"{origin}{PREFIX}{route}",
                    headers=headers,
                    raise_error=False,
                    follow_redirects=False,
                )

            for route, headers in ROUTES:
                assert (await get(route, kernel if headers == "kernel" else browser)).code < 404
            api.cut()
            for route, headers in ROUTES:  # known, and believed
                assert (await get(route, kernel if headers == "kernel" else browser)).code < 404
            clock.advance(BELIEVED)
            for route, headers in ROUTES:
                answer = await get(route, kernel if headers == "kernel" else browser)
                assert answer.code == 503, (route, answer.body)
                assert answer.headers["Retry-After"] == "5"
                assert b"The Hub does not answer." in answer.body
            answer = await get("/callback/idp?code=x&state=y", browser)
            assert (answer.code, answer.headers["Location"]) == (303, f"{PREFIX}/problem/away")
            api.mend()
            for route, headers in ROUTES:
                assert (await get(route, kernel if headers == "kernel" else browser)).code < 404

    asyncio.run(visit())


ROUTES = [
    ("/api/v1/accounts", "kernel"),
    ("/metrics", "kernel"),
    ("/api/v1/accounts", "browser"),
    ("/login/none", "browser"),
]
