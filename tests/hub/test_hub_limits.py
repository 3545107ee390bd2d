"""What one user, or one who is none, cannot use up. SECURITY 20."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from patience import PATIENCE, until
from served import browser_of, call, doors_of, hub_token, people_of, signed_in
from tornado.httpclient import AsyncHTTPClient

from jupyter_auth.core.errors import BrokerUnavailable, Throttled
from jupyter_auth.core.logins import MAX_PENDING
from jupyter_auth.server import hub_people
from jupyter_auth.server.door import MAX_HEADERS
from jupyter_auth.server.hub_brokers import WAITERS
from jupyter_auth.server.hub_people import FAILURES, People
from jupyter_auth.server.inputs import MAX_BODY

if TYPE_CHECKING:
    from pathlib import Path

    from clock import Clock
    from hub_process import Hub
    from providers.oidc import OidcProvider


# -- unknown tokens --------------------------------------------------------------------------------


@pytest.fixture
def people(served: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> People:
    """Who asks the Hub, and counts how often, in a process of its own: others are not limited.

    Its minute does not pass while this machine is slow.
    """
    monkeypatch.setattr(hub_people, "time", SimpleNamespace(monotonic=clock))
    people = people_of(served)
    ask = people._hub_auth.user_for_token

    def counted(*args: Any, **kwargs: Any) -> Any:
        people.asked += 1
        return ask(*args, **kwargs)

    people.asked, people._hub_auth.user_for_token = 0, counted
    return people


def test_unknown_tokens_are_limited_before_they_reach_the_hub(people: People, clock: Clock) -> None:
    async def ask_often() -> None:
        for number in range(FAILURES):
            with pytest.raises(BrokerUnavailable, match="does not know"):
                await people.of_token(f"unknown-{number}", "192.0.2.1")
        for number in range(5):
            with pytest.raises(Throttled):
                await people.of_token(f"another-{number}", "192.0.2.1")
        assert people.asked == FAILURES
        with pytest.raises(BrokerUnavailable, match="does not know"):
            await people.of_token("unknown", "192.0.2.2")
        clock.advance(hub_people.BELIEVED + 1)
        with pytest.raises(BrokerUnavailable, match="does not know"):
            await people.of_token("unknown", "192.0.2.1")

    asyncio.run(ask_often())


def test_who_is_known_already_is_not_held_up_by_them(people: People, served: Hub) -> None:
    """Users whose servers share an address, as with the simple spawner, are not at its mercy."""
    people._owners = hub_people.Remembered(seconds=-1.0)  # each time the Hub is asked
    served.api("POST", "users/frank")
    token = hub_token(served, "frank")

    async def ask_often() -> None:
        assert (await people.of_token(token, "192.0.2.1")).name == "frank"
        for number in range(FAILURES):
            with pytest.raises(BrokerUnavailable, match="does not know"):
                await people.of_token(f"unknown-{number}", "192.0.2.1")
        with pytest.raises(Throttled):
            await people.of_token("unknown", "192.0.2.1")
        assert (await people.of_token(token, "192.0.2.1")).name == "frank"
        served.api("DELETE", "users/frank")  # and the token with its user
        with pytest.raises(BrokerUnavailable, match="does not know"):
            await people.of_token(token, "192.0.2.1")
        asked = people.asked
        with pytest.raises(Throttled):
            await people.of_token(token, "192.0.2.1")
        assert people.asked == asked

    asyncio.run(ask_often())


def test_no_header_makes_it_another_address_on_no_route(people: People, tmp_path: Path) -> None:
    prefix = "/services/jupyter-auth"
    routes = (f"{prefix}/api/v1/accounts", f"{prefix}/metrics")

    async def ask(url: str, number: int) -> int:
        address = f"192.0.2.{number}"
        headers = {
            "Authorization": f"token unknown-{number}",
            "Jupyter-Auth-Version": "1",
            "X-Real-Ip": address,
            "X-Forwarded-For": address,
        }
        return (await AsyncHTTPClient().fetch(url, headers=headers, raise_error=False)).code

    async def ask_often() -> None:
        with doors_of(people, tmp_path) as origin:
            said = [await ask(origin + routes[n % 2], n) for n in range(FAILURES + 10)]
        assert said == [403] * FAILURES + [429] * 10
        assert people.asked == FAILURES

    asyncio.run(ask_often())


# -- users -----------------------------------------------------------------------------------------


def test_the_waits_of_one_user_are_limited_and_hold_up_nobody_else(
    served: Hub, oidc: OidcProvider
) -> None:
    alice, bob = signed_in(served, oidc, "alice"), served.server("bob").kernel()
    since = alice.call("GET", "changes?since=0")["sequence"]
    with ThreadPoolExecutor(WAITERS + 6) as pool:
        waits = [
            pool.submit(alice.ask, "GET", f"changes?since={since}&wait=30")
            for _ in range(WAITERS + 6)
        ]
        until(lambda: sum(each.done() for each in waits) >= 6)
        refused = [each.result() for each in waits if each.done()]
        assert {(status, error["code"]) for status, error in refused} == {(429, "throttled")}
        assert bob.call("GET", "accounts")
        alice.begin(session_key="wake")  # whoever waits is told
    statuses = [each.result()[0] for each in waits]
    assert set(statuses) == {200, 429}
    assert statuses.count(200) <= WAITERS  # alice's servers wait themselves


def test_a_flood_of_begun_logins_pushes_out_none_and_is_no_trouble_of_others(
    served: Hub, oidc: OidcProvider
) -> None:
    kernel, browser = served.server("carol").kernel(), browser_of(served, "carol")
    first = kernel.begin(session_key="first")
    callback = oidc.login(browser.open(first), "carol")
    begun, refusals = [], []
    for number in range(MAX_PENDING + 5):
        status, answer = kernel.ask(
            "POST", "logins", {"provider": "idp", "session_key": f"flood-{number}"}
        )
        (begun if status == 201 else refusals).append(answer)
    assert len(kernel.call("GET", "logins")["logins"]) == MAX_PENDING
    assert refusals
    assert {answer["code"] for answer in refusals} == {"login_required"}
    assert served.server("bob").kernel().begin(session_key="calm")["status"] == "pending"
    assert browser.arrive(callback) == first["path"]
    assert kernel.call("GET", f"logins/{first['id']}")["status"] == "complete"
    assert kernel.call("DELETE", "accounts?provider=idp&session_key=first")["removed"]
    for login in begun:
        kernel.call("DELETE", f"logins/{login['id']}")


# -- requests --------------------------------------------------------------------------------------


@pytest.mark.parametrize("too_much", ["body", "headers"])
def test_large_requests_are_not_even_read(served: Hub, too_much: str) -> None:
    """From whoever reaches the service, before anything else is looked at."""
    served.server("alice")
    place = urlsplit(served.server("alice").environment["JUPYTER_AUTH_URL"])
    lines = [f"POST {served.prefix}services/jupyter-auth/api/v1/token HTTP/1.1", "Host: x"]
    if too_much == "body":
        lines += [f"Content-Length: {MAX_BODY + 1}", "", ""]  # and nothing of it
    else:
        lines += [f"X-Large: {'x' * MAX_HEADERS}", "Content-Length: 0", "", ""]
    answer = b""
    with (
        socket.create_connection((place.hostname, place.port), PATIENCE) as connection,
        contextlib.suppress(ConnectionError),  # it hung up before it had read all of the headers
    ):
        connection.sendall("\r\n".join(lines).encode())
        answer = connection.recv(1000)
    assert not answer or answer.startswith(b"HTTP/1.1 400"), answer
    assert call(served, hub_token(served, "alice"), "GET", "accounts").ok
