"""What every suite shares: the two identity providers, a clock, and patience."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from tornado.httpclient import AsyncHTTPClient

from clock import Clock
from jupyter_auth.core import errors
from jupyter_auth.core.login.loopback import server as loopback_server
from jupyter_auth.core.protocol import http
from patience import PATIENCE
from providers.oidc import OidcProvider
from providers.rogue import RogueProvider
from providers.sockets import SocketServer
from providers.troubles import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.sockets import Request

settings.register_profile(
    "steady",
    max_examples=50,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("steady")
# What a test itself asks for is waited for as everything is: tornado's own 20 s are too few.
PATIENT = {"connect_timeout": PATIENCE, "request_timeout": PATIENCE}
AsyncHTTPClient.configure(None, defaults=PATIENT)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider is not taken for a silent one, nor a browser for gone, where all is slow."""
    for name in ("CONNECT_TIMEOUT", "READ_TIMEOUT", "TOTAL_TIMEOUT", "TOKEN_TIMEOUT"):
        monkeypatch.setattr(http, name, PATIENCE)
    monkeypatch.setattr(loopback_server, "GRACE", PATIENCE)


@pytest.fixture(autouse=True)
def _spoken_to_as_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test loads or runs words its own errors, and those of no other test."""
    monkeypatch.setattr(errors, "_front_end", [lambda: errors.SCRIPT])


@pytest.fixture(scope="session")
def oidc() -> Iterator[OidcProvider]:
    """The real provider, one process for all tests of a worker; see `_oidc_as_at_the_start`."""
    with OidcProvider() as provider:
        yield provider


@pytest.fixture(autouse=True)
def _oidc_as_at_the_start(request: pytest.FixtureRequest) -> None:
    """Life times, delays and events belong to one test, though the process serves them all."""
    if "oidc" in request.fixturenames:
        request.getfixturevalue("oidc").reset()


@pytest.fixture
def rogue() -> Iterator[RogueProvider]:
    """A provider that behaves until it is told not to; a fresh one for each test."""
    with RogueProvider() as provider:
        yield provider


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Request]]:
    """What came to the proxy that the environment names for everything, this machine too."""
    seen: list[Request] = []

    def answer(request: Request) -> Reply:
        seen.append(request)
        return Reply(502)

    proxy = SocketServer(answer)
    proxy.start()
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        for each in (name, name.lower()):
            monkeypatch.setenv(each, f"http://127.0.0.1:{proxy.port}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield seen
    proxy.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()
