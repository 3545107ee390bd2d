"""MCP servers, each known by its address alone: in, on, out, in again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jupyter_auth import LoginDenied, LoginRequired, UserSession, httpx_auth, token
from jupyter_auth.kernel.broker.connect import connect
from kernel.sign_in import person
from patience import PATIENCE, until
from providers.oidc import OidcProvider
from providers.servers.mcp_servers import FastMcp, FastMcpElsewhere, FastMcpProxy, McpSdk
from systems.servers.mcp_clients import (
    ANSWER,
    by_fastmcp,
    by_hand,
    by_the_sdk,
    of_the_sdk,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.servers.mcp_servers import McpServer

CALLBACK = "http://127.0.0.1:7777/callback/numbers"
THEIR_CLIENTS = [by_the_sdk, by_fastmcp]
WITH_A_DESK = pytest.mark.parametrize("server", [McpSdk, FastMcp], indirect=True)


@pytest.fixture(scope="module", params=[McpSdk, FastMcp, FastMcpProxy, FastMcpElsewhere])
def server(request) -> Iterator[McpServer]:
    with OidcProvider() as oidc:
        given = [oidc] if request.param in (FastMcpProxy, FastMcpElsewhere) else []
        with request.param(*given) as started:
            yield started


@pytest.fixture
def session(server, browser) -> Iterator[UserSession]:
    """The person has signed in: one click."""
    with UserSession(server.address, interactive=True, timeout=PATIENCE) as made:
        yield made
    until(lambda: len(browser.pages) == len(browser.links))


@pytest.mark.parametrize("client", THEIR_CLIENTS)
def test_what_the_clients_of_theirs_get(server, client):
    assert client(server.address, of_the_sdk(server, CALLBACK)) == ANSWER


def test_from_the_address_alone(session, server, browser):
    assert by_hand(session) == ANSWER
    assert by_hand(session, server.address) == ANSWER
    assert len(browser.links) == 1
    until(lambda: "Signed in" in "".join(browser.pages))


@pytest.mark.parametrize("client", THEIR_CLIENTS)
def test_their_clients_with_our_sign_in(session, server, client):  # noqa: ARG001
    assert client(server.address, httpx_auth(server.address)) == ANSWER


def test_the_account_is_there_for_the_next_script(session, server, restart):  # noqa: ARG001
    restart()
    with UserSession(server.address, interactive=False) as again:
        assert by_hand(again) == ANSWER
        assert str(token(server.address)) == str(again.access_token)


@WITH_A_DESK
def test_refresh(session, server, browser, restart):
    server.expire()
    assert by_hand(session) == ANSWER
    for _ in range(3):
        server.expire()
        restart()
        with UserSession(server.address, interactive=False) as again:
            assert by_hand(again) == ANSWER
    assert len(browser.links) == 1


@WITH_A_DESK
@pytest.mark.parametrize("client", THEIR_CLIENTS)
def test_refresh_for_their_clients(session, server, client):  # noqa: ARG001
    server.expire()
    assert client(server.address, httpx_auth(server.address)) == ANSWER


@WITH_A_DESK
def test_a_dead_refresh_token_leads_to_a_new_sign_in(session, server, browser):
    server.forget()
    server.expire()
    assert by_hand(session) == ANSWER
    assert len(browser.links) == 2


@pytest.mark.parametrize("server", [McpSdk, FastMcp, FastMcpProxy], indirect=True)
def test_a_server_that_has_forgotten_its_clients_registers_again(session, server, browser):
    server.restart()
    assert by_hand(session) == ANSWER
    assert len(browser.links) == 2
    assert len(connect().accounts()) == 1
    with UserSession(server.address, interactive=False) as again:
        assert by_hand(again) == ANSWER


def test_sign_out(session, server):
    assert session.logout().removed
    with pytest.raises(LoginRequired):
        UserSession(server.address, interactive=False)


@pytest.mark.parametrize("server", [FastMcpProxy], indirect=True)
def test_a_person_who_does_not_allow_it(server, browser):
    browser.consent = False
    with pytest.raises(LoginDenied):
        UserSession(server.address, interactive=True, timeout=PATIENCE)


def test_by_a_jupyter_server(broker, server):
    engine = broker({})
    with person(engine, server):
        session = UserSession(server.address, interactive=True, timeout=PATIENCE)
    assert by_hand(session) == ANSWER
    server.restart()
    with person(engine, server):
        assert by_hand(session) == ANSWER
    assert session.logout().removed
