"""``httpx_auth``: what ``TokenAuth`` does, for both clients of httpx, and of httpx2."""

from __future__ import annotations

import asyncio
import io
import logging
import pickle
import threading
from contextlib import contextmanager
from functools import partial

import anyio
import httpx
import httpx2
import pytest

from jupyter_auth import httpx_auth
from jupyter_auth.core.common.request_errors import Throttled
from jupyter_auth.core.errors import ConfigurationError, LoginRequired
from jupyter_auth.core.models import Token
from jupyter_auth.kernel.broker.connect import connect
from jupyter_auth.kernel.http.warnings import AuthWarning
from kernel.http.planted_token import API, LOOK_ALIKES, PLANTED, Fixed
from kernel.traceback_locals import local_variables
from providers.troubles import Gate, Reply, close, status

CLIENT = {"trust_env": False, "follow_redirects": True, "timeout": 60}


def in_turn(of, method, url, **kwargs):
    with of.Client(**CLIENT) as client:
        return client.request(method, url, **kwargs)


def on_a_loop(of, method, url, **kwargs):
    async def run():
        async with of.AsyncClient(**CLIENT) as client:
            return await client.request(method, url, **kwargs)

    return asyncio.run(run())


@pytest.fixture(params=[httpx, httpx2], ids=lambda module: module.__name__)
def of(request):
    """Either library."""
    return request.param


@pytest.fixture(params=[in_turn, on_a_loop])
def ask(request, of):
    """A request by either client of it, redirects followed."""
    return partial(request.param, of)


@pytest.fixture
def idp(source, rogue):
    return httpx_auth(source, origins=[rogue.issuer])


# Where the token goes


def carries(of, auth, url):
    """Whether what would be sent first holds the token, and to whom."""
    request = next(auth.sync_auth_flow(of.Request("GET", url)))
    sent = PLANTED.encode() in b" ".join(value for _, value in request.headers.raw)
    return sent, (request.url.scheme, request.url.netloc, request.url.userinfo)


@pytest.mark.parametrize("url", [f"{API}/x", f"{API}:443/x", f"{API}/", f"{API}?a=b", API])
@pytest.mark.parametrize("header", ["Authorization", "x-api-key"])
def test_the_token_goes_to_its_origin(of, url, header):
    assert carries(of, httpx_auth(Fixed(header), origins=[API]), url)[0]


@pytest.mark.parametrize(("host", "sent"), [("na1", True), ("a.na1", False)])
def test_one_label_of_an_origin_may_be_open(of, host, sent):
    auth = httpx_auth(Fixed(), origins=["https://*.example.com"])
    assert carries(of, auth, f"https://{host}.example.com/x")[0] == sent


@pytest.mark.parametrize("url", LOOK_ALIKES)
@pytest.mark.parametrize("header", ["Authorization", "x-api-key"])
def test_it_goes_to_no_look_alike(of, url, header):
    """httpx makes plain some that requests leaves odd: what counts is where it would be sent."""
    try:
        sent, to = carries(of, httpx_auth(Fixed(header), origins=[API]), url)
    except (of.InvalidURL, UnicodeError):
        return
    assert sent == (to == ("https", b"api.example.com", b""))


@pytest.mark.parametrize("origin", ["http://api.example.com", "api.example.com", "*"])
def test_origins_that_no_token_should_go_to_are_refused(origin):
    with pytest.raises(ConfigurationError):
        httpx_auth(Fixed(), origins=[origin])


