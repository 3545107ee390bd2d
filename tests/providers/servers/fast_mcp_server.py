"""The process behind ``fast_mcp``: FastMCP with its own authorization server, or with its proxy.

The first is all there is to its users: clients and tokens in memory, and no page at all. The second
registers clients itself and sends people to another provider, which knows the proxy alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastmcp import FastMCP
from fastmcp.server.auth.auth import ClientRegistrationOptions, OAuthProvider, RevocationOptions
from fastmcp.server.auth.oidc_proxy import OIDCProxy
from fastmcp.server.auth.providers.in_memory import InMemoryOAuthProvider
from key_value.aio.stores.memory import MemoryStore
from starlette.responses import JSONResponse

from providers.servers.asgi import serve, settings

if TYPE_CHECKING:
    from starlette.requests import Request

SCOPES = ["numbers:read"]


def authorization(origin: str, upstream: dict[str, Any]) -> OAuthProvider:
    if not upstream:
        return InMemoryOAuthProvider(
            base_url=origin,
            required_scopes=SCOPES,
            client_registration_options=ClientRegistrationOptions(
                enabled=True, valid_scopes=SCOPES, default_scopes=SCOPES
            ),
            revocation_options=RevocationOptions(enabled=True),
        )
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


def main() -> None:
    asked = settings()
    auth = authorization(f"http://127.0.0.1:{asked['port']}", asked.get("upstream", {}))
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
