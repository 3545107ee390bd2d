"""ID tokens that ``rogue`` issues, and what is made of them."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jws import JWSRegistry

from core.sign_in import party_at
from jupyter_auth.core.errors import ProviderError
from jupyter_auth.core.protocol import id_token
from jupyter_auth.core.protocol.discovery import Discovery
from jupyter_auth.core.secret import Secret
from providers.troubles import Reply

if TYPE_CHECKING:
    from joserfc.jwk import RSAKey

NONCE = "planted-nonce"
ACCESS = "planted-access-token"


class Registry(JWSRegistry):
    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]  # without a warning of the name of EdDSA


class Case:
    """Verifies what ``rogue`` issues; ``expected`` may be changed."""

    def __init__(self, rogue, clock) -> None:
        rogue.clock = clock
        self.rogue, self.clock = rogue, clock
        self.discovery, self.party = Discovery(clock), party_at(rogue)
        self.expected = id_token.Expected(
            issuer=rogue.issuer,
            client_id=rogue.client_id,
            access_token=Secret(ACCESS),
            algorithms=("RS256",),
            nonce=NONCE,
        )

    @property
    def key(self) -> RSAKey:
        return self.rogue.id_token._keys[0]

    def keys(self, fresh):
        return self.discovery.keys(
            self.party.endpoints, self.party.provider.request_rules, fresh=fresh
        )

    def verify(self, token: str | None = None, **changes) -> dict:
        token = token or self.rogue.id_token.issue("u-1", NONCE, ACCESS)
        expected = replace(self.expected, **changes)
        return id_token.verify(Secret(token), expected, self.keys, self.clock())

    def publish(self, *keys: Any) -> None:
        """The issuer's key set: keys, or what stands there in the place of one."""
        listed = [key if isinstance(key, dict) else key.as_dict(private=False) for key in keys]
        self.rogue.script("jwks", lambda _: Reply.json({"keys": listed}))

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(self.clock())
        honest = {"iss": self.rogue.issuer, "sub": "u-1", "aud": "notebook", "nonce": NONCE}
        return honest | {"iat": now, "exp": now + 60} | changes

    def encoded(self, key: Any, **header: Any) -> str:
        """One with that header, signed by ``key``."""
        return jwt.encode(header, self.claims(), key, registry=Registry(algorithms=[header["alg"]]))

    def signed(self, payload: str, **header: Any) -> str:
        """As the provider would sign it by its RSA key, had it no library."""
        header = {"alg": "RS256", "kid": self.key.kid} | header
        text = f"{base64url(json.dumps(header).encode())}.{base64url(payload.encode())}"
        signature = self.key.get_op_key("sign").sign(text.encode(), PKCS1v15(), SHA256())
        return f"{text}.{base64url(signature)}"

    def refused(self, why: str, token: str | None = None, **changes) -> ProviderError:
        with pytest.raises(ProviderError, match=why) as caught:
            self.verify(token, **changes)
        assert "Nothing was stored" in caught.value.hint
        return caught.value


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
