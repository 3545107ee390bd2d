"""Bitfount over real sockets: its authorization server (an Auth0), its hub, its access manager.

It refuses what the real ones would: another client, another audience, a poll too soon, a key that
is whole where half of it is due. Errors of the device grant come with statuses of their own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from providers.rogue import RogueProvider
from providers.sockets import Request, SocketServer
from providers.troubles import Reply

if TYPE_CHECKING:
    from typing import Self

CLIENT_ID = "8iCJ33Kp6hc9ofrXTzr5GLxMRHWrlzZO"
AUDIENCE = "https://hub.bitfount.com/api"
SCOPES = "profile openid offline_access"
USERNAME = "https://www.bitfount.com/username"
KEY_ID, KEY = "key-id-7f21", "half-of-it-51c0:whole-9b1d"


class Bitfount(RogueProvider):
    """``hub`` and ``access_manager`` are the origins of its two APIs; ``ports`` those of all three.

    ``sparse``: a refresh answers neither a refresh token nor an ID token.
    """

    client_id = CLIENT_ID
    paths = {  # noqa: RUF012 (as the rogue's)
        "/oauth/device/code": "device",
        "/oauth/token": "token",
        "/.well-known/jwks.json": "jwks",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sparse = False
        self.calls: list[Request] = []
        self.devices.complete = False
        self.devices.interval = None
        self.devices.statuses = {"authorization_pending": 403, "slow_down": 429}
        self.devices.statuses |= {"access_denied": 403, "expired_token": 403}
        self.scopes = SCOPES
        self._apis = [SocketServer(self._hub), SocketServer(self._access_manager)]
        self.ports = (self._server.port, *(api.port for api in self._apis))
        self.hub, self.access_manager = (f"http://127.0.0.1:{api.port}" for api in self._apis)

    def __enter__(self) -> Self:
        for api in self._apis:
            api.start()
        return super().__enter__()

    def __exit__(self, *exc_info: object) -> None:
        super().__exit__(*exc_info)
        for api in self._apis:
            api.stop()

    def _device(self, request: Request) -> Reply:
        form = request.form
        if form.get("audience") != AUDIENCE or form.get("scope") != self.scopes:
            return Reply.json({"error": "access_denied"}, 403)
        return super()._device(request)

    def _refresh_grant(self, form: dict[str, str]) -> Reply:
        self.rotate = not self.sparse
        return super()._refresh_grant(form)

    def _issue(self, family: Any) -> Reply:
        # A claim of their own, by a name that collides with no other (RFC 7519 4.2).
        self.id_token.claims = {"iss": f"{self.issuer}/", USERNAME: self.username}
        reply = super()._issue(family)
        return _without(reply, "id_token") if self.sparse and self.refreshes else reply

    def _hub(self, request: Request) -> Reply:
        return self._serve(request, KEY_ID, KEY.partition(":")[0])

    def _access_manager(self, request: Request) -> Reply:
        return self._serve(request, KEY_ID, KEY)

    def _serve(self, request: Request, key_id: str, key: str) -> Reply:
        self.calls.append(request)
        given = request.headers.get("x-api-key-id"), request.headers.get("x-api-key")
        if given == (key_id, key) or self._bearer(request.bearer):
            return Reply.json({"username": self.username})
        return Reply.json({"message": "Unauthorized"}, 401)


def _without(reply: Reply, name: str) -> Reply:
    said = json.loads(reply.body)  # type: ignore[arg-type]
    said.pop(name, None)
    return Reply.json(said)
