"""A cloud's token service as it is documented, over a real socket: it believes no token that it has
not verified by its issuer's keys, and no parameter that it does not know.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Self

import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from core.tokens.exchange.derived import GRANT
from patience import PATIENCE
from providers.sockets import SocketServer
from providers.troubles import Reply

if TYPE_CHECKING:
    from providers.oidc import OidcProvider
    from providers.sockets import Request

TYPE = "urn:ietf:params:oauth:token-type:"
AUDIENCE = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/acme"
GOOGLE_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
APPLICATION = "7f6c3a90-0000-4000-8000-1d0a5e0b7c11"
AZURE_SCOPE = "https://vault.azure.net/.default"


class Clouds:
    """``google`` and ``azure`` are token endpoints; ``trusts``: the ``aud`` that they take."""

    def __init__(self, issuer: OidcProvider, trusts: str) -> None:
        self._issuer = issuer.issuer
        self._trusts = trusts
        self.requests: list[Request] = []
        self._server = SocketServer(self._answer)
        url = f"http://127.0.0.1:{self._server.port}"
        self.google, self.azure = f"{url}/v1/token", f"{url}/tenant/oauth2/v2.0/token"
        self.answer: dict[str, Any] = {}  # more of its successes
        self.echoes = False  # whether each token is refused, and repeated

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def _answer(self, request: Request) -> Reply:
        self.requests.append(request)
        if "authorization" in request.headers or request.query:
            return _error("invalid_request", "Only a form is accepted.")
        at_google = request.path == "/v1/token"
        return self._google(request.form) if at_google else self._azure(request.form)

    def _google(self, form: dict[str, str]) -> Reply:
        wanted = {
            "grant_type": GRANT,
            "audience": AUDIENCE,
            "scope": GOOGLE_SCOPE,
            "requested_token_type": f"{TYPE}access_token",
        }
        for name, value in wanted.items():
            if form.get(name) != value:
                return _error("invalid_request", f"Invalid value for {name}.")
        if unknown := form.keys() - wanted.keys() - {"subject_token", "subject_token_type"}:
            return _error("invalid_request", f"Unknown parameter {sorted(unknown)}.")
        if form["subject_token_type"] not in {f"{TYPE}jwt", f"{TYPE}id_token"}:
            return _error("invalid_request", "Invalid subject_token_type.")
        if self.echoes:
            return _error("invalid_grant", f"What is {form['subject_token']}?")
        if not self._verified(form["subject_token"]):
            return _error("invalid_grant", "The subject token is not trusted.")
        return self._issued(issued_token_type=f"{TYPE}access_token", token_type="Bearer")

    def _azure(self, form: dict[str, str]) -> Reply:
        wanted = {
            "grant_type": "client_credentials",
            "client_id": APPLICATION,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "scope": AZURE_SCOPE,
        }
        if {**form, "client_assertion": ""} != {**wanted, "client_assertion": ""}:
            return _error("invalid_request", "AADSTS900144: The request body is not as it must be.")
        if not self._verified(form["client_assertion"]):
            said = "AADSTS70021: No matching federated identity record found."
            return _error("invalid_client", said, 401)
        return self._issued(token_type="Bearer", ext_expires_in=3599)

    def _verified(self, token: str) -> bool:
        keys = requests.get(f"{self._issuer}/jwks", timeout=PATIENCE).json()
        try:
            claims = jwt.decode(token, KeySet.import_key_set(keys)).claims
        except (JoseError, ValueError):
            return False
        return (claims["iss"], claims["aud"]) == (self._issuer, self._trusts)

    def _issued(self, **more: Any) -> Reply:
        token = {"access_token": f"ya29.{secrets.token_urlsafe(32)}", "expires_in": 3599}
        return Reply.json(token | more | self.answer)


def _error(code: str, said: str, status: int = 400) -> Reply:
    return Reply.json({"error": code, "error_description": said}, status)
