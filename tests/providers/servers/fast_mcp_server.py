"""The process behind FastMCP's servers, which differ in who signs people in.

Its own authorization server has clients and tokens in memory, and no page at all. Its proxy
registers clients itself and sends people to another provider, which knows the proxy alone. Or it
only verifies the JWTs (RFC 9068) of an authorization server elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastmcp import FastMCP
from fastmcp.server.auth.auth import (
    AuthProvider,
    ClientRegistrationOptions,
    RemoteAuthProvider,
    RevocationOptions,
)
from fastmcp.server.auth.oidc_proxy import OIDCProxy
from fastmcp.server.auth.providers.in_memory import InMemoryOAuthProvider
from fastmcp.server.auth.providers.jwt import JWTVerifier
from key_value.aio.stores.memory import MemoryStore
from pydantic import AnyHttpUrl, ConfigDict, TypeAdapter
from starlette.responses import JSONResponse

from providers.servers.asgi import serve, settings

if TYPE_CHECKING:
    from starlette.requests import Request

SCOPES = ["numbers:read"]


def by_itself(origin: str) -> AuthProvider:
    return InMemoryOAuthProvider(
        base_url=origin,
        required_scopes=SCOPES,
        client_registration_options=ClientRegistrationOptions(
            enabled=True, valid_scopes=SCOPES, default_scopes=SCOPES
        ),
        revocation_options=RevocationOptions(enabled=True),
    )


def by_its_proxy(origin: str, upstream: dict[str, Any]) -> AuthProvider:
    return OIDCProxy(
        config_url=f"{upstream['issuer']}/.well-known/openid-configuration",
        client_id=upstream["client_id"],
        client_secret=upstream["client_secret"],
        base_url=origin,
        verify_id_token=True,
        required_scopes=["openid"],
        valid_scopes=["openid", "offline_access"],
        client_storage=MemoryStore(),
        forward_resource=False,  # that one knows no API
        extra_authorize_params={"prompt": "consent"},
    )


def elsewhere(origin: str, issuer: str) -> AuthProvider:
    verifier = JWTVerifier(
        jwks_uri=f"{issuer}/jwks",
        issuer=issuer,
        audience=f"{origin}/mcp",
        required_scopes=["api:read"],
    )
    # AnyHttpUrl(...) adds a slash to it, and then even FastMCP's client takes it for another one.
    exactly = TypeAdapter(AnyHttpUrl, config=ConfigDict(url_preserve_empty_path=True))
    at = [exactly.validate_python(issuer)]
    return RemoteAuthProvider(verifier, at, origin, resource_name="Numbers")


def main() -> None:
    asked = settings()
    origin = f"http://127.0.0.1:{asked['port']}"
    match asked:
        case {"upstream": upstream}:
            auth = by_its_proxy(origin, upstream)
        case {"issuer": issuer}:
            auth = elsewhere(origin, issuer)
        case _:
            auth = by_itself(origin)
    api = FastMCP("Numbers", auth=auth)

    @api.tool
    def add(a: int, b: int) -> int:
        """The sum."""
        return a + b

    @api.custom_route("/_control/{name}", methods=["POST"])
    async def control(request: Request) -> JSONResponse:
        """The test's own desk: ``expire`` ends the access tokens, ``forget`` the refresh tokens."""
        assert isinstance(auth, InMemoryOAuthProvider)
        ended = {"expire": auth.access_tokens, "forget": auth.refresh_tokens}
        ended[request.path_params["name"]].clear()
        return JSONResponse({})

    serve({asked["port"]: api.http_app(json_response=True, stateless_http=True)})


if __name__ == "__main__":
    main()
