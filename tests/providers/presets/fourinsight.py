"""4insight over a real socket: its token endpoints for service accounts and for people, its API.

It refuses what the real one would: client authentication elsewhere than in the body (a service) or
in the header (a person), another scope, a code that was spent, a token that is not its own.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from providers.sockets import Request, Served, SocketServer
from providers.troubles import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN_PATH = "/4subseaid.onmicrosoft.com/oauth2/v2.0/token"
SCOPE = "https://4subseaid.onmicrosoft.com/4insight-api-prod/.default"
PAGES = 3
USER_TOKEN_PATH = "/people/oauth2/token"


class FourInsight(Served):
    """``origin`` is where it listens; ``requests`` is all that arrived.

    ``api`` and ``login`` are the origin of its API and the token endpoint of people, as they are
    to its clients. ``troubles`` are answers that the API gives instead of its own, one a call.
    """

    client_id = "4i-service"
    client_secret = "4i-secret~5c0ffee.&c"
    user_client_id = "b6c8c4d4-5fc1-4bba-b46c-8f6a6cc9843d"
    user_client_secret = "4i-user-secret~0ddba11"

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.lifetime = 3599
        self.requests: list[Request] = []
        self.troubles: deque[Reply] = deque()
        self.refresh_trouble: Reply | None = None
        self._codes: dict[str, str] = {}
        self._refresh_tokens: dict[str, str] = {}
        self._people: dict[str, str] = {}
        self._tokens: dict[str, float] = {}
        self._lock = threading.Lock()
        self._server = SocketServer(self._answer)
        self.host = f"127.0.0.1:{self._server.port}"
        self.origin = self.api = f"http://{self.host}"
        self.login = self.origin + USER_TOKEN_PATH

    @property
    def port(self) -> int:
        return self._server.port

    def table(self) -> dict[str, Any]:
        """How people's sign-ins here are configured: as the preset is, but at this machine."""
        return {
            "title": "4insight",
            "endpoints": {"token_endpoint": self.origin + USER_TOKEN_PATH},
            "client_id": self.user_client_id,
            "client_secret": self.user_client_secret,
            "grants": ["paste"],
            "paste": {"url": "https://4insight.example/auth", "hosts": [self.host]},
            "username_url": f"{self.origin}/v1.0/me",
            "username_claim": "mail",
        }

    def package(self, person: str = "alice@4subsea.example") -> str:
        """What the login page shows to somebody who signed in there: to be pasted."""
        code = secrets.token_urlsafe(48)
        self._codes[code] = person
        return json.dumps({"endpoint": self.login, "code": code})

    def seen(self, start: str) -> list[Request]:
        """The requests whose path begins like that."""
        return [each for each in self.requests if each.path.startswith(start)]

    def expire(self) -> None:
        """Every token issued so far is refused from now on."""
        self._tokens.clear()

    def _answer(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            login = urlsplit(self.login)
            if (request.headers["host"], request.path) == (login.netloc, login.path):
                return self._user_token(request)
            return (self._token if request.path == TOKEN_PATH else self._api)(request)

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

    def _user_token(self, request: Request) -> Reply:
        given = f"{self.user_client_id}:{self.user_client_secret}".encode()
        basic = f"Basic {base64.b64encode(given).decode()}"
        if request.headers.get("authorization") != basic:
            return _error(401, "invalid_client", "AADB2C90081")
        form = request.form
        match form.get("grant_type"):
            case "authorization_code":
                person = self._codes.pop(form.get("code", ""), None)
            case "refresh_token":
                if self.refresh_trouble:
                    return self.refresh_trouble
                person = self._refresh_tokens.get(form.get("refresh_token", ""))
            case _:
                return _error(400, "unsupported_grant_type", "AADB2C90086")
        if person is None:
            return _error(400, "invalid_grant", "AADB2C90080: The provided grant has expired.")
        token, refresh_token = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self._tokens[token] = self.clock() + self.lifetime
        self._people[token] = person
        self._refresh_tokens[refresh_token] = person
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime}
        return Reply.json(answer | {"refresh_token": refresh_token, "scope": "openid"})

    def _api(self, request: Request) -> Reply:
        if self._tokens.get(request.bearer, 0.0) <= self.clock():
            return Reply(401)
        if self.troubles:
            return self.troubles.popleft()
        if request.path == "/v1.0/me":
            return Reply.json({"mail": self._people.get(request.bearer)})
        page = int(request.query.get("page", 1))
        more = {"@odata.nextLink": f"{self.api}/v1.0/Campaigns?page={page + 1}"}
        return Reply.json({"value": [page]} | (more if page < PAGES else {}))


def _error(status: int, code: str, description: str) -> Reply:
    return Reply.json({"error": code, "error_description": description}, status)
