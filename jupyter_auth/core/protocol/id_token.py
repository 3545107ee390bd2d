"""ID token validation (OpenID Connect Core 3.1.3.7 and 12.2)."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, KeySet

from jupyter_auth.core.common import times
from jupyter_auth.core.errors import NextStep, ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.protocol.http import Json
    from jupyter_auth.core.secret import Secret

RSA_BITS = 2048  # RFC 7518 3.3: a shorter key is not used
MAX_SUBJECT = 255  # characters (OIDC Core 2)
CLOCK_SKEW = 120.0  # seconds that the provider's clock may differ from ours
# Asymmetric only: `none` proves nothing, and HMAC would take a public key for a secret.
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What an ID token must say; ``nonce`` if it is known."""

    issuer: str
    client_id: str
    access_token: Secret
    algorithms: tuple[str, ...]
    nonce: str | None = None


def verify(
    id_token: Secret, expected: Expected, keys: Callable[[bool], Json], now: float
) -> dict[str, Any]:
    """The verified claims of ``id_token``.

    ``keys(fresh)`` returns the issuer's JWK Set; a fresh one is fetched once, for a rotated key.

    Raises:
        ProviderError: names the check that failed.
    """
    try:
        token = _decode(id_token, expected, keys(False))
    except _UnknownKeyError:
        try:
            token = _decode(id_token, expected, keys(True))
        except _UnknownKeyError:
            raise _refused("it is not signed by a key of the issuer") from None
    _check_claims(token.claims, expected, now)
    _check_at_hash(token, expected.access_token)
    return token.claims


class _UnknownKeyError(Exception):
    """The signing key is not among those given."""


def _refused(
    why: str, hint: str = "Sign in again.", next_step: NextStep | None = None
) -> ProviderError:
    return ProviderError(
        f"The provider's ID token was refused: {why}.",
        hint=f"Nothing was stored. {hint}",
        next_step=next_step,
    )


def _decode(id_token: Secret, expected: Expected, keys: Json) -> jwt.Token:
    algorithms = sorted(ALGORITHMS.intersection(expected.algorithms))
    if not algorithms:  # joserfc takes an empty list for no restriction
        raise _refused("the provider supports no accepted signing algorithm")
    try:
        return jwt.decode(id_token.reveal(), _usable(keys), algorithms)
    except InvalidKeyIdError:
        raise _UnknownKeyError from None
    except JoseError as error:
        # A bad signature may be by a key that was replaced under the same id: worth a fresh fetch.
        if error.error == "bad_signature":
            raise _UnknownKeyError from None
        raise _refused(error.error.replace("_", " ")) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise _refused("it cannot be read") from None


def _usable(keys: Json) -> KeySet:
    """The keys that are understood; others are ignored (RFC 7517 5)."""
    found, weak = [], False
    for each in keys["keys"]:
        with contextlib.suppress(JoseError, ValueError, TypeError, LookupError, AttributeError):
            if each["kty"] == "RSA" and _bits(each["n"]) < RSA_BITS:
                weak = True
            else:
                found.append(JWKRegistry.import_key(each))
    if weak and not found:
        raise _refused(
            f"its issuer signs with an RSA key of less than {RSA_BITS} bits",
            "The provider has to replace the key.",
        )
    return KeySet(found)


def _bits(number: str) -> int:
    """The length of a number in a key (RFC 7518 6.3.1.1)."""
    return int.from_bytes(base64.urlsafe_b64decode(f"{number}===")).bit_length()


def _check_claims(claims: dict[str, Any], expected: Expected, now: float) -> None:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != expected.issuer:
        raise _refused("it names another issuer")
    if expected.client_id not in audiences:
        raise _refused("it is meant for another client")
    if claims.get("azp", expected.client_id) != expected.client_id:
        raise _refused("it was issued to another party")
    if len(audiences) > 1 and "azp" not in claims:
        raise _refused("it has several audiences and no authorized party")
    if expected.nonce is not None and not _same(claims.get("nonce"), expected.nonce):
        raise _refused("its `nonce` is not that of this sign-in")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
        raise _refused("it has no `sub` claim")
    if not subject.isprintable():  # it is shown if there is no name
        raise _refused("its `sub` claim cannot be shown")
    _check_times(claims, now)


def _check_times(claims: dict[str, Any], now: float) -> None:
    expires: Any = claims.get("exp")
    issued: Any = claims.get("iat")
    if not times.is_number(expires) or not times.is_number(issued):
        raise _refused("it has no valid `iat` and `exp` claims")
    if issued > now + CLOCK_SKEW:
        ahead = min(issued, times.LAST) - now
        raise _wrong_clock(f"it was issued {ahead / 60:.0f} minutes from now")
    if expires <= now - CLOCK_SKEW:
        raise _wrong_clock(f"it expired {(now - expires) / 60:.0f} minutes ago")


def _wrong_clock(what: str) -> ProviderError:
    hint = "Correct the clock, and sign in again."
    return _refused(f"by this machine's clock {what}", hint, NextStep("doctor"))


def _same(left: Any, right: str) -> bool:
    if not isinstance(left, str):
        return False
    return hmac.compare_digest(left.encode("utf-8", "surrogatepass"), right.encode())


def _check_at_hash(token: jwt.Token, access_token: Secret) -> None:
    """OIDC Core 3.1.3.6: ``at_hash`` is the left half of the access token's hash."""
    if "at_hash" not in token.claims:
        return
    name = {"256": "sha256", "384": "sha384", "512": "sha512"}.get(token.header["alg"][-3:])
    digest = hashlib.new(name or "sha512", access_token.reveal().encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    if not _same(token.claims["at_hash"], half):
        raise _refused("it belongs to another access token")