@pytest.mark.parametrize("header", ["Authorization", "x-api-key", "accessToken"])
def test_it_arrives_in_the_place_of_the_callers(ask, elsewhere, header):
    auth = httpx_auth(Fixed(header, PLANTED), origins=[elsewhere.origin])
    mine = {header.lower(): "mine", "x-mine": "kept"}
    answer = ask("GET", f"{elsewhere.origin}/x", auth=auth, headers=mine)
    seen = elsewhere.seen[0].headers
    assert (seen[header.lower()], seen["x-mine"]) == (PLANTED, "kept")
    assert b"mine" not in [value for _, value in answer.request.headers.raw]
    assert mine[header.lower()] == "mine"


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("header", ["Authorization", "x-api-key", "accessToken"])
def test_a_redirect_elsewhere_takes_no_header_along(ask, rogue, elsewhere, header, code):
    auth = httpx_auth(Fixed(header, PLANTED), origins=[rogue.issuer])
    rogue.script("api", lambda _: Reply(code, headers={"Location": elsewhere.origin}))
    assert ask("GET", f"{rogue.issuer}/api/x", auth=auth).status_code == 200
    assert PLANTED in repr(rogue.seen("api")[0].headers)
    assert len(elsewhere.seen) == 1
    assert PLANTED not in repr(elsewhere.seen[0].headers)


def test_nor_does_one_after_a_retry(ask, source, rogue, elsewhere):
    auth = httpx_auth(Keyed(source), origins=[rogue.issuer])
    rogue.script("api", status(401), times=1)
    rogue.script("api", lambda _: Reply(302, headers={"Location": elsewhere.origin}))
    assert ask("GET", f"{rogue.issuer}/api/x", auth=auth).status_code == 200
    assert [("x-key" in each.headers) for each in rogue.seen("api")] == [True, True]
    assert "x-key" not in elsewhere.seen[0].headers


class Keyed:
    """The tokens of ``source``, in a header that is not ``Authorization``."""

    def __init__(self, source):
        self._source = source

    def token(self, min_valid=0.0):
        return self._keyed(self._source.token(min_valid))

    def rejected(self, token):
        return self._keyed(self._source.rejected(token))

    def _keyed(self, token):
        return Token(access_token=token.access_token, headers={"x-key": token.access_token})


def test_a_redirect_within_the_origin_keeps_the_token(ask, idp, rogue):
    rogue.script("api", lambda _: Reply(307, headers={"Location": "/api/other"}), times=1)
    answer = ask("POST", f"{rogue.issuer}/api/x", auth=idp, content=b"body")
    assert answer.json()["path"] == "/api/other"
    assert len(rogue.seen("api")) == 2


def test_what_a_redirect_within_the_origin_lost_is_put_on_again(ask, rogue):
    """httpx copies no header of another name; the API asks for it, and gets it."""
    auth = httpx_auth(Fixed("x-api-key", PLANTED), origins=[rogue.issuer])
    rogue.script("api", lambda _: Reply(307, headers={"Location": "/api/other"}), times=1)
    rogue.script("api", status(401), times=1)
    rogue.script("api", status(200), times=1)
    assert ask("POST", f"{rogue.issuer}/api/x", auth=auth, content=b"body").status_code == 200
    seen = rogue.seen("api")
    assert [each.path for each in seen] == ["/api/x", "/api/other", "/api/other"]
    assert [each.headers.get("x-api-key") for each in seen] == [PLANTED, None, PLANTED]
    assert {each.body for each in seen} == {b"body"}


def test_who_comes_from_elsewhere_gets_none(ask, idp, rogue, elsewhere):
    elsewhere.reply = Reply(302, headers={"Location": f"{rogue.issuer}/api/x"})
    assert ask("GET", f"{elsewhere.origin}/x", auth=idp).status_code == 401
    assert "authorization" not in rogue.seen("api")[0].headers


# Proxies: http is for this machine alone, where nobody sees it; one of the environment would


def test_a_proxy_never_sees_the_token(of, idp, rogue, proxied, monkeypatch):
    url = f"{rogue.issuer}/api/x"
    for no_proxy in ("", "example.org", "127.0.0.0/8"):  # httpx knows no networks
        monkeypatch.setenv("NO_PROXY", no_proxy)
        with pytest.raises(ConfigurationError, match="HTTP_PROXY would see the token"):
            of.get(url, auth=idp)
    monkeypatch.setenv("NO_PROXY", "example.org, 127.0.0.1")
    assert of.get(url, auth=idp).status_code == 200
    assert not proxied


