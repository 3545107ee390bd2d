"""InsideView over a real socket, as its documents say: not OAuth on the wire.

It refuses what the real one would: credentials elsewhere than in the query, other names for them, a
token in another header; and it locks a whole account out once one of its tokens was used too often.
"""

from __future__ import annotations

import base64
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from providers.sockets import Request, Served, SocketServer
from providers.troubles import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN_PATH = "/Auth/login/v1/token.json"
API = "/api/v1/"
WINDOW = 300.0  # seconds, and the length of a lockout
YEAR = 365 * 86400
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass
class Credential:
    """An API key: what is locked out together."""

    client_secret: str
    tokens: dict[str, float] = field(default_factory=dict)  # and when each expires
    locked_until: float = 0.0


class InsideView(Served):
    """``origin`` is where it listens. ``limit`` calls per token and window; None: no limit.

    ``clock`` gives the time. ``requests`` is all that arrived; ``lifetime`` is of tokens issued.
    """

    client_id = "iv-4711"
    client_secret = "iv-secret 5c0ffee&c"

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.limit: int | None = None
        self.lifetime = YEAR
        self.requests: list[Request] = []
        self.credentials = {self.client_id: Credential(self.client_secret)}
        self._calls: dict[str, list[float]] = {}
        self._lock = threading.Lock()
        self._server = SocketServer(self._answer)
        self.origin = f"http://127.0.0.1:{self._server.port}"

    def seen(self, start: str) -> list[Request]:
        """The requests whose path begins like that."""
        return [each for each in self.requests if each.path.startswith(start)]

    def expire(self) -> None:
        """Every token issued so far is refused from now on."""
        for each in self.credentials.values():
            each.tokens.clear()

    def _answer(self, request: Request) -> Reply:
        self.requests.append(request)
        with self._lock:
            if request.path == TOKEN_PATH:
                return self._token(request)
            if request.path.startswith(API):
                return self._api(request)
        return _error(404, "NOT_FOUND", "No such resource")

    def _token(self, request: Request) -> Reply:
        if request.method != "POST":
            return _error(405, "METHOD_NOT_ALLOWED", "Use POST")
        if request.query.get("grantType") != "cred":
            return _error(400, "BAD_REQUEST", "grantType must be cred")
        credential = self.credentials.get(request.query.get("clientId", ""))
        if not credential or request.query.get("clientSecret") != credential.client_secret:
            return _error(401, "UNAUTHORIZED", "Invalid client credentials")
        parts = (base64.b64encode(secrets.token_bytes(size)).decode() for size in (97, 64))
        token = ".".join(parts)  # with "+", "/" and "=" in it
        credential.tokens[token] = self.clock() + self.lifetime
        details = {"accessToken": token, "tokenType": "bearer"}
        details["expirationTime"] = spelled(credential.tokens[token])
        return Reply.json({"accessTokenDetails": details})

    def _api(self, request: Request) -> Reply:
        now, token = self.clock(), request.headers.get("accesstoken", "")
        owner = next((c for c in self.credentials.values() if token in c.tokens), None)
        if owner is None or owner.tokens[token] <= now:
            return _error(401, "UNAUTHORIZED", "Invalid access token")
        if now < owner.locked_until:
            return _error(429, "THROTTLED", "Locked out")
        calls = [at for at in self._calls.get(token, []) if at > now - WINDOW] + [now]
        self._calls[token] = calls
        if self.limit is not None and len(calls) > self.limit:
            owner.locked_until = now + WINDOW
            return _error(429, "THROTTLED", "Throttling limit exceeded")
        if request.headers.get("accept") != "application/json":
            return Reply(200, b"<ok/>", {"Content-Type": "application/xml"})
        said = {"path": request.path, "calls": len(calls)}
        return Reply.json(said | _content(request, len(calls)))


def _content(request: Request, calls: int) -> dict[str, object]:
    """The fields that their documents name."""
    match request.path.removeprefix(API):
        case "companies":
            found = [{"companyId": 736233, "name": request.query.get("name", "Acme")}]
            return {"companies": found, "totalResults": 1, "page": 1, "resultsPerPage": 10}
        case "admin/usage":
            left = {"allocatedCredits": 1000, "consumedCredits": calls}
            asked = {name: request.query[name] for name in ("period", "start", "end")}
            return asked | {"usageForAccount": [], "creditsForAccount": [left]}
    return {}


def spelled(moment: float) -> str:
    """As in ``Tue, Jul 21, 2015 09:08:17 PM GMT``, whatever the locale."""
    at = time.gmtime(moment)
    half = "PM" if at.tm_hour >= 12 else "AM"
    day = f"{DAYS[at.tm_wday]}, {MONTHS[at.tm_mon - 1]} {at.tm_mday:02}, {at.tm_year}"
    return f"{day} {at.tm_hour % 12 or 12:02}:{at.tm_min:02}:{at.tm_sec:02} {half} GMT"


def _error(status: int, kind: str, message: str) -> Reply:
    said = {"errorType": kind, "status": status, "errorNumber": status * 10}
    return Reply.json(said | {"message": message, "diagnosticCode": "d-1"}, status)
