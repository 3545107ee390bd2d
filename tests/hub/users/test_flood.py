"""Tokens that nobody knows, in any number, lock nobody out. SECURITY 20.

All that come by a balancer have one address: as in a test, where that is 127.0.0.1.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse

from hub.hubs import KEYS
from hub.replicas.cluster import Cluster
from hub.service_client import hub_token, people_of, serving
from hub.storage.postgres import Postgres
from hub.users.hub_api import HubApi
from jupyter_auth.core.errors import BrokerUnavailable
from jupyter_auth.server.hub.users import lookup_turns
from jupyter_auth.server.hub.users.known_tokens import BELIEVED, REFUSED
from jupyter_auth.server.hub.users.lookup_turns import LOOK_UPS
from patience import PATIENCE, until
from providers.rogue import RogueProvider

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from clock import Clock
    from hub.hub_process import Hub

FLOOD = 60
CLASS = [f"student-{number}" for number in range(20)]
PREFIX = "/services/jupyter-auth"
Answers = list[HTTPResponse]


@pytest.fixture(autouse=True)
def _slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has a turn to come gets it, however long the Hub takes here."""
    monkeypatch.setattr(lookup_turns, "PATIENCE", 600.0)


@pytest.fixture(scope="module")
def tokens(served: Hub) -> Iterator[list[str]]:
    served.api("POST", "users", {"usernames": CLASS})
    yield [hub_token(served, name) for name in CLASS]
    for name in CLASS:
        served.api("DELETE", f"users/{name}")


@pytest.fixture
def api(served: Hub) -> Iterator[HubApi]:
    with HubApi(served) as api:
        api.holds = lambda token: token.startswith("unknown")
        yield api


async def asked(origin: str, token: str, route: str = "/api/v1/accounts") -> HTTPResponse:
    request = HTTPRequest(
        f"{origin}{PREFIX}{route}",
        headers={"Authorization": f"token {token}", "Jupyter-Auth-Version": "1"},
        connect_timeout=120,
        request_timeout=120,
    )
    client = AsyncHTTPClient(force_instance=True)
    try:
        return await client.fetch(request, raise_error=False)
    finally:
        client.close()


def codes(answers: Answers) -> set[int]:
    return {answer.code for answer in answers}


async def held(api: HubApi, number: int) -> None:
    await asyncio.to_thread(until, lambda: len(api.held) >= number)


def test_sixty_made_up_tokens_lock_none_of_twenty_users_out(
    served: Hub, tokens: list[str], tmp_path: Path
) -> None:
    """Neither who comes for the first time, nor who was known before: all from one address."""

    async def visit() -> None:
        with serving(people_of(served), tmp_path) as origin:
            known, late = tokens[:10], tokens[10:]
            assert codes([await asked(origin, token) for token in known]) == {200}
            first = [asked(origin, f"unknown-{number}") for number in range(FLOOD)]
            assert codes(await asyncio.gather(*first)) == {403}
            flood = [asyncio.create_task(asked(origin, f"more-{n}")) for n in range(FLOOD)]
            users = [asked(origin, token) for token in known + late]
            assert codes(await asyncio.gather(*users)) == {200}
            assert codes(await asyncio.gather(*flood)) == {403}

    asyncio.run(visit())


def test_few_reach_the_hub_at_a_time_and_who_was_known_passes_them_all(
    api: HubApi, served: Hub, tokens: list[str], clock: Clock, tmp_path: Path
) -> None:
    async def visit() -> None:
        with serving(people_of(served, api.url, clock), tmp_path) as origin:
            assert (await asked(origin, tokens[0])).code == 200
            flood = [asyncio.create_task(asked(origin, f"unknown-{n}")) for n in range(FLOOD)]
            await held(api, LOOK_UPS)
            clock.advance(10 * BELIEVED)  # the Hub is asked for it again
            before = len(api.calls)
            assert (await asked(origin, tokens[0])).code == 200
            assert api.calls[before:] == ["user"]
            assert len(api.held) == LOOK_UPS
            api.let_go()
            await asyncio.gather(*flood)

    asyncio.run(visit())


