"""SECURITY 12: whatever ``Location`` says, a token goes to its own origin and to nobody else.

Clients read odd addresses in different ways, and our guard has to read them as the client does that
sends the request. So each client is sent on thousands of ways, and the servers say who heard what.
"""

from __future__ import annotations

import itertools
import random
from contextlib import contextmanager, suppress
from functools import partial

import httpx
import httpx2
import pytest
import requests
from requests.exceptions import RequestException

from jupyter_auth import TokenAuth, httpx_auth
from kernel.http.planted_token import PLANTED, Fixed
from providers.troubles import Reply
from security.tokens.one_api import ORIGIN, World

HEADERS = ("Authorization", "accessToken", "x-api-key")
ERRORS = (
    *(RequestException, httpx.HTTPError, httpx.InvalidURL),
    *(httpx2.HTTPError, httpx2.InvalidURL, ValueError),
)
SOME = 700  # that are put together by chance, for each of the clients

KNOWN = (
    "https:////evil/",  # what urlsplit and urlunsplit disagree about
    "https://///evil/x",
    "https:///evil.test/x",
    "/\\evil.test/x",
    "\\\\evil.test\\x",
    "//evil.test/x",
    "////evil.test/x",
    "/.//evil.test/x",
    "https:evil.test/x",
    "https:\\\\evil.test/x",
    "https://api.test\\@evil.test/x",
    "https://api.test@evil.test/x",
    "https://api.test:443@evil.test/x",
    "https://api.test:8443/x",
    "http://api.test/x",
    "http://api.test:443/x",
    "https://api.test.evil.test/x",
    "https://api.test./x",
    "https://evil.test#@api.test/x",
    "https://evil.test?@api.test/x",
)
GOOD = (
    "/landed",
    "landed",
    "../landed",
    "./landed?x=y#z",
    "?page=2",
    "//api.test/landed",
    "https://api.test/landed",
    "https://api.test:443/landed",
    "HTTPS://api.test/landed",
    "/landed/ü/\\x",
    "/landed?to=https://evil.test/",
)


PARTS = (
    ("", "https:", "http:", "HTTPS:", "hTTp:", "https", "ftp:", "javascript:", "\x0bhttps:"),
    ("", "/", "//", "///", "////", "\\\\", "/\\", "\\/", "//\\", "/\t/", "/./", "/%2f"),
    ("", "api.test@", "api.test:443@", "api.test\\@", "api.test%40", "@", "user:password@"),
    (
        *("evil.test", "api.test", "API.TEST", "api.test.", "api.test.evil.test", "api%2etest"),
        *("\u0430pi.test", "api\u3002test", "\uff41pi.test", "xn--pi-7kc.test", "api.test%00.evil"),
        *("api.test evil.test", "api.test\x0b", "[::1]", "127.0.0.1", "2130706433", "0x7f.1", ""),
    ),
    ("", ":443", ":8443", ":", ":0443", ":x", ":80"),
    ("/landed", "", "?x", "#@api.test/", "\\landed", "/..//evil.test/landed"),
)
"""Of an address: what programs are known to read differently."""
dice = random.Random(0)  # noqa: S311 (nothing secret is thrown)
LOCATIONS = (*KNOWN, *GOOD, *("".join(map(dice.choice, PARTS)) for _ in range(SOME)))


@contextmanager
def by_requests(_):
    """``requests`` as it is, with our ``auth=``."""
    with requests.Session() as session:
        session.trust_env, session.verify = False, False
        yield lambda url, auth: session.get(url, auth=auth)


@contextmanager
def by_session(session):
    """``UserSession``, whose tokens here are of another source."""

    def get(url, auth):
        session.auth = auth
        return session.get(url)

    session.trust_env, session.verify = False, False
    yield get


@contextmanager
def by_httpx(_, of=httpx):
    how = {"verify": False, "trust_env": False, "follow_redirects": True}
    with of.Client(**how) as client:
        yield lambda url, auth: client.get(url, auth=auth)


by_httpx2 = partial(by_httpx, of=httpx2)


pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
every_client = pytest.mark.parametrize(
    "way",
    [
        (by_requests, TokenAuth),
        (by_session, TokenAuth),
        (by_httpx, httpx_auth),
        (by_httpx2, httpx_auth),
    ],
    ids=["requests", "UserSession", "httpx", "httpx2"],
)


@every_client
def test_no_location_brings_a_token_to_a_stranger(way, session, tmp_path, monkeypatch):
    """And a good one does not lose it. Certificates are not what saves anybody here."""
    client, make = way
    auths = [make(Fixed(name, PLANTED), origins=[ORIGIN]) for name in HEADERS]
    codes = itertools.cycle((301, 302, 303, 307, 308))
    followed = 0
    with World(tmp_path).running(monkeypatch) as world, client(session) as get:
        for number, location in enumerate(LOCATIONS):
            raw = location.encode().decode("latin-1")  # as a server's bytes look in Python
            some = auths if location in KNOWN + GOOD else [auths[number % len(auths)]]
            for auth in some:
                world.move = Reply(next(codes), headers={"Location": raw})
                world.seen.clear()
                world.strangers.heard.clear()
                answer = None
                with suppress(*ERRORS):
                    answer = get(f"{ORIGIN}/start", auth)
                told = world.strangers.heard
                assert not any(PLANTED.encode() in each for each in told), location
                if location in GOOD:
                    assert answer is not None, location
                    assert not told, location
                    assert PLANTED in repr(world.seen[-1].headers), location
                followed += bool(told) or len(world.seen) > 1
    assert followed > SOME // 3  # or they would all have been refused unread


@every_client
@pytest.mark.parametrize("name", HEADERS)
def test_the_same_name_by_https_is_another_origin(way, name, session, tmp_path, monkeypatch):
    """Clients take ``Authorization`` along there, from the port that http has of itself."""
    client, make = way
    origin = "http://localhost"
    world = World(tmp_path, origin)
    with world.running(monkeypatch), client(session) as get:
        world.move = Reply(302, headers={"Location": "https://localhost/x"})
        get(f"{origin}/start", make(Fixed(name, PLANTED), origins=[origin]))
    assert PLANTED in repr(world.seen[0].headers)
    [told] = world.strangers.heard
    assert PLANTED.encode() not in told
