"""An OpenID provider with two people, and an API that accepts its tokens.

The provider is ``oidc-provider-mock``, which is Authlib on Flask. What it lacks is added here: the
client secret and PKCE are checked and tokens can be revoked (see ``guard``), its debugger is off,
and the loopback port serves only the endpoints for programs. The one for people is called within
this process only (see ``page``).
"""

from __future__ import annotations

import secrets
import threading
import time
import warnings
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from werkzeug.exceptions import NotFound
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import Client

from jupyter_auth.core.secret import Secret
from jupyter_auth.demo import api
from jupyter_auth.demo.guard import OK, REVOKE, TOKEN, ApiGuard
from jupyter_auth.demo.people import PEOPLE

with warnings.catch_warnings():  # the library imports what Authlib is about to move
    warnings.simplefilter("ignore")
    import oidc_provider_mock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flask import Flask

HOST = "127.0.0.1"
CLIENT_ID = "jupyter-auth-demo"
AUTHORIZE = "/oauth2/authorize"
USERINFO = "/userinfo"
SERVED = frozenset(
    {"/.well-known/openid-configuration", "/jwks", TOKEN, REVOKE, USERINFO, *api.PATHS}
)


class DemoProvider:
    """The provider and the API on a loopback port, from construction until ``close``.

    ``token_lifetime``: seconds that an access token is valid, by ``clock``.
    """

    def __init__(self, *, token_lifetime: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = _make_app(token_lifetime)
        self.client_secret = Secret(secrets.token_urlsafe(32))  # the library has no public clients
        self._guard = ApiGuard(self._app, self.client_secret, token_lifetime, clock)
        api.serve(self._app, self._claims)
        self._server = make_server(
            HOST, 0, self._outside, threaded=True, request_handler=_QuietHandler
        )
        self.netloc = f"{HOST}:{self._server.server_port}"
        self.issuer = f"http://{self.netloc}"
        self._inside = Client(self._app, use_cookies=False)
        threading.Thread(
            target=self._server.serve_forever, daemon=True, name="demo provider"
        ).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def acceptable(self, query: str) -> bool:
        """Whether this authorization request is valid (RFC 6749 4.1.1)."""
        given = parse_qs(query)
        ours = given.get("client_id") == [CLIENT_ID] and "code_challenge" in given
        return ours and self._inside.get(f"{AUTHORIZE}?{query}", self.issuer).status_code == OK

    def grant(self, query: str, sub: str) -> str:
        """The redirect with a code for that person (RFC 6749 4.1.2)."""
        location = self._answer(query, {"sub": sub})
        if code := parse_qs(urlsplit(location).query).get("code"):
            self._guard.challenges[code[0]] = parse_qs(query)["code_challenge"][0]
        return location

    def deny(self, query: str) -> str:
        """The redirect with ``access_denied`` (RFC 6749 4.1.2.1)."""
        location = self._answer(query, {"action": "deny"})
        if "state=" in location:
            return location
        # The library leaves out the state, which says what was denied.
        return f"{location}&{urlencode({'state': parse_qs(query).get('state', [''])[0]})}"

    def _answer(self, query: str, form: dict[str, str]) -> str:
        answer = self._inside.post(f"{AUTHORIZE}?{query}", self.issuer, data=form)
        return str(answer.headers.get("Location", ""))

    def _claims(self, authorization: str) -> dict[str, Any] | None:
        """The claims of userinfo for a token, or None."""
        answer = self._inside.get(USERINFO, self.issuer, headers={"Authorization": authorization})
        return answer.get_json() if answer.status_code == OK else None

    def _outside(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Serve the port. The Host is checked: a web page may rebind its name to this address."""
        if environ.get("HTTP_HOST") != self.netloc or environ["PATH_INFO"] not in SERVED:
            return NotFound()(environ, start_response)
        return self._app(environ, start_response)


def _make_app(token_lifetime: int) -> Flask:
    app: Flask = oidc_provider_mock.app(
        access_token_max_age=timedelta(seconds=token_lifetime),
        user_claims=[oidc_provider_mock.User(sub=p.sub, claims=p.claims) for p in PEOPLE],
    )
    app.debug = False
    del app.wsgi_app  # removes the debugger that wraps it
    return app


class _QuietHandler(WSGIRequestHandler):
    """Logs no requests to the person's terminal."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""
