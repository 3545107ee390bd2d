"""An OpenID provider over a real socket that behaves, until a test tells it not to.

It is honest by default: PKCE, one use per code, rotation with reuse detection, signed ID tokens.
``rogue.script("token", status(500), times=2)`` spoils one endpoint (see ``troubles``), and
``rogue.id_token`` (see ``forgery``) holds what its ID tokens lie about.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlencode

import requests

from patience import PATIENCE, until
from providers.devices import GRANT, Devices
from providers.forgery import IdTokens
from providers.sockets import Request, SocketServer
from providers.troubles import Gate, Reply, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from providers.certificates import Certificate

T = TypeVar("T", bound=Trouble)

ENDPOINTS = {
    "/.well-known/openid-configuration": "discovery",
    "/.well-known/oauth-authorization-server": "discovery",
    "/jwks": "jwks",
    "/authorize": "authorize",
    "/device": "device",
    "/token": "token",
    "/revoke": "revoke",
    "/userinfo": "userinfo",
}


@dataclass(eq=False)
class Family:
    """All tokens that came from one login: reuse of a spent refresh token ends them together."""

    client_id: str
    scope: str
    nonce: str | None
    sub: str
    refresh_token: str = ""
    spent: dict[str, float] = field(default_factory=dict)
    alive: bool = True


class RogueProvider:
    """``url`` is ``http://127.0.0.1:<port>``, and so is ``issuer`` until a test sets it;
    ``host="localhost"`` makes it another site, and a ``certificate`` (see ``certificates``) https.

    Attributes to set at any time: ``sub``, ``username``, ``password``, ``scope`` (None: what was
    asked for), ``access_token_ttl`` (seconds), ``rotate`` (refresh tokens), ``grace`` (seconds for
    which a spent refresh token is still taken; 0: it is reuse at once), ``client_secret`` (None: a
    public client), ``sends_iss`` (RFC 9207), ``id_token`` (see ``forgery.IdTokens``), ``metadata``
    (merged into the discovery document). A refresh answers for the ``sub`` of that moment.

    To read: ``requests`` (all that arrived), ``refreshes`` (granted), ``reuses`` (spent refresh
    tokens that came again), ``revoked`` (what came to be revoked).

    ``clock`` gives the time for ``iat``, ``exp`` and the end of access tokens.
    """

    client_id = "notebook"
    paths = ENDPOINTS

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        clock: Callable[[], float] = time.time,
        certificate: Certificate | None = None,
    ) -> None:
        self.clock = clock
        self.client_secret: str | None = None
        self.sub = "u-2001"
        self.username = "rosa"
        self.password = "rosa's pässword&=+"
        self.scope: str | None = None
        self.access_token_ttl = 3600
        self.rotate = True
        self.grace = 0.0
        self.sends_iss = True
        self.metadata: dict[str, Any] = {}
        self.requests: list[Request] = []
        self.refreshes = 0
        self.reuses = 0
        self.revoked: list[str] = []
        self._scripts: dict[str, deque[Trouble]] = {}
        self._always: dict[str, Trouble] = {}
        self._gates: list[Gate] = []
        self._codes: dict[str, tuple[Family, dict[str, str]]] = {}
        self._families: list[Family] = []
        self._access: dict[str, tuple[Family, float]] = {}
        self._lock = threading.RLock()
        self._trusted = str(certificate.ca_bundle) if certificate else True
        tls = certificate.context() if certificate else None
        self._server = SocketServer(self._answer, tls)
        self.url = self.issuer = f"{'https' if tls else 'http'}://{host}:{self._server.port}"
        self.id_token = IdTokens(self)
        self.devices = Devices(self)

    # -- for tests -------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.behave()
        self._server.stop()

    def script(self, endpoint: str, trouble: T, *, times: int | None = None) -> T:
        """Spoil the next ``times`` answers of an endpoint, or all until ``behave()``.

        Endpoints: ``discovery``, ``jwks``, ``authorize``, ``token`` (any grant), ``refresh`` (that
        grant alone, before ``token``), ``revoke``, ``userinfo``, ``api``,
        ``device``. Returns the trouble.
        """
        if isinstance(trouble, Gate):
            self._gates.append(trouble)
        if times is None:
            self._always[endpoint] = trouble
        else:
            self._scripts.setdefault(endpoint, deque()).extend([trouble] * times)
        return trouble

    def behave(self) -> None:
        """Forget all troubles; requests that a ``Gate`` holds go on."""
        self._scripts.clear()
        self._always.clear()
        while self._gates:
            self._gates.pop().release()

    def authorize(self, authorization_url: str) -> str:
        """Sign in: the redirect URI with ``code`` or ``error`` in its query, not fetched."""
        response = requests.get(
            authorization_url, allow_redirects=False, timeout=PATIENCE, verify=self._trusted
        )
        response.raise_for_status()
        return response.headers["Location"]

    def seen(self, endpoint: str) -> list[Request]:
        """The requests that one endpoint got, oldest first; ``refresh`` is a part of ``token``."""
        return [r for r in self.requests if endpoint in self._names(r)]

    def settle(self, gate: Gate) -> None:
        """Wait until all that was sent before has been read, and is held by ``gate`` or answered.

        For clients that have ended: a connection that one keeps open is waited for.
        """
        requests.get(self.url, timeout=PATIENCE, verify=self._trusted)  # accepted after those
        until(lambda: self._server.connections == gate.waiting)

    def offline(self) -> None:
        """Refuse connections, and drop those that are open, until ``online()``."""
        self._server.stop()

    def online(self) -> None:
        self._server.start()

    def expire(self) -> None:
        """Every access token issued so far is refused from now on."""
        with self._lock:
            self._access.clear()

    def active(self, token: str) -> bool:
        """Whether the provider would still take this access or refresh token."""
        with self._lock:
            if any(f.alive and f.refresh_token == token for f in self._families):
                return True
            return self._bearer(token) is not None

    # -- endpoints -------------------------------------------------------------------------------

    def _answer(self, request: Request) -> Reply:
        self.requests.append(request)
        names = self._names(request)
        with self._lock:
            scripted = next(
                (self._scripts[n].popleft() for n in names if self._scripts.get(n)), None
            )
            trouble = scripted or next((self._always[n] for n in names if n in self._always), None)

        def proceed() -> Reply:
            with self._lock:
                work: Callable[[Request], Reply] = getattr(self, f"_{names[-1]}")
                return work(request)

        return trouble(proceed) if trouble else proceed()

    def _names(self, request: Request) -> list[str]:
        """What ``script`` may call this request's endpoint, the narrowest name first."""
        endpoint = self.paths.get(request.path, "api")
        refreshing = endpoint == "token" and request.form.get("grant_type") == "refresh_token"
        return ["refresh", "token"] if refreshing else [endpoint]

    def _discovery(self, request: Request) -> Reply:  # noqa: ARG002
        return Reply.json(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.url}/authorize",
                "device_authorization_endpoint": f"{self.url}/device",
                "token_endpoint": f"{self.url}/token",
                "revocation_endpoint": f"{self.url}/revoke",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "jwks_uri": f"{self.url}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": self.sends_iss,
            }
            | self.metadata
        )

    def _jwks(self, request: Request) -> Reply:  # noqa: ARG002
        return Reply.json(self.id_token.jwks())

    def _authorize(self, request: Request) -> Reply:
        asked = request.query
        if asked.get("client_id") != self.client_id or "redirect_uri" not in asked:
            return Reply(400, b"unknown client or no redirect_uri")
        given = {"state": asked["state"]} if "state" in asked else {}
        if self.sends_iss:
            given["iss"] = self.issuer
        if asked.get("response_type") != "code" or asked.get("code_challenge_method") != "S256":
            given["error"] = "invalid_request"
        else:
            given["code"] = secrets.token_urlsafe(24)
            scope = asked.get("scope", "") if self.scope is None else self.scope
            family = Family(self.client_id, scope, asked.get("nonce"), self.sub)
            self._codes[given["code"]] = (family, asked)
        return Reply(303, headers={"Location": f"{asked['redirect_uri']}?{urlencode(given)}"})

    def _device(self, request: Request) -> Reply:
        form = request.form
        if not self._authenticated(request):
            return Reply.json({"error": "invalid_client"}, 401)
        scope = form.get("scope", "") if self.scope is None else self.scope
        return self.devices.authorize(Family(self.client_id, scope, None, self.sub))

    def _token(self, request: Request) -> Reply:
        form = request.form
        if not self._authenticated(request):
            return Reply.json({"error": "invalid_client"}, 401)
        grants = {
            "authorization_code": self._code_grant,
            "refresh_token": self._refresh_grant,
            "password": self._password_grant,
            GRANT: self._device_grant,
        }
        if self.client_secret:
            grants["client_credentials"] = self._client_grant
        if grant := grants.get(form.get("grant_type", "")):
            return grant(form)
        return Reply.json({"error": "unsupported_grant_type"}, 400)

    def _revoke(self, request: Request) -> Reply:
        token = request.form.get("token", "")
        self.revoked.append(token)
        for family in self._families:
            if token == family.refresh_token:
                family.alive = False
        self._access.pop(token, None)
        return Reply(200)

    def _userinfo(self, request: Request) -> Reply:
        family = self._bearer(request.bearer)
        if family is None:
            return _unauthorized()
        return Reply.json({"sub": family.sub, "preferred_username": self.username})

    def _api(self, request: Request) -> Reply:
        family = self._bearer(request.bearer)
        if family is None:
            return _unauthorized()
        sha256 = hashlib.sha256(request.body).hexdigest()
        return Reply.json(
            {"sub": family.sub, "username": self.username, "scope": family.scope}
            | {"path": request.path, "length": len(request.body), "sha256": sha256}
        )

    # -- grants ----------------------------------------------------------------------------------

    def _authenticated(self, request: Request) -> bool:
        given = dict(request.form)
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            client_id, _, secret = base64.b64decode(value).decode().partition(":")
            given |= {"client_id": client_id, "client_secret": secret}
        secret_agrees = given.get("client_secret") == self.client_secret
        return given.get("client_id") == self.client_id and secret_agrees

    def _code_grant(self, form: dict[str, str]) -> Reply:
        family, asked = self._codes.pop(form.get("code", ""), (None, {}))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            family is None
            or asked["redirect_uri"] != form.get("redirect_uri")
            or asked.get("code_challenge") != challenge
        ):
            return Reply.json({"error": "invalid_grant"}, 400)
        self._families.append(family)
        return self._issue(family)

    def _client_grant(self, form: dict[str, str]) -> Reply:
        return self._issue(Family(self.client_id, form.get("scope", ""), None, ""))

    def _device_grant(self, form: dict[str, str]) -> Reply:
        family = self.devices.poll(form.get("device_code", ""))
        if isinstance(family, Reply):
            return family
        self._families.append(family)
        return self._issue(family)

    def _password_grant(self, form: dict[str, str]) -> Reply:
        if form.get("password") != self.password or form.get("username") != self.username:
            return Reply.json({"error": "invalid_grant"}, 400)
        family = Family(self.client_id, form.get("scope", ""), None, self.sub)
        self._families.append(family)
        return self._issue(family)

    def _refresh_grant(self, form: dict[str, str]) -> Reply:
        token = form.get("refresh_token", "")
        for family in self._families:
            late = token in family.spent and self.clock() >= family.spent[token] + self.grace
            if late:  # RFC 9700, 4.14.2: somebody else has a copy
                self.reuses += 1
                family.alive = False
            elif family.alive and token in {family.refresh_token, *family.spent}:
                self.refreshes += 1
                family.sub = self.sub
                return self._issue(family)
        return Reply.json({"error": "invalid_grant"}, 400)

    def _issue(self, family: Family) -> Reply:
        access_token = secrets.token_urlsafe(24)
        self._access[access_token] = (family, self.clock() + self.access_token_ttl)
        answer = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": self.access_token_ttl,
            "scope": family.scope,
        }
        if family in self._families and (self.rotate or not family.refresh_token):
            if family.refresh_token:
                family.spent[family.refresh_token] = self.clock()
            family.refresh_token = secrets.token_urlsafe(24)
            answer["refresh_token"] = family.refresh_token
        if "openid" in family.scope.split():
            answer["id_token"] = self.id_token.issue(family.sub, family.nonce, access_token)
        return Reply.json(answer, headers={"Cache-Control": "no-store"})

    def _bearer(self, token: str) -> Family | None:
        family, end = self._access.get(token, (None, 0.0))
        return family if family and family.alive and self.clock() < end else None


def _unauthorized() -> Reply:
    challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return Reply.json({"error": "invalid_token"}, 401, challenge)
