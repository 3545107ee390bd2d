"""What the Hub's service and a user's server do by themselves, whoever asks. SECURITY 11 and 20."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest
from jupyterhub.services.auth import HubAuth
from tornado import web
from tornado.http1connection import HTTP1Connection
from tornado.httpclient import AsyncHTTPClient
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.iostream import IOStream

from jupyter_auth.core.common.routes import ROUTES
from jupyter_auth.core.errors import BrokerUnavailable, ConfigurationError
from jupyter_auth.core.secret import Secret
from jupyter_auth.server.broker.redirect.hub import HubRedirect
from jupyter_auth.server.forward import RemoteBroker
from jupyter_auth.server.hub.app import _AtPort
from jupyter_auth.server.hub.users import lookup_turns
from jupyter_auth.server.hub.users.known_tokens import BELIEVED, REFUSED, RENEWED, KnownTokens
from jupyter_auth.server.hub.users.lookup_turns import LookupTurns, TrustedProxies
from jupyter_auth.server.hub.users.users import HubUsers
from patience import PATIENCE

if TYPE_CHECKING:
    from tornado.httpserver import HTTPServer

    from clock import Clock


class Elsewhere(web.RequestHandler):
    """Writes down what comes with a Hub token."""

    def initialize(self, seen: list[str]) -> None:
        self._seen = seen

    def get(self) -> None:
        self._seen.append(self.request.headers.get("Authorization", ""))
        self.write({"accounts": []})


class Moved(web.RequestHandler):
    def initialize(self, to: str, status: int) -> None:
        self._to, self._status = to, status

    def get(self) -> None:
        self.redirect(self._to, status=self._status)


def test_who_hangs_up_at_once_is_at_no_port_for_kernels() -> None:
    """And leaves no traceback in the log."""

    async def ask() -> object:
        here, there = socket.socketpair()
        stream = IOStream(here)
        asked = RequestStartLine("GET", "/", "HTTP/1.1")
        connection = HTTP1Connection(stream, is_client=False)
        headers = HTTPHeaders({"Host": "hub.example"})
        request = HTTPServerRequest(start_line=asked, headers=headers, connection=connection)
        there.close()
        stream.close()
        return _AtPort(10202).match(request)

    assert asyncio.run(ask()) is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_server_takes_its_hub_token_nowhere_else(status: int) -> None:
    """Wherever the service sends it: to another path, or another host."""
    seen: list[str] = []

    async def ask() -> None:
        target = web.Application([(".*", Elsewhere, {"seen": seen})], log_function=lambda _: None)
        there = target.listen(0, "127.0.0.1")
        address = f"http://127.0.0.1:{port_of(there)}/accounts"
        place = {"to": address, "status": status}
        moved = web.Application([(".*", Moved, place)], log_function=lambda _: None)
        here = moved.listen(0, "127.0.0.1")
        hub = HubRedirect(owner="ann", hub_prefix="/hub/")
        broker = RemoteBroker(f"http://127.0.0.1:{port_of(here)}", hub, Secret("hub-token"))
        try:
            with pytest.raises(BrokerUnavailable):
                await broker.call(ROUTES["accounts"])
        finally:
            broker.close()
            for server in (here, there):
                server.stop()

    asyncio.run(ask())
    assert not seen


def test_a_server_goes_on_listening_whatever_answers_meanwhile() -> None:
    answers = [{}, {"sequence": 7}]

    class Changes(web.RequestHandler):
        async def get(self) -> None:
            if not answers:
                await asyncio.Event().wait()
            self.write(answers.pop(0))

    async def ask() -> None:
        heard = asyncio.Event()
        service = web.Application([(".*", Changes)], log_function=lambda _: None)
        here = service.listen(0, "127.0.0.1")
        hub = HubRedirect(owner="ann", hub_prefix="/hub/")
        broker = RemoteBroker(f"http://127.0.0.1:{port_of(here)}", hub, Secret("hub-token"))
        broker.listen(heard.set)
        try:
            await asyncio.wait_for(heard.wait(), PATIENCE)
        finally:
            broker.close()
            here.stop()

    asyncio.run(ask())


@pytest.mark.parametrize("status", [302, 307])
def test_the_service_takes_a_users_hub_token_to_the_hub_alone(status: int) -> None:
    seen: list[str] = []

    async def ask() -> None:
        target = web.Application([(".*", Elsewhere, {"seen": seen})], log_function=lambda _: None)
        there = target.listen(0, "127.0.0.1")
        place = {"to": f"http://127.0.0.1:{port_of(there)}/user", "status": status}
        moved = web.Application([(".*", Moved, place)], log_function=lambda _: None)
        here = moved.listen(0, "127.0.0.1")
        hub_auth = HubAuth(api_url=f"http://127.0.0.1:{port_of(here)}", api_token="of-the-service")
        asking = HubUsers(hub_auth).of_token("of-a-user", "192.0.2.1")
        (said,) = await asyncio.gather(asking, return_exceptions=True)
        for server in (here, there):
            server.stop()
        assert not seen
        assert str(said).startswith("The Hub does not answer.")

    asyncio.run(ask())


def port_of(server: HTTPServer) -> int:
    (port,) = [each.getsockname()[1] for each in server._sockets.values()]
    return int(port)


def test_few_tokens_are_remembered_and_those_who_ask_at_once_share_a_question(clock: Clock) -> None:
    asked: list[str] = []

    async def ask() -> None:
        believed: KnownTokens[str] = KnownTokens(2, clock)

        async def get(key: str) -> str:
            async def look_up(_: str | None) -> str:
                asked.append(key)
                await asyncio.sleep(0)
                return key

            return await believed.get(key, look_up)

        for key in ("a", "b", "b", "c", "c", "b", "a"):
            assert await get(key) == key
        assert asked == ["a", "b", "c", "a"]
        assert await asyncio.gather(*[get("d") for _ in range(5)]) == ["d"] * 5

    asyncio.run(ask())
    assert asked == ["a", "b", "c", "a", "d"]


def test_one_that_is_unknown_is_asked_for_once_in_a_while_and_few_of_them_are_remembered(
    clock: Clock,
) -> None:
    asked: list[str] = []

    async def ask() -> None:
        believed: KnownTokens[str] = KnownTokens(2, clock)

        async def refused(key: str) -> None:
            async def look_up(_: str | None) -> str:
                asked.append(key)
                raise BrokerUnavailable("It is none.")

            with pytest.raises(BrokerUnavailable, match="none"):
                await believed.get(key, look_up)

        for key in ("a", "a", "b", "a", "c", "c", "a"):
            await refused(key)
        assert asked == ["a", "b", "c", "a"]
        clock.advance(REFUSED)
        await refused("a")

    asyncio.run(ask())
    assert asked == ["a", "b", "c", "a", "a"]


def test_a_hub_that_gives_no_answer_says_nothing_about_a_token(clock: Clock) -> None:
    """Neither that it is good nor that it is not; and it is left in peace for some seconds."""
    answers: list[str | None] = ["yes", None, None, "anew"]
    before: list[str | None] = []

    async def ask() -> None:
        believed: KnownTokens[str] = KnownTokens(2, clock)

        async def look_up(known: str | None) -> str:
            before.append(known)
            if answer := answers.pop(0):
                return answer
            raise BrokerUnavailable("Away.", retry_after=5.0)

        async def get() -> str:
            found = await believed.get("token", look_up)
            for _ in range(3):  # what was begun meanwhile ends
                await asyncio.sleep(0)
            return found

        assert await get() == "yes"
        clock.advance(RENEWED)
        assert [await get(), await get()] == ["yes", "yes"]
        assert len(answers) == 2, "asked twice"
        clock.advance(BELIEVED - RENEWED)
        with pytest.raises(BrokerUnavailable, match="Away"):
            await get()
        assert await get() == "anew"

    asyncio.run(ask())
    assert before == [None, "yes", "yes", "yes"]


def test_whoever_sends_many_waits_for_everybody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup_turns, "PATIENCE", PATIENCE)
    served: list[str] = []

    async def ask() -> None:
        turns, first = LookupTurns(most=1), asyncio.Event()

        async def come(line: str) -> None:
            async with turns.of(line):
                served.append(line)
                await first.wait()

        coming = [asyncio.create_task(come(line)) for line in "aaaaaabbc"]
        await asyncio.sleep(0)
        first.set()
        await asyncio.gather(*coming)

    asyncio.run(ask())
    assert "".join(served) == "aabcabaaa"


def test_nobody_waits_for_long_and_no_line_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup_turns, "QUEUE", 2)
    monkeypatch.setattr(lookup_turns, "PATIENCE", PATIENCE)

    async def ask() -> None:
        turns = LookupTurns(most=1)

        async def come() -> str:
            async with turns.of("a"):
                return "served"

        async with turns.of("a"):
            waiting = [asyncio.create_task(come()) for _ in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(BrokerUnavailable) as refused:
                await come()
            assert refused.value.retry_after
        assert await asyncio.gather(*waiting, return_exceptions=True) == ["served"] * 2
        monkeypatch.setattr(lookup_turns, "PATIENCE", 0.01)
        async with turns.of("a"):
            with pytest.raises(BrokerUnavailable):
                await come()
        assert await come() == "served"

    asyncio.run(ask())


class Whence(web.RequestHandler):
    """Says where a request comes from."""

    def initialize(self, downstream: TrustedProxies) -> None:
        self._downstream = downstream

    def get(self) -> None:
        self.write(self._downstream.source_of(self.request))


@pytest.mark.parametrize(
    ("trusted", "said", "address"),
    [
        ((), "192.0.2.1", "127.0.0.1"),
        (("127.0.0.1",), "192.0.2.1", "192.0.2.1"),
        (("127.0.0.0/8",), "192.0.2.1", "192.0.2.1"),
        (("127.0.0.1",), "192.0.2.66, 192.0.2.1", "192.0.2.1"),
        (("127.0.0.1", "192.0.2.1"), "192.0.2.66, 192.0.2.7 , 192.0.2.1", "192.0.2.7"),
        (("127.0.0.1",), "2001:db8::1", "2001:db8::"),
        (("127.0.0.1",), "2001:db8::1:2:3:4", "2001:db8::"),
        (("127.0.0.1",), "::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        (("127.0.0.1",), "192.0.2.66, unknown", "127.0.0.1"),
        (("127.0.0.1",), "", "127.0.0.1"),
        (("10.0.0.0/8",), "192.0.2.1", "127.0.0.1"),
        (("2001:db8::/32",), "192.0.2.1", "127.0.0.1"),
    ],
)
def test_only_trusted_proxies_say_where_a_request_comes_from(
    trusted: tuple[str, ...], said: str, address: str
) -> None:
    async def ask() -> str:
        given = {"downstream": TrustedProxies(trusted)}
        application = web.Application([(".*", Whence, given)], log_function=lambda _: None)
        server = application.listen(0, "127.0.0.1", xheaders=True)
        headers = {
            "X-Forwarded-For": said,
            "X-Real-Ip": "192.0.2.99",
            "Forwarded": "for=192.0.2.98",
        }
        try:
            url = f"http://127.0.0.1:{port_of(server)}/"
            return (await AsyncHTTPClient().fetch(url, headers=headers)).body.decode()
        finally:
            server.stop()

    assert asyncio.run(ask()) == address


@pytest.mark.parametrize("wrong", ["proxy.example", "10.0.0.7/24", ""])
def test_what_is_no_address_is_no_proxy(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="neither an address nor a network"):
        TrustedProxies(["10.0.0.0/24", wrong])
