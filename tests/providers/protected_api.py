"""An API over a real socket that says where people sign in to it, as RFC 9728 has it.

It is honest, until a test gives an address another answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from providers.sockets import Served, SocketServer
from providers.troubles import Reply

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from providers.sockets import Request

WELL_KNOWN = "/.well-known/oauth-protected-resource"


class ProtectedAPI(Served):
    """``address`` is ``http://127.0.0.1:<port>/mcp``; ``host="localhost"`` makes it another host.

    Attributes to set at any time: ``metadata`` (merged into its document), ``challenge`` (of each
    401; None: it has no such header), ``takes`` (whether an access token is good), ``answers`` (by
    path, in place of what is honest). ``requests`` are all that arrived.
    """

    def __init__(
        self, *issuers: str, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
    ) -> None:
        self.requests: list[Request] = []
        self.answers: dict[str, Reply] = {}
        self.takes: Callable[[str], bool] = lambda _: False
        self._server = SocketServer(self._answer, tls)
        self.url = f"{'https' if tls else 'http'}://{host}:{self._server.port}"
        self.address = f"{self.url}/mcp"
        self.metadata: dict[str, Any] = {
            "resource": self.address,
            "authorization_servers": list(issuers),
        }
        self.challenge: str | None = f'Bearer resource_metadata="{self.url}{WELL_KNOWN}/mcp"'

    @property
    def asked(self) -> list[str]:
        """The paths that were asked for, oldest first."""
        return [each.path for each in self.requests]

    def _answer(self, request: Request) -> Reply:
        self.requests.append(request)
        if request.path in self.answers:
            return self.answers[request.path]
        if request.path == f"{WELL_KNOWN}/mcp":
            return Reply.json(self.metadata)
        if request.path != "/mcp":
            return Reply(404)
        if self.takes(request.bearer):
            return Reply.json({"hello": "world"})
        return Reply(401, headers={"WWW-Authenticate": self.challenge} if self.challenge else {})
