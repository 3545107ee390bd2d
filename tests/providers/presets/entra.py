"""Microsoft Entra, Graph and an Azure key vault, as their documentation has them.

Entra gives a token for one resource at a time, which ``scope`` selects: names alone are Graph's,
``https://vault.azure.net/.default`` is the vault's. A refresh token is for all of them, as far as
the person has consented; a used one still works. One server plays all hosts: ``hosts`` is for
``internet.Internet``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from providers.forgery import IdTokens
from providers.sockets import Request, Served, SocketServer
from providers.troubles import Reply

LOGIN, GRAPH_HOST, VAULT_HOST = (
    "login.microsoftonline.com",
    "graph.microsoft.com",
    "mine.vault.azure.net",
)
GRAPH, VAULT = "https://graph.microsoft.com", "https://vault.azure.net"
OF_OIDC = {"openid", "profile", "email", "offline_access"}
UNCONSENTED = "AADSTS65001: The user or administrator has not consented to use the application."
SEVERAL = "AADSTS28000: The scope is not valid because it contains more than one resource."
SECRET = "the vault's secret"


@dataclass(eq=False)
class Grant:
    """What a person agreed to in one sign-in; ``met`` is the claims challenge that it answered."""

    nonce: str | None
    scopes: set[str]
    met: str = ""
    refresh_tokens: list[str] = field(default_factory=list)


class Entra(Served):
    """``challenge`` (JSON) makes the vault demand these claims of a token (continuous access
    evaluation); ``silent``: a refresh that names them is enough, else the person has to sign in.

    ``requests`` are all that arrived, ``refreshes`` the bodies of granted refresh requests.
    """

    client_id = "11111111-2222-3333-4444-555555555555"
    username = "rosa@acme.example"
    clock = staticmethod(time.time)

    def __init__(self) -> None:
        self.issuer = f"https://{LOGIN}/common/v2.0"
        self.challenge = ""
        self.silent = True
        self.requests: list[Request] = []
        self.refreshes: list[dict[str, str]] = []
        self._codes: dict[str, tuple[Grant, dict[str, str]]] = {}
        self._grants: list[Grant] = []
        self._tokens: dict[str, tuple[str, str]] = {}  # token -> resource, claims that it meets
        self._id_tokens = IdTokens(self)
        self._server = SocketServer(self._answer)
        self.hosts = dict.fromkeys((LOGIN, GRAPH_HOST, VAULT_HOST), self._server.port)

    def expire(self) -> None:
        """Every access token issued so far is refused from now on."""
        self._tokens.clear()

    def resource_of(self, token: str) -> str:
        """Which API the token is for; an empty string if it is none."""
        return self._tokens.get(token, ("", ""))[0]

    def seen(self, host: str) -> list[Request]:
        return [each for each in self.requests if each.headers["host"] == host]

    def _answer(self, request: Request) -> Reply:
        self.requests.append(request)
        match request.headers["host"], request.path.rpartition("/")[2]:
            case "login.microsoftonline.com", "openid-configuration":
                return self._metadata(request)
            case "login.microsoftonline.com", "authorize":
                return self._authorize(request.query)
            case "login.microsoftonline.com", "token":
                return self._token(request.form)
            case "graph.microsoft.com", "me":
                return self._graph(request)
            case "mine.vault.azure.net", _:
                return self._vault(request)
        return Reply(404)

    # -- Entra -----------------------------------------------------------------------------------

    def _metadata(self, request: Request) -> Reply:
        tenant = request.path.split("/")[1]
        at = f"https://{LOGIN}/{tenant}"
        return Reply.json(
            {
                "issuer": f"{at}/v2.0",
                "authorization_endpoint": f"{at}/oauth2/v2.0/authorize",
                "token_endpoint": f"{at}/oauth2/v2.0/token",
            }
        )

    def _authorize(self, asked: dict[str, str]) -> Reply:
        """The person consents to all that is asked, which may be of several resources."""
        at = urlsplit(asked.get("redirect_uri", ""))
        if asked.get("client_id") != self.client_id or (at.scheme, at.hostname) != (
            "http",
            "localhost",  # at any port; others have to be registered
        ):
            return Reply(400, b"AADSTS50011: The redirect URI does not match.")
        given = {"code": secrets.token_urlsafe(), "state": asked["state"]}
        scopes = set(asked["scope"].split())
        grant = Grant(asked.get("nonce"), scopes, _demanded(asked.get("claims", "")))
        self._codes[given["code"]] = grant, asked
        return Reply(302, headers={"Location": f"{asked['redirect_uri']}?{urlencode(given)}"})

    def _token(self, form: dict[str, str]) -> Reply:
        if form.get("client_id") != self.client_id:
            return _refused("unauthorized_client", "AADSTS700016: Application not found.")
        if form["grant_type"] == "authorization_code":
            grant, asked = self._codes.pop(form["code"], (None, {}))
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if not grant or proof != asked.get("code_challenge", proof):
                return _refused("invalid_grant", "AADSTS70008: The code has expired.")
            self._grants.append(grant)
            return self._issue(grant, form.get("scope") or asked["scope"], grant.met)
        token = form.get("refresh_token", "")
        grant = next((each for each in self._grants if token in each.refresh_tokens), None)
        if not grant:
            return _refused("invalid_grant", "AADSTS700082: The refresh token has expired.")
        claims = _demanded(form.get("claims", ""))
        if claims and not self.silent and claims != grant.met:
            extra = {"suberror": "basic_action", "claims": form["claims"]}
            return _refused("interaction_required", "AADSTS50076: Use multi-factor.", **extra)
        reply = self._issue(grant, form.get("scope") or " ".join(grant.scopes), claims or grant.met)
        if reply.status == 200:
            self.refreshes.append(form)
        return reply

    def _issue(self, grant: Grant, scope: str, met: str) -> Reply:
        asked = set(scope.split())
        resources = {_resource(each) for each in asked - OF_OIDC} or {GRAPH}
        if len(resources) > 1:
            return _refused("invalid_request", SEVERAL)
        (resource,) = resources
        consented = {_resource(each) for each in grant.scopes - OF_OIDC}
        if resource not in consented | {GRAPH}:
            return _refused("invalid_grant", UNCONSENTED, suberror="consent_required")
        token = secrets.token_urlsafe()
        self._tokens[token] = (resource, met)
        granted = f"{resource}/user_impersonation" if resource != GRAPH else "User.Read"
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": 3599}
        answer |= {"ext_expires_in": 3599, "scope": " ".join([granted, *(asked & OF_OIDC)])}
        if "offline_access" in grant.scopes:
            grant.refresh_tokens.append(secrets.token_urlsafe())
            answer["refresh_token"] = grant.refresh_tokens[-1]
        if "openid" in asked:
            answer["id_token"] = self._id_tokens.issue("u-3001", grant.nonce, token)
        return Reply.json(answer)

    # -- APIs ------------------------------------------------------------------------------------

    def _graph(self, request: Request) -> Reply:
        if self.resource_of(request.bearer) != GRAPH:
            return Reply.json({"error": {"code": "InvalidAuthenticationToken"}}, 401)
        return Reply.json({"userPrincipalName": self.username, "displayName": "Rosa"})

    def _vault(self, request: Request) -> Reply:
        resource, met = self._tokens.get(request.bearer, ("", ""))
        at = f'authorization="https://{LOGIN}/common", resource="{VAULT}"'
        if resource != VAULT:
            return Reply.json({}, 401, {"WWW-Authenticate": f"Bearer {at}"})
        if self.challenge and met != _demanded(self.challenge):
            claims = base64.b64encode(self.challenge.encode()).decode()
            said = f'Bearer {at}, error="insufficient_claims", claims="{claims}"'
            return Reply.json({}, 401, {"WWW-Authenticate": said})
        url = f"https://{VAULT_HOST}{request.path.rstrip('/')}/1"
        return Reply.json({"value": SECRET, "id": url, "attributes": {"enabled": True}})


def _resource(scope: str) -> str:
    """Whose the scope is: ``https://vault.azure.net/.default``; a name alone is Graph's."""
    return scope.rpartition("/")[0] or GRAPH


def _demanded(claims: str) -> str:
    """The claims challenge in a request; what a client is able to do (``xms_cc``) is none."""
    asked: Any = json.loads(claims or "{}")
    asked.get("access_token", {}).pop("xms_cc", None)
    return json.dumps(asked) if asked.get("access_token") else ""


def _refused(error: str, description: str, **extra: str) -> Reply:
    return Reply.json({"error": error, "error_description": description} | extra, 400)
