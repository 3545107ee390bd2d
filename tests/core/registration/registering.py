"""A rogue at which clients register themselves (RFC 7591), until a test tells it not to."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from providers.rogue import ENDPOINTS, RogueProvider
from providers.troubles import Reply

if TYPE_CHECKING:
    from providers.sockets import Request


class RegisteringRogue(RogueProvider):
    """It knows the client that registered last, and says who may manage it (RFC 7592).

    ``methods``: the ways of client authentication that it allows. ``script("register", ...)`` and
    ``script("manage", ...)`` spoil its answers.
    """

    paths = ENDPOINTS | {"/register": "register", "/register/mine": "manage"}

    def __init__(self, *, methods: tuple[str, ...] = ("none",), **options: Any) -> None:
        super().__init__(**options)
        self.client_id = ""
        self.methods = methods
        self.metadata = {"registration_endpoint": f"{self.url}/register"}
        self.management_token = secrets.token_urlsafe(24)

    @property
    def asked(self) -> list[dict[str, Any]]:
        """The metadata of each registration that was asked for."""
        return [json.loads(each.body) for each in self.seen("register")]

    def _register(self, request: Request) -> Reply:
        wanted = json.loads(request.body)
        method = wanted["token_endpoint_auth_method"]
        if method not in self.methods:
            return Reply.json({"error": "invalid_client_metadata"}, 400)
        self.client_id = secrets.token_urlsafe(8)
        self.client_secret = None if method == "none" else secrets.token_urlsafe(24)
        given = {"client_id": self.client_id}
        if self.client_secret:
            given |= {"client_secret": self.client_secret, "client_secret_expires_at": 0}
        given |= {
            "registration_client_uri": f"{self.url}/register/mine",
            "registration_access_token": self.management_token,
        }
        return Reply.json(wanted | given, 201)

    def _manage(self, request: Request) -> Reply:
        if request.bearer != self.management_token:
            return Reply(401)
        if request.method == "DELETE":
            self.client_id = ""
            return Reply(204)
        return Reply(405)
