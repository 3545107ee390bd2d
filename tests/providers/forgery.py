"""The ID tokens of ``rogue``: honest ones, and each lie that a client has to notice."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import secrets
from typing import TYPE_CHECKING, Any, Literal

from joserfc import jws, jwt
from joserfc.jwk import RSAKey

from providers.troubles import MISSING

if TYPE_CHECKING:
    from providers.rogue import RogueProvider

Signature = Literal["RS256", "none", "HS256", "stranger", "broken"]


@functools.cache
def _shared_key() -> RSAKey:
    """One key for all tests of a process: making one takes a tenth of a second."""
    return _new_key()


def _new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": secrets.token_hex(4)})


class IdTokens:
    """Set ``claims`` to what the next ID tokens say instead of the truth (``MISSING``: not at all)
    and ``signature`` to how they are signed:

    - ``RS256``: by a published key;
    - ``none``: not at all, and the header says so;
    - ``HS256``: with the public key as the secret of an HMAC;
    - ``stranger``: by a key that nobody published, under the published key's id;
    - ``broken``: by the right key, but for other claims.

    With a ``secret``, honest ones are signed with it (HS256).
    """

    def __init__(self, provider: RogueProvider) -> None:
        self.claims: dict[str, Any] = {}
        self.signature: Signature = "RS256"
        self.secret: str | None = None
        self._provider = provider
        self._keys = [_shared_key()]

    def rotate_key(self, *, keep: bool = True) -> None:
        """Sign with a new key from now on; with ``keep`` the old ones are still published."""
        self._keys = [_new_key(), *(self._keys if keep else [])]

    def jwks(self) -> dict[str, Any]:
        return {"keys": [key.as_dict(private=False) for key in self._keys]}

    def issue(self, sub: str, nonce: str | None, access_token: str) -> str:
        now = int(self._provider.clock())
        at_hash = hashlib.sha256(access_token.encode()).digest()[:16]
        honest = {
            "iss": self._provider.issuer,
            "sub": sub,
            "aud": self._provider.client_id,
            "iat": now,
            "exp": now + 600,
            "nonce": nonce or MISSING,
            "at_hash": _base64url(at_hash),
            "preferred_username": self._provider.username,
        }
        claims = {k: v for k, v in (honest | self.claims).items() if v is not MISSING}
        return self._sign(claims)

    def _sign(self, claims: dict[str, Any]) -> str:
        if self.secret:
            return _by_hand(
                {"alg": "HS256"},
                claims,
                functools.partial(hmac.digest, self.secret.encode(), digest="sha256"),
            )
        key = self._keys[0]
        header = {"alg": "RS256", "kid": key.kid, "typ": "JWT"}
        match self.signature:
            case "none":
                return _by_hand(header | {"alg": "none"}, claims, lambda _: b"")
            case "HS256":
                public = key.as_pem(private=False)
                return _by_hand(
                    header | {"alg": "HS256"},
                    claims,
                    lambda text: hmac.digest(public, text, "sha256"),
                )
            case "stranger":
                return jwt.encode(header, claims, _new_key())
            case "broken":
                head, _, signature = jwt.encode(header, claims, key).split(".")
                other = _base64url(json.dumps(claims | {"sub": "mallory"}).encode())
                return f"{head}.{other}.{signature}"
        # As jwt.encode does it, but in ASCII: so a name may have half a character.
        return jws.serialize_compact(header, json.dumps(claims).encode(), key)


def _by_hand(header: dict[str, Any], claims: dict[str, Any], sign: Any) -> str:
    """A token that no library would make."""
    parts = [_base64url(json.dumps(part).encode()) for part in (header, claims)]
    return ".".join([*parts, _base64url(sign(".".join(parts).encode()))])


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
