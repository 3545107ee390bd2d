"""GitHub's device flow over a real socket, as its documents say ("Authorizing OAuth apps").

Every answer is a form unless JSON is asked for, and a 200, errors too. It is strict about the pace,
and takes no secret for a device. Scopes come with commas, tokens neither expire nor are refreshed.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from providers.devices import GRANT
from providers.sockets import Request, Served, SocketServer
from providers.troubles import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

USER_CODE = "WDJB-MJHT"


class GitHub(Served):
    """``origin`` is where it and its API are. One device at a time: ``said`` is what its polls are
    answered until the person says yes (``approve()``), ``interval`` their pace in seconds.
    """

    client_id = "Iv1.8a61f9b3a7aba766"

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.interval = 5.0
        self.said = "authorization_pending"
        self.requests: list[Request] = []
        self._device_code = ""
        self._polled_at = 0.0
        self._token = f"gho_{secrets.token_hex(18)}"
        self._server = SocketServer(self._answer)
        self.origin = f"http://127.0.0.1:{self._server.port}"

    @property
    def moved(self) -> dict[str, str]:
        """Where the addresses of the preset are here."""
        return {"https://github.com": self.origin, "https://api.github.com": self.origin}

    def approve(self) -> None:
        self.said = ""

    def seen(self, path: str) -> list[Request]:
        return [each for each in self.requests if each.path == path]

    def _answer(self, request: Request) -> Reply:
        self.requests.append(request)
        match request.path:
            case "/login/device/code":
                return self._written(request, self._device(request))
            case "/login/oauth/access_token":
                return self._written(request, self._poll(request))
            case "/user" | "/repos" if request.bearer == self._token:
                return Reply.json({"login": "octocat", "id": 583231})
            case "/user" | "/repos":
                return Reply.json({"message": "Bad credentials", "status": "401"}, 401)
        return Reply.json({"message": "Not Found"}, 404)

    def _device(self, request: Request) -> dict[str, Any]:
        if request.form.get("client_id") != self.client_id:
            return {"error": "incorrect_client_credentials"}
        self._device_code, self._polled_at = secrets.token_hex(20), self.clock()
        return {
            "device_code": self._device_code,
            "user_code": USER_CODE,
            "verification_uri": f"{self.origin}/login/device",
            "expires_in": 900,
            "interval": self.interval,
        }

    def _poll(self, request: Request) -> dict[str, Any]:
        form = request.form
        if form.get("client_id") != self.client_id:
            return {"error": "incorrect_client_credentials"}
        if form.get("grant_type") != GRANT:
            return {"error": "unsupported_grant_type"}
        if form.get("device_code") != self._device_code:
            return {"error": "incorrect_device_code"}
        early = self.clock() < self._polled_at + self.interval
        self._polled_at = self.clock()
        if early:
            self.interval += 5
            return {"error": "slow_down", "interval": self.interval}
        if self.said:
            return {"error": self.said, "error_description": "See the docs.", "error_uri": "x"}
        return {"access_token": self._token, "token_type": "bearer", "scope": "read:user,repo"}

    def _written(self, request: Request, answer: dict[str, Any]) -> Reply:
        if "json" in request.headers.get("accept", ""):
            return Reply.json(answer)
        form = urlencode(answer).encode()
        return Reply(200, form, {"Content-Type": "application/x-www-form-urlencoded"})
