"""MCP's real clients, each to one answer of one tool."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import fastmcp
import httpx2
import mcp
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

from patience import PATIENCE

if TYPE_CHECKING:
    import requests

    from providers.servers.mcp_servers import McpServer

TOOL, ARGUMENTS, ANSWER = "add", {"a": 2, "b": 3}, "5"
CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": TOOL, "arguments": ARGUMENTS},
}


def by_hand(session: requests.Session, url: str = "") -> str:
    """Plain JSON-RPC, to the session's own address."""
    accepted = {"Accept": "application/json, text/event-stream"}
    response = session.post(url, json=CALL, headers=accepted, timeout=PATIENCE)
    response.raise_for_status()
    return response.json()["result"]["content"][0]["text"]


def by_the_sdk(address: str, auth: httpx2.Auth) -> str:
    """The MCP SDK's client."""

    async def call() -> str:
        async with (
            httpx2.AsyncClient(auth=auth, trust_env=False, timeout=PATIENCE) as http,
            mcp.Client(streamable_http_client(address, http_client=http)) as client,
        ):
            return (await client.call_tool(TOOL, ARGUMENTS)).content[0].text

    return asyncio.run(call())


def by_fastmcp(address: str, auth: httpx2.Auth) -> str:
    """FastMCP's client."""

    async def call() -> str:
        async with fastmcp.Client(address, auth=auth) as client:
            return (await client.call_tool(TOOL, ARGUMENTS)).content[0].text

    return asyncio.run(call())


class Kept:
    """What the SDK's own sign-in keeps, in memory."""

    tokens = client = None

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        return self.client

    async def set_client_info(self, client_info: Any) -> None:
        self.client = client_info


def of_the_sdk(server: McpServer, callback: str) -> OAuthClientProvider:
    """The SDK's own sign-in, by the server's person."""
    reached: list[str] = []

    async def visit(url: str) -> None:
        reached.append(await asyncio.to_thread(server.login, url))

    async def came_back() -> AuthorizationCodeResult:
        query = parse_qs(urlsplit(reached.pop()).query)
        return AuthorizationCodeResult(**{key: values[0] for key, values in query.items()})

    asked = OAuthClientMetadata(redirect_uris=[callback], token_endpoint_auth_method="none")
    return OAuthClientProvider(server.address, asked, Kept(), visit, came_back)