# A refused token


BODIES = {
    "bytes": lambda: {"content": b"content of the body"},
    "form": lambda: {"data": {"a": "content of the body"}},
    "json": lambda: {"json": ["content of the body"]},
    "file": lambda: {
        "files": {"a": io.BytesIO(b"content of the body")},
        "headers": {"Content-Type": "multipart/form-data; boundary=limit"},
    },
}


@pytest.mark.parametrize("make", BODIES.values(), ids=BODIES)
def test_one_refresh_and_one_retry_with_the_whole_body(ask, idp, rogue, make):
    expected = ask("POST", f"{rogue.issuer}/api/x", auth=idp, **make()).json()
    rogue.expire()
    answer = ask("POST", f"{rogue.issuer}/api/x", auth=idp, **make())
    assert answer.status_code == 200
    assert answer.json() == expected
    assert [each.status_code for each in answer.history] == [401]
    assert rogue.refreshes == 1


def parts():
    yield from (b"in ", b"parts")


async def parts_on_a_loop():
    for each in parts():
        yield each


@pytest.mark.parametrize(("by", "body"), [(in_turn, parts), (on_a_loop, parts_on_a_loop)])
def test_a_body_that_comes_once_is_sent_twice(of, by, body, idp, rogue):
    rogue.expire()
    length = {"Content-Length": "8"}
    answer = by(of, "POST", f"{rogue.issuer}/api/x", auth=idp, content=body(), headers=length)
    assert (answer.status_code, answer.json()["length"]) == (200, 8)
    assert rogue.refreshes == 1


def test_it_never_loops(ask, idp, rogue):
    rogue.script("api", status(401))
    assert ask("GET", f"{rogue.issuer}/api/x", auth=idp).status_code == 401
    assert (len(rogue.seen("api")), rogue.refreshes) == (2, 1)


def test_where_there_is_no_other_token_the_answer_is_given_back(ask, rogue):
    auth = httpx_auth(Fixed(), origins=[rogue.issuer])
    assert ask("GET", f"{rogue.issuer}/api/x", auth=auth).status_code == 401
    assert len(rogue.seen("api")) == 1


@pytest.mark.parametrize(("refresh_on", "expected"), [((401,), (403, 0)), ((401, 403), (200, 1))])
def test_which_answers_bring_a_refresh(ask, source, rogue, refresh_on, expected):
    rogue.script("api", status(403), times=1)
    auth = httpx_auth(source, origins=[rogue.issuer], refresh_on=refresh_on)
    answer = ask("GET", f"{rogue.issuer}/api/x", auth=auth)
    assert (answer.status_code, rogue.refreshes) == expected


def test_an_account_that_ended_is_said(ask, idp, rogue):
    rogue.expire()
    rogue._families.clear()
    with pytest.raises(LoginRequired):
        ask("GET", f"{rogue.issuer}/api/x", auth=idp)


# The loop


@contextmanager
def held_refresh(rogue):
    """The provider says nothing; ``turns()`` then tells whether the loop did, and lets it go on."""
    rogue.expire()
    gate = rogue.script("refresh", Gate())
    try:
        yield gate
    finally:
        gate.release()


def test_the_loop_goes_on_while_a_token_is_waited_for(of, idp, rogue):
    turned = threading.Event()
    found = []

    def watch(loop, gate):
        gate.arrived.wait(60)
        loop.call_soon_threadsafe(turned.set)
        found.append(turned.wait(30))
        gate.release()

    async def run(gate):
        watcher = threading.Thread(target=watch, args=(asyncio.get_running_loop(), gate))
        watcher.start()
        async with of.AsyncClient(**CLIENT) as client:
            answer = await client.get(f"{rogue.issuer}/api/x", auth=idp)
        watcher.join()
        return answer.status_code

    with held_refresh(rogue) as gate:
        assert asyncio.run(run(gate)) == 200
    assert found == [True]


