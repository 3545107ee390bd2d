"""4insight over a real socket: its token endpoint for service accounts, and its API.

It refuses what the real one would: client authentication elsewhere than in the body, another scope,
a token that is not its own.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Self

from .sockets import Request, SocketServer
from .troubles import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN_PATH = "/4subseaid.onmicrosoft.com/oauth2/v2.0/token"
SCOPE = "https://4subseaid.onmicrosoft.com/4insight-api-prod/.default"
PAGES = 3


class FourInsight:
    """``origin`` is where it listens; ``requests`` is all that arrived.

    ``troubles`` are answers that the API gives instead of its own, one for each call.
    """

    client_id = "4i-service"
    client_secret = "4i-secret~5c0ffee.&c"

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.lifetime = 3599
        self.requests: list[Request] = []
        self.troubles: deque[Reply] = deque()
        self._tokens: dict[str, float] = {}
        self._lock = threading.Lock()
        self._server = SocketServer(self._answer)
        self.origin = f"http://127.0.0.1:{self._server.port}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def seen(self, start: str) -> list[Request]:
        """The requests whose path begins like that."""
        return [each for each in self.requests if each.path.startswith(start)]

    def expire(self) -> None:
        """Every token issued so far is refused from now on."""
        self._tokens.clear()

    def _answer(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            return self._token(request) if request.path == TOKEN_PATH else self._api(request)

    def _token(self, request: Request) -> Reply:
        form = request.form
        if "authorization" in request.headers or form.get("client_id") != self.client_id:
            return _error(400, "unauthorized_client", "AADSTS700016: application not found")
        if form.get("client_secret") != self.client_secret:
            return _error(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
        if form.get("grant_type") != "client_credentials" or request.method != "POST":
            return _error(400, "unsupported_grant_type", "AADSTS70003")
        if form.get("scope") != SCOPE:
            return _error(400, "invalid_scope", "AADSTS70011: The scope is not valid.")
        token = secrets.token_urlsafe(24)
        self._tokens[token] = self.clock() + self.lifetime
        answer = {"token_type": "Bearer", "expires_in": self.lifetime, "access_token": token}
        return Reply.json(answer | {"ext_expires_in": self.lifetime})

    def _api(self, request: Request) -> Reply:
        if self._tokens.get(request.bearer, 0.0) <= self.clock():
            return Reply(401)
        if self.troubles:
            return self.troubles.popleft()
        page = int(request.query.get("page", 1))
        more = {"@odata.nextLink": f"{self.origin}/v1.0/Campaigns?page={page + 1}"}
        return Reply.json({"value": [page]} | (more if page < PAGES else {}))


def _error(status: int, code: str, description: str) -> Reply:
    return Reply.json({"error": code, "error_description": description}, status)
