"""MCP servers, each known by its address alone: in, on, out, in again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from providers.oidc import OidcProvider
from providers.servers.mcp_servers import FastMcp, FastMcpElsewhere, FastMcpProxy, McpSdk
from systems.servers.mcp_clients import ANSWER, by_fastmcp, by_the_sdk, of_the_sdk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.servers.mcp_servers import McpServer

CALLBACK = "http://127.0.0.1:7777/callback/numbers"


@pytest.fixture(scope="module", params=[McpSdk, FastMcp, FastMcpProxy, FastMcpElsewhere])
def server(request) -> Iterator[McpServer]:
    with OidcProvider() as oidc:
        given = [oidc] if request.param in (FastMcpProxy, FastMcpElsewhere) else []
        with request.param(*given) as started:
            yield started


@pytest.mark.parametrize("client", [by_the_sdk, by_fastmcp])
def test_what_the_clients_of_theirs_get(server, client):
    assert client(server.address, of_the_sdk(server, CALLBACK)) == ANSWER
