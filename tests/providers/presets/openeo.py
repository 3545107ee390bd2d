"""An openEO back end over a real socket, as its API's specification says (1.2): versions, where
people sign in, and requests with a token of one of its issuers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from providers.sockets import Request, Served, SocketServer
from providers.troubles import Reply

if TYPE_CHECKING:
    from providers.rogue import RogueProvider

DEVICE = "urn:ietf:params:oauth:grant-type:device_code+pkce"


class BackEnd(Served):
    """``url`` is its host, ``api`` that of its newest version. ``listed`` are its issuers."""

    def __init__(self, issuer: RogueProvider) -> None:
        self._issuer = issuer
        self.requests: list[Request] = []
        self._server = SocketServer(self._answer)
        self.url = f"http://127.0.0.1:{self._server.port}"
        self.api = f"{self.url}/openeo/1.2/"
        self.listed: list[dict[str, Any]] = [
            {
                "id": "elsewhere",
                "issuer": f"{self.url}/no-client-there",
                "title": "For a web editor only",
                "default_clients": [{"id": "editor", "grant_types": ["authorization_code+pkce"]}],
            },
            {
                "id": "CDSE",
                "issuer": issuer.issuer,
                "title": "Copernicus Data Space Ecosystem",
                "scopes": ["openid", "email"],
                "default_clients": [
                    {"id": issuer.client_id, "grant_types": [DEVICE, "refresh_token"]}
                ],
            },
        ]

    def _answer(self, request: Request) -> Reply:
        self.requests.append(request)
        old = {"url": f"{self.url}/openeo/1.1/", "api_version": "1.1.0", "production": True}
        new = {"url": self.api, "api_version": "1.2.0", "production": True}
        away = {"url": "https://evil.example/", "api_version": "9.9.9", "production": True}
        match request.path:
            case "/.well-known/openeo":
                return Reply.json({"versions": [away, new, old]})
            case "/openeo/1.2/credentials/oidc":
                return Reply.json({"providers": self.listed})
            case "/openeo/1.2/me":
                scheme, _, token = request.headers.get("authorization", "").partition("oidc/CDSE/")
                if scheme == "Bearer " and self._issuer.active(token):
                    return Reply.json({"user_id": "rosa"})
                return Reply.json({"code": "TokenInvalid"}, 403)
        return Reply.json({"code": "NotFound"}, 404)
