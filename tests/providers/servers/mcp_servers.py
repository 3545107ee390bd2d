"""MCP servers that people sign in to from an address alone, and what they are signed in to."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processes import free_port
from providers.oidc import USERS
from providers.person import Person
from providers.servers.program import Program

if TYPE_CHECKING:
    from providers.oidc import OidcProvider

HERE = Path(__file__).parent


class McpServer(Program):
    """Known by its ``address``. It forgets its clients and tokens when it starts again."""

    program: str

    def __init__(self) -> None:
        super().__init__([])
        self.environment = os.environ | {
            "PYTHONPATH": str(HERE.parents[1]),
            "FASTMCP_LOG_LEVEL": "CRITICAL",  # it warns of http at each start
            "FASTMCP_CHECK_FOR_UPDATES": "off",
        }
        self.command = (sys.executable, str(HERE / self.program))
        self.settings: dict[str, Any] = {"port": free_port()}
        self.site = f"http://127.0.0.1:{self.settings['port']}"
        self.address = f"{self.site}/mcp"
        self.pages = [self.site]  # the origins of what a person sees on the way

    def listening(self, told: dict[str, Any]) -> None:  # noqa: ARG002
        self.origin = self.pages[0]

    def login(self, url: str, *, consent: bool = True) -> str:
        return Person(self.username, self.password, consent=consent).visit(url, *self.pages)

    def restart(self) -> None:
        """Its clients and tokens are forgotten, as it kept them in memory."""
        self.stop()
        self.start()


class McpSdk(McpServer):
    """The MCP SDK's: its authorization server is another one, at another port.

    It compares redirect URIs exactly, rotates refresh tokens, and refuses a scope that a client has
    not registered. A token without RFC 8707's ``resource`` is none of the API's.
    """

    program = "mcp_sdk_server.py"

    def __init__(self) -> None:
        super().__init__()
        self.settings |= {
            "issuer_port": free_port(),
            "username": self.username,
            "password": self.password,
        }
        self.pages = [f"http://127.0.0.1:{self.settings['issuer_port']}"]


class FastMcp(McpServer):
    """FastMCP as its own authorization server: no page, the authorization request is the consent.

    A dead refresh token or code is ``invalid_grant`` with status 401.
    """

    program = "fast_mcp_server.py"


class FastMcpProxy(McpServer):
    """FastMCP in front of a provider that registers no clients: a page of its own, then theirs."""

    program = "fast_mcp_server.py"
    username, password = "alice", USERS["alice"]["password"]

    def __init__(self, oidc: OidcProvider) -> None:
        super().__init__()
        self.pages.append(oidc.issuer)
        oidc.add_client("proxy", f"{self.site}/auth/callback", client_secret=oidc.client_secret)
        self.settings["upstream"] = {
            "issuer": oidc.issuer,
            "client_id": "proxy",
            "client_secret": oidc.client_secret,
        }


class FastMcpElsewhere(McpServer):
    """FastMCP as an API of an authorization server that gives JWTs for it (RFC 8707 and 9068).

    Its tokens live on when that forgets its clients, and nothing ends them.
    """

    program = "fast_mcp_server.py"
    username, password = "alice", USERS["alice"]["password"]

    def __init__(self, oidc: OidcProvider) -> None:
        super().__init__()
        self.pages = [oidc.issuer]
        self.restart = oidc.forget_clients  # type: ignore[method-assign]
        oidc.add_resource(self.address)
        self.settings["issuer"] = oidc.issuer
