"""How the providers of presets differ on the wire, by their own documents: data for one double.

A ``Dialect`` says what its provider demands and what it answers. ``Double`` is the honest provider
with these manners: what the real one refuses it refuses.
"""

from __future__ import annotations

import dataclasses
import json
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from providers.rogue import ENDPOINTS, RogueProvider
from providers.troubles import Reply
from systems.presets import preset_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from providers.sockets import Request

Json = dict[str, Any]
REGISTERED = r"http://(localhost|127\.0\.0\.1):8888/.+"  # one that a person registered
ANY_PORT = r"http://127\.0\.0\.1(:\d+)?/.*"
DOCUMENT = "https://lab.acme.example/client.json"  # a Client ID Metadata Document
METADATA = {path: name for path, name in ENDPOINTS.items() if name in {"discovery", "jwks"}}


def as_is(params: Json, refreshing: bool) -> Json:  # noqa: FBT001, ARG001 (an answer)
    return params


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """``moved``: the addresses of the preset, which are the double's; ``paths``: its endpoints.

    ``client_by``: where its clients come from, if not from a person: their ``document``, or its
    registration endpoint (``register``).

    What it demands: ``client`` (how the client shows who it is: ``none``, ``post``, ``basic``),
    ``redirect`` (a pattern of redirect URIs), ``asked`` and ``device`` (parameters of these
    requests), ``scope_name`` and ``separator``, ``as_json`` (bodies), ``headers`` (of the API).

    What it answers: ``answer`` makes its token response of the honest one (its second argument:
    of a refresh), ``redirected`` is added to the redirect, ``me`` is what these paths of the API
    say, ``fails`` makes its refusals. ``rotates`` refresh tokens, and with ``kills`` the access
    token that went with one. ``username``: the name to be shown; ``header``: how its API
    wants the token; ``api``: a path relative to ``base_url``, and ``at``, where that is.

    ``needs``: fields of the preset and values that would not do in their place.
    """

    moved: tuple[str, ...]
    paths: Mapping[str, str] = field(default_factory=lambda: ENDPOINTS)
    metadata: Json = field(default_factory=dict)
    issuer: str = ""
    client_by: str = ""
    client: str = "none"
    redirect: str = REGISTERED
    asked: Mapping[str, str] = field(default_factory=dict)
    device: Mapping[str, str] | None = None
    scope_name: str = "scope"
    separator: str = " "
    as_json: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: Callable[[Json, bool], Json] = as_is
    redirected: Mapping[str, str] = field(default_factory=dict)
    me: Mapping[str, Json] = field(default_factory=dict)
    fails: Callable[[str], tuple[Json, int]] = lambda error: ({"error": error}, 400)
    rotates: bool = True
    kills: bool = False
    refreshes: bool = True
    username: str | None = "rosa"
    header: str = "Bearer {token}"
    api: str = "thing"
    at: str = "/thing"
    fields: Json = field(default_factory=dict)
    needs: tuple[tuple[str, Any], ...] = ()


class Double(RogueProvider):
    """A provider of that dialect on this machine."""

    def __init__(self, dialect: Dialect, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dialect = dialect
        self.paths = dict(dialect.paths)
        self.metadata = self._here(dialect.metadata)
        self.issuer = self.url + dialect.issuer
        self.rotate = dialect.rotates
        self.sends_iss = False
        if dialect.client != "none":
            self.client_secret = "hush"
        if dialect.client_by == "document":
            self.client_id = DOCUMENT

    def preset(self, name: str, **fields: Any) -> Json:
        """The preset with its addresses here, and a client that is registered."""
        own: Json = {"client_id": self.client_id, "client_secret": self.client_secret}
        if self.dialect.client_by:
            own = {}
        table = preset_at(name, dict.fromkeys(self.dialect.moved, self.url))
        built_in = {key: table[key] for key in ("client_id", "client_secret") if key in table}
        if built_in:
            self.client_id, self.client_secret = table["client_id"], table.get("client_secret")
        return table | own | built_in | self._here({**self.dialect.fields, **fields})

    def _here(self, said: Any) -> Any:
        """Data with this double's address for ``{url}``, and its ``{port}``."""
        port = str(urlsplit(self.url).port)
        return json.loads(json.dumps(said).replace("{url}", self.url).replace("{port}", port))

    def _names(self, request: Request) -> list[str]:
        return super()._names(self._as_form(request))

    def _as_form(self, request: Request) -> Request:
        if not self.dialect.as_json or request.method != "POST":
            return request
        try:
            body = urlencode(json.loads(request.body)).encode()
        except ValueError:  # a form: nothing of it is read
            body = b""
        return dataclasses.replace(request, body=body)

    def _authorize(self, request: Request) -> Reply:
        asked, dialect = dict(request.query), self.dialect
        if not re.fullmatch(dialect.redirect, asked.get("redirect_uri", "")):
            return Reply(400, b"This redirect URI is not registered.")
        if not dialect.asked.items() <= asked.items():
            return Reply(400, b"A parameter is missing.")
        if dialect.scope_name != "scope" and dialect.scope_name not in asked:
            return Reply(400, b"No scopes were asked for.")
        scopes = asked.pop(dialect.scope_name, "").split(dialect.separator)
        if any(re.search(r"[\s,]", each) for each in scopes):
            return Reply(400, b"There is no such scope.")
        asked["scope"] = " ".join(scopes)
        reply = super()._authorize(
            dataclasses.replace(request, target=f"{request.path}?{urlencode(asked)}")
        )
        if dialect.redirected and "Location" in reply.headers:
            reply.headers["Location"] += f"&{urlencode(dialect.redirected)}"
        return reply

    def _register(self, request: Request) -> Reply:
        """RFC 7591 3: a public client, for that redirect URI alone."""
        wanted = json.loads(request.body)
        if wanted.get("token_endpoint_auth_method") != "none":
            return Reply.json({"error": "invalid_client_metadata"}, 400)
        self.client_id = secrets.token_urlsafe(12)
        return Reply.json(wanted | {"client_id": self.client_id}, 201)

    def _device(self, request: Request) -> Reply:
        if not (self.dialect.device or {}).items() <= request.form.items():
            return Reply.json({"error": "invalid_request"}, 400)
        return super()._device(request)

    def _authenticated(self, request: Request) -> bool:
        in_header = "authorization" in request.headers
        shown = "basic" if in_header else "post" if "client_secret" in request.form else "none"
        return shown == self.dialect.client and super()._authenticated(request)

    def _token(self, request: Request) -> Reply:
        request = self._as_form(request)
        before = set(self._access)
        reply = super()._token(request)
        assert isinstance(reply.body, bytes)
        params = json.loads(reply.body)
        if reply.status != 200:
            return Reply.json(*self.dialect.fails(params["error"]))
        refreshing = request.form["grant_type"] == "refresh_token"
        if refreshing and self.dialect.kills:
            family = self._access[params["access_token"]][0]
            for token in before:
                if self._access[token][0] is family:
                    del self._access[token]
        said = self.dialect.answer(params, refreshing)
        return Reply.json(self._here(said))

    def _api(self, request: Request) -> Reply:
        if not self.dialect.headers.items() <= request.headers.items():
            return Reply.json({"error": "a header is missing"}, 400)
        return self._said(request, super()._api(request))

    def _userinfo(self, request: Request) -> Reply:
        return self._said(request, super()._userinfo(request))

    def _said(self, request: Request, reply: Reply) -> Reply:
        known = self.dialect.me.get(request.path)
        return Reply.json(known) if known and reply.status == 200 else reply