def test_who_comes_from_elsewhere_waits_for_one_turn_of_a_flood(
    api: HubApi, served: Hub, tokens: list[str]
) -> None:
    over: list[str] = []
    names: list[str] = []

    async def visit() -> None:
        people = people_of(served, api.url)

        async def come(token: str, address: str) -> None:
            with contextlib.suppress(BrokerUnavailable):  # the Hub does not know it
                names.append((await people.of_token(token, address)).name)
            over.append(address)

        flood = [come(f"unknown-{number}", "192.0.2.1") for number in range(2 * FLOOD)]
        flooding = [asyncio.create_task(each) for each in flood]
        await held(api, LOOK_UPS)
        coming = [asyncio.create_task(come(token, "192.0.2.2")) for token in tokens]
        await asyncio.sleep(0)
        api.let_go()
        await asyncio.gather(*coming)
        assert over.count("192.0.2.1") < len(tokens) + 4 * LOOK_UPS
        assert sorted(names) == sorted(CLASS)
        await asyncio.gather(*flooding)

    asyncio.run(visit())


@pytest.mark.parametrize("route", ["/api/v1/accounts", "/metrics"])
def test_who_cannot_have_a_turn_hears_when_to_come_again(
    api: HubApi, served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    monkeypatch.setattr(lookup_turns, "QUEUE", 3)

    async def visit() -> None:
        with serving(people_of(served, api.url), tmp_path) as origin:
            ask = functools.partial(asked, origin, route=route)
            flood = [asyncio.create_task(ask(f"unknown-{n}")) for n in range(LOOK_UPS)]
            await held(api, LOOK_UPS)
            monkeypatch.setattr(lookup_turns, "PATIENCE", 0.1)
            more = [asyncio.create_task(ask(f"more-{n}")) for n in range(10)]
            refused = await asyncio.gather(*more)
            assert codes(refused) == {503}
            assert {answer.headers["Retry-After"] for answer in refused} == {"5"}
            api.let_go()
            assert codes(await asyncio.gather(*flood)) == {403}
            assert (await ask("more-0")).code == 403

    asyncio.run(visit())


def test_one_token_again_and_again_is_one_question(
    api: HubApi, served: Hub, tokens: list[str], clock: Clock
) -> None:
    api.let_go()

    async def visit() -> None:
        people = people_of(served, api.url, clock)

        async def refused(token: str) -> None:
            with pytest.raises(BrokerUnavailable, match="does not know"):
                await people.of_token(token, "192.0.2.1")

        await asyncio.gather(*[refused("unknown") for _ in range(FLOOD)])
        await refused("unknown")
        assert api.calls == ["user"]
        clock.advance(REFUSED)
        await refused("unknown")
        assert api.calls == ["user"] * 2
        assert await people.of_token(tokens[0], "192.0.2.1")

    asyncio.run(visit())


@pytest.mark.long
@pytest.mark.timeout(500)
def test_behind_a_balancer_sixty_made_up_tokens_lock_none_of_twenty_new_users_out(
    tmp_path: Path,
) -> None:
    """Two replicas that have seen none of them: whoever is told to wait, is served then."""
    with ExitStack() as stack:
        rogue = stack.enter_context(RogueProvider())
        postgres = stack.enter_context(Postgres(tmp_path / "postgres"))
        cluster = stack.enter_context(Cluster(tmp_path, postgres.url, KEYS, rogue))
        pool = stack.enter_context(ThreadPoolExecutor(2 * FLOOD))

        def outcome(token: str) -> int:
            end = time.monotonic() + PATIENCE
            while (status := cluster.token(token)[0]) == 503 and time.monotonic() < end:
                pass  # it has waited for its turn there
            return status

        tokens = list(cluster.users(CLASS).values())
        flood = pool.map(outcome, [f"unknown-{number}" for number in range(FLOOD)])
        assert set(flood) == {403}
        more = [pool.submit(outcome, f"more-{number}") for number in range(FLOOD)]
        assert list(pool.map(outcome, tokens)) == [200] * len(tokens)
        assert {each.result() for each in more} == {403}
        asked = cluster.hub.log().count("200 GET /campus/hub/api/users/student-")
        for _ in range(3):
            assert list(pool.map(outcome, tokens)) == [200] * len(tokens)
        again = cluster.hub.log().count("200 GET /campus/hub/api/users/student-") - asked
        assert asked >= len(tokens)
        assert again <= len(tokens), "each replica asks for a user once"
