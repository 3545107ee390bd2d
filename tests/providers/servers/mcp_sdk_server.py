"""The process behind ``mcp_sdk``: the MCP SDK's authorization server, and its resource server.

What the SDK leaves to whoever runs it is here: where clients, codes and tokens rest (in memory, as
long as the process lives), the page at which a person signs in, and RFC 7662 between the two.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import httpx2
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.server.auth.routes import create_auth_routes
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions, RevocationOptions
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from providers.servers.asgi import serve, settings

if TYPE_CHECKING:
    from starlette.requests import Request

LIFE = 3600  # seconds
SCOPES = ["user"]
PAGE = """<form method="post" action="">{problem}
<input name="username"><input name="password" type="password"><button>Sign in</button></form>"""
NO_NAME = '<p role="alert">User name or password is wrong.</p>'


class Memory(OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]):
    """Refresh tokens rotate, and their access tokens end with them."""

    def __init__(self, origin: str, username: str, password: str) -> None:
        self.origin = origin
        self.person = (username, password)
        self.clients: dict[str, OAuthClientInformationFull] = {}
        self.waiting: dict[str, tuple[str, AuthorizationParams]] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.access: dict[str, AccessToken] = {}
        self.refresh: dict[str, RefreshToken] = {}

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        self.clients[client_info.client_id] = client_info

    async def authorize(
        self, client: OAuthClientInformationFull, params: AuthorizationParams
    ) -> str:
        key = secrets.token_urlsafe()
        self.waiting[key] = (client.client_id, params)
        return f"{self.origin}/login?request={key}"

    async def login(self, request: Request) -> Response:
        client_id, params = self.waiting[request.query_params["request"]]
        if request.method == "GET":
            return HTMLResponse(PAGE.format(problem=""))
        form = await request.form()
        if (form["username"], form["password"]) != self.person:
            return HTMLResponse(PAGE.format(problem=NO_NAME), 401)
        code = AuthorizationCode(
            code=secrets.token_urlsafe(32),
            client_id=client_id,
            scopes=params.scopes or SCOPES,
            expires_at=time.time() + 60,
            subject=self.person[0],
            **params.model_dump(exclude={"state", "scopes"}),
        )
        self.codes[code.code] = code
        back = construct_redirect_uri(str(params.redirect_uri), code=code.code, state=params.state)
        return RedirectResponse(back, 303)

    async def load_authorization_code(
        self,
        client: OAuthClientInformationFull,  # noqa: ARG002
        authorization_code: str,
    ) -> AuthorizationCode | None:
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(
        self,
        client: OAuthClientInformationFull,  # noqa: ARG002
        authorization_code: AuthorizationCode,
    ) -> OAuthToken:
        return self.issue(self.codes.pop(authorization_code.code), authorization_code.scopes)

    async def load_refresh_token(
        self,
        client: OAuthClientInformationFull,  # noqa: ARG002
        refresh_token: str,
    ) -> RefreshToken | None:
        return self.refresh.get(refresh_token)

    async def exchange_refresh_token(
        self,
        client: OAuthClientInformationFull,  # noqa: ARG002
        refresh_token: RefreshToken,
        scopes: list[str],
    ) -> OAuthToken:
        return self.issue(self.refresh.pop(refresh_token.token), scopes)

    def issue(self, of: AuthorizationCode | RefreshToken, scopes: list[str]) -> OAuthToken:
        common: dict[str, Any] = {
            "client_id": of.client_id,
            "resource": of.resource,
            "subject": of.subject,
        }
        access, refresh = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        until = int(time.time()) + LIFE
        self.access[access] = AccessToken(token=access, scopes=scopes, expires_at=until, **common)
        self.refresh[refresh] = RefreshToken(token=refresh, scopes=of.scopes, **common)
        return OAuthToken(
            access_token=access, expires_in=LIFE, refresh_token=refresh, scope=" ".join(scopes)
        )

    async def load_access_token(self, token: str) -> AccessToken | None:
        return self.access.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        for tokens in (self.access, self.refresh):
            for key, each in list(tokens.items()):
                if each.client_id == token.client_id and each.subject == token.subject:
                    del tokens[key]

    async def introspect(self, request: Request) -> JSONResponse:
        found = self.access.get(str((await request.form())["token"]))
        if not found:
            return JSONResponse({"active": False})
        return JSONResponse(
            {
                "active": True,
                "sub": found.subject,
                "client_id": found.client_id,
                "scope": " ".join(found.scopes),
                "exp": found.expires_at,
                "aud": found.resource,
            }
        )

    async def control(self, request: Request) -> JSONResponse:
        """The test's own desk: ``expire`` ends the access tokens, ``forget`` the refresh tokens."""
        getattr(
            self, {"expire": "access", "forget": "refresh"}[request.path_params["name"]]
        ).clear()
        return JSONResponse({})


class Introspection:
    """RFC 7662, as a resource server asks."""

    def __init__(self, origin: str) -> None:
        self.endpoint = f"{origin}/introspect"

    async def verify_token(self, token: str) -> AccessToken | None:
        async with httpx2.AsyncClient(trust_env=False) as client:
            told = (await client.post(self.endpoint, data={"token": token})).json()
        if not told["active"]:
            return None
        return AccessToken(
            token=token,
            client_id=told["client_id"],
            scopes=told["scope"].split(),
            expires_at=told["exp"],
            resource=told["aud"],
            subject=told["sub"],
        )


def main() -> None:
    asked = settings()
    issuer, origin = (f"http://127.0.0.1:{asked[port]}" for port in ("issuer_port", "port"))
    memory = Memory(issuer, asked["username"], asked["password"])
    auth = AuthSettings.model_validate(
        {
            "issuer_url": issuer,
            "resource_server_url": f"{origin}/mcp",
            "required_scopes": SCOPES,
            "validate_token_resource": True,
        }
    )
    verifier = Introspection(issuer)
    api = MCPServer("Numbers", token_verifier=verifier, auth=auth, log_level="WARNING")

    @api.tool()
    def add(a: int, b: int) -> int:
        """The sum."""
        return a + b

    @api.tool()
    def whoami() -> str:
        """Whose token this is."""
        token = get_access_token()
        return token.subject if token and token.subject else ""

    routes = create_auth_routes(
        memory,
        auth.issuer_url,
        client_registration_options=ClientRegistrationOptions(
            enabled=True, valid_scopes=SCOPES, default_scopes=SCOPES
        ),
        revocation_options=RevocationOptions(enabled=True),
    )
    routes += [
        Route("/login", memory.login, methods=["GET", "POST"]),
        Route("/introspect", memory.introspect, methods=["POST"]),
        Route("/_control/{name}", memory.control, methods=["POST"]),
    ]
    serve(
        {
            asked["port"]: api.streamable_http_app(json_response=True, stateless_http=True),
            asked["issuer_port"]: Starlette(routes=routes),
        }
    )


if __name__ == "__main__":
    main()
