"""A strict double of AWS STS: ``AssumeRoleWithWebIdentity`` and ``GetCallerIdentity``."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from patience import PATIENCE
from providers.sockets import Served, SocketServer
from providers.troubles import Reply

if TYPE_CHECKING:
    from providers.sockets import Request

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
ROLE = "arn:aws:iam::123456789012:role/notebooks"


class Sts(Served):
    """Trusts one issuer and audience, as an IAM identity provider and a role's policy do.

    ``subjects`` has the subject of each web identity token that it took, oldest first, ``tokens``
    the tokens, ``refused`` what it said no to. Credentials last ``seconds``.
    """

    def __init__(self, issuer: str, audience: str, seconds: float) -> None:
        self._issuer, self._audience, self._seconds = issuer, audience, seconds
        self._sessions: dict[str, str] = {}
        self.tokens: list[str] = []
        self.refused: list[str] = []
        self._server = SocketServer(self._answer)
        self.url = f"http://127.0.0.1:{self._server.port}"

    def _answer(self, request: Request) -> Reply:
        form = request.form
        if request.method != "POST" or form.get("Version") != "2011-06-15":
            return self._error("InvalidAction", request.target)
        if form.get("Action") == "GetCallerIdentity":
            return self._caller(request)
        if form.get("Action") != "AssumeRoleWithWebIdentity" or form.get("RoleArn") != ROLE:
            return self._error("AccessDenied", form.get("RoleArn", ""), 403)
        if "authorization" in request.headers or not form.get("RoleSessionName"):
            return self._error("ValidationError", "it is not signed, and has a session's name")
        token = form["WebIdentityToken"]
        try:
            subject = self._subject(token)
        except Exception as error:  # noqa: BLE001 (whatever is wrong with it)
            return self._error("InvalidIdentityToken", repr(error))
        self.tokens.append(token)
        return self._assumed(subject)

    def _subject(self, token: str) -> str:
        metadata = f"{self._issuer}/.well-known/openid-configuration"
        keys = requests.get(requests.get(metadata, timeout=PATIENCE).json()["jwks_uri"], timeout=60)
        claims = jwt.decode(token, KeySet.import_key_set(keys.json()), algorithms=["RS256"]).claims
        assert claims["iss"] == self._issuer, "issuer"
        assert claims["aud"] == self._audience, "audience"
        assert claims["exp"] > time.time(), "expired"
        return str(claims["sub"])

    def _assumed(self, subject: str) -> Reply:
        key, session = f"ASIA{secrets.token_hex(8).upper()}", secrets.token_hex(16)
        self._sessions[session] = subject
        ends = datetime.fromtimestamp(time.time() + self._seconds, UTC)
        return self._xml(
            "AssumeRoleWithWebIdentity",
            f"<SubjectFromWebIdentityToken>{escape(subject)}</SubjectFromWebIdentityToken>"
            f"<AssumedRoleUser><Arn>{ROLE}/x</Arn><AssumedRoleId>A:x</AssumedRoleId>"
            "</AssumedRoleUser><Credentials>"
            f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secrets.token_hex(20)}"
            f"</SecretAccessKey><SessionToken>{session}</SessionToken>"
            f"<Expiration>{ends:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>",
        )

    def _caller(self, request: Request) -> Reply:
        signed = request.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 ")
        subject = self._sessions.get(request.headers.get("x-amz-security-token", ""))
        if not signed or subject is None:
            return self._error("InvalidClientTokenId", "no such session", 403)
        found = f"<Arn>{ROLE}/x</Arn><UserId>{escape(subject)}</UserId><Account>1</Account>"
        return self._xml("GetCallerIdentity", found)

    def _xml(self, action: str, result: str) -> Reply:
        body = (
            f'<{action}Response xmlns="{NAMESPACE}"><{action}Result>{result}</{action}Result>'
            f"<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>"
        )
        return Reply(200, body.encode(), {"Content-Type": "text/xml"})

    def _error(self, code: str, message: str, status: int = 400) -> Reply:
        self.refused.append(f"{code}: {message}")
        body = (
            f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{code}</Code>'
            f"<Message>{escape(message)}</Message></Error></ErrorResponse>"
        )
        return Reply(status, body.encode(), {"Content-Type": "text/xml"})
