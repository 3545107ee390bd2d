"""Checks that the library behind the demo's provider lacks, added by hooks of Flask."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from flask import jsonify, request

from jupyter_auth.demo.api import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask, Response
    from flask.typing import ResponseReturnValue

    from jupyter_auth.core.secret import Secret

TOKEN = "/oauth2/token"  # noqa: S105 (a path)
REVOKE = "/oauth2/revoke"
OK = 200


@dataclass
class ApiGuard:
    """The checks. ``ends``: when tokens expire by ``clock``, by digest; ``challenges``: by code."""

    app: Flask
    client_secret: Secret
    lifetime: int
    clock: Callable[[], float]
    challenges: dict[str, str] = field(default_factory=dict)
    ends: dict[bytes, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.app.before_request(self.check)
        self.app.after_request(self.note)
        self.app.add_url_rule(REVOKE, view_func=self.revoke, methods=["POST"])

    def check(self) -> ResponseReturnValue | None:
        """Refuse unknown clients, expired tokens, and codes without their verifier."""
        if self._has_ended(request.headers.get("Authorization", "").partition(" ")[2]):
            return refused()
        if request.path in {TOKEN, REVOKE} and not self._is_client():
            return jsonify(error="invalid_client"), 401
        if request.path != TOKEN:
            return None
        if self._has_ended(request.form.get("refresh_token", "")):
            return _invalid_grant("The refresh token was revoked")
        if "code" in request.form and not self._proves(request.form["code"]):
            return _invalid_grant("The code verifier is not the right one")
        return None

    def note(self, response: Response) -> Response:
        """Set the lifetime of a new access token: after a refresh the library says an hour."""
        if request.path == TOKEN and response.status_code == OK:
            answer = response.get_json()
            answer["expires_in"] = self.lifetime
            self.ends[_digest(answer["access_token"])] = self.clock() + self.lifetime
            response.set_data(json.dumps(answer))
        return response

    def revoke(self) -> ResponseReturnValue:
        """RFC 7009 2.2: 200, whatever the token was."""
        self.ends[_digest(request.form.get("token", ""))] = 0.0
        return "", OK

    def _has_ended(self, token: str) -> bool:
        return self.clock() >= self.ends.get(_digest(token), math.inf)

    def _is_client(self) -> bool:
        """RFC 6749 2.3.1."""
        given = request.authorization
        password = (given.password if given else None) or ""
        return hmac.compare_digest(password.encode(), self.client_secret.reveal().encode())

    def _proves(self, code: str) -> bool:
        challenge = self.challenges.pop(code, "")
        made = create_s256_code_challenge(request.form.get("code_verifier", ""))
        return hmac.compare_digest(challenge.encode(), made.encode())


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _invalid_grant(description: str) -> ResponseReturnValue:
    return jsonify(error="invalid_grant", error_description=description), 400