def test_a_request_that_waits_for_a_token_can_be_cancelled(of, idp, rogue):
    async def run(gate):
        async with of.AsyncClient(**CLIENT) as client, anyio.create_task_group() as group:
            group.start_soon(partial(client.get, f"{rogue.issuer}/api/x", auth=idp))
            assert await anyio.to_thread.run_sync(gate.arrived.wait, 60)
            group.cancel_scope.cancel()
        return gate.waiting

    with held_refresh(rogue) as gate:
        assert asyncio.run(run(gate)) == 1  # the provider has not answered yet


# Elsewhere


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_request_elsewhere_says_how_to_allow_it(ask, elsewhere, code):
    elsewhere.reply = Reply(code)
    auth = httpx_auth(Fixed(), origins=[API])
    with pytest.warns(AuthWarning, match=r"`httpx_auth\(\.\.\., origins=\[") as caught:
        assert ask("GET", f"{elsewhere.origin}/x?secret=1", auth=auth).status_code == code
    assert elsewhere.origin in str(caught[0].message)
    assert "secret" not in str(caught[0].message)
    assert caught[0].filename == __file__
    assert "authorization" not in elsewhere.seen[0].headers


# Nothing shows it


@pytest.mark.parametrize("header", ["Authorization", "x-api-key"])
def test_nothing_shows_the_token(ask, rogue, caplog, header):
    caplog.set_level(logging.DEBUG)
    auth = httpx_auth(Fixed(header, PLANTED), origins=[rogue.issuer])
    rogue.script("api", status(200))
    answer = ask("GET", f"{rogue.issuer}/api/x", auth=auth)
    shown = [repr(answer), repr(answer.request), repr(answer.request.headers), repr(vars(auth))]
    assert not any(PLANTED in each for each in [*shown, caplog.text])
    assert PLANTED.encode() in b" ".join(value for _, value in answer.request.headers.raw)


@pytest.mark.parametrize("header", ["Authorization", "x-api-key"])
def test_no_error_keeps_it(of, ask, rogue, header):
    auth = httpx_auth(Fixed(header, PLANTED), origins=[rogue.issuer])
    rogue.script("api", close())
    with pytest.raises(of.RemoteProtocolError) as caught:
        ask("GET", f"{rogue.issuer}/api/x", auth=auth)
    assert PLANTED not in local_variables(caught.value)


# By name


@pytest.mark.usefixtures("kernel_api", "signed_in")
def test_by_name(ask, rogue):
    auth = httpx_auth("idp")
    assert auth.origins == (rogue.issuer,)
    assert ask("GET", f"{rogue.issuer}/api/x", auth=auth).json()["sub"] == "u-2001"
    secret = connect().token("idp").access_token.reveal()
    assert secret.encode() not in pickle.dumps(auth)
    again = pickle.loads(pickle.dumps(auth))  # noqa: S301
    assert ask("GET", f"{rogue.issuer}/api/x", auth=again).status_code == 200


def test_by_the_auth_of_a_session(ask, session, rogue):
    auth = httpx_auth(session.auth)
    assert auth.origins == session.auth.origins
    assert ask("GET", f"{rogue.issuer}/api/x", auth=auth).json()["sub"] == "u-2001"
    elsewhere = httpx_auth(session.auth, origins=[API])
    with pytest.warns(AuthWarning):
        assert ask("GET", f"{rogue.issuer}/api/x", auth=elsewhere).status_code == 401


class TestALockout:
    @pytest.fixture
    def configured(self, configured):
        configured["idp"]["throttle"] = {"statuses": [429], "lockout": 300}
        return configured

    @pytest.mark.usefixtures("kernel_api", "signed_in")
    def test_is_learnt_and_minded(self, ask, rogue):
        rogue.script("api", status(429))
        assert ask("GET", f"{rogue.issuer}/api/x", auth=httpx_auth("idp")).status_code == 429
        with pytest.raises(Throttled):
            ask("GET", f"{rogue.issuer}/api/x", auth=httpx_auth("idp"))
        assert len(rogue.seen("api")) == 1
