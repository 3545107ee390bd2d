"""ID token validation (OpenID Connect Core 3.1.3.7 and 12.2), and signed userinfo (5.3.2)."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common import times
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.errors import NextStep, ProviderError
from jupyter_auth.core.protocol import claims as claims_of
from jupyter_auth.core.protocol import signed_jwt

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.jws import Decoded
    from jupyter_auth.core.protocol.http import Json
    from jupyter_auth.core.secret import Secret

CLOCK_SKEW = 120.0  # seconds that the provider's clock may differ from ours
# In the issuer of a document for many tenants; the `tid` claim of each ID token fills it.
TENANT = "{tenantid}"
_OPERATOR = "Show this to the provider's operator, whose server leaves it out or writes it wrongly."
_refused = functools.partial(signed_jwt.refused, "ID token")


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What an ID token must say; ``nonce`` if it is known.

    ``max_age``: seconds since the person signed in there, if that was asked for. ``algorithms``:
    those that the metadata names. ``secret``: a confidential client's.
    """

    issuer: str
    client_id: str
    access_token: Secret
    algorithms: tuple[str, ...]
    secret: Secret | None = None
    nonce: str | None = None
    max_age: float | None = None


def verify(
    id_token: Secret, expected: Expected, keys: Callable[[bool], Json], now: float
) -> dict[str, Any]:
    """The verified claims of ``id_token``: no nulls, and ``sub`` is a string.

    ``keys(fresh)`` returns the issuer's JWK Set; a fresh one is fetched once, for a rotated key.

    Raises:
        ProviderError: names the check that failed.
    """
    token = signed_jwt.verified(
        "ID token", id_token, algorithms=expected.algorithms, keys=keys, secret=expected.secret
    )
    claims = claims_of.present(token.claims)
    claims["sub"] = claims_of.subject(claims)
    _check_claims(claims, expected)
    _check_times(claims, now)
    _check_age(claims, expected.max_age, now)
    _check_at_hash(token, expected.access_token)
    return claims


def verify_userinfo(
    userinfo: Secret, expected: Expected, keys: Callable[[bool], Json]
) -> dict[str, Any]:
    """The verified claims of a userinfo response that is a JWT. Raises as ``verify``.

    Its algorithm need not be one of those for ID tokens.
    """
    algorithms = {*expected.algorithms, *signed_jwt.KEYS}
    token = signed_jwt.verified(
        "userinfo", userinfo, algorithms=algorithms, keys=keys, secret=expected.secret
    )
    claims = claims_of.present(token.claims)
    if claims.get("iss", expected.issuer) not in {expected.issuer, _issuer(expected, claims)}:
        raise signed_jwt.refused("userinfo", "it names another issuer")
    if "aud" in claims and expected.client_id not in _audiences(claims):
        raise signed_jwt.refused("userinfo", "it is meant for another client")
    return claims


def _issuer(expected: Expected, claims: dict[str, Any]) -> str:
    return expected.issuer.replace(TENANT, str(claims.get("tid", TENANT)))


def _audiences(claims: dict[str, Any]) -> list[Any]:
    audience = claims.get("aud")
    return audience if isinstance(audience, list) else [audience]


def _check_claims(claims: dict[str, Any], expected: Expected) -> None:
    if claims.get("iss") != _issuer(expected, claims):
        raise _refused(
            f"it names another issuer, {_shown(claims.get('iss'))}, than {expected.issuer}",
            "If that is right, give it as `issuer` in `endpoints` of the provider.",
        )
    ours = f"This client is {expected.client_id!r}: compare client_id with the registration there."
    if expected.client_id not in _audiences(claims):
        raise _refused(f"it is meant for another client, {_shown(claims.get('aud'))}", ours)
    if claims.get("azp", expected.client_id) != expected.client_id:  # errata 2: optional
        raise _refused(f"it was issued to another party, {_shown(claims['azp'])}", ours)
    if expected.nonce is not None and not _same(claims.get("nonce"), expected.nonce):
        raise _nonce(claims)
    if claims["sub"] is None:
        raise _refused("it has no `sub` claim that can be shown", _OPERATOR)


def _shown(value: Any) -> str:
    return repr(plain_text(str(value), 200))


def _nonce(claims: dict[str, Any]) -> ProviderError:
    if "nonce" in claims:
        return _refused("its `nonce` is not that of this sign-in", "Sign in again.")
    return _refused(
        "it lacks the `nonce` of this sign-in",
        "Ask the provider's operator to return it (OpenID Connect Core 3.1.3.7). Until then leave"
        " openid out of `scopes` of the provider: then no ID token is asked for.",
    )


def _check_times(claims: dict[str, Any], now: float) -> None:
    expires, issued = times.clipped(claims.get("exp")), times.clipped(claims.get("iat"))
    if expires is None or issued is None:
        raise _refused("it has no valid `iat` and `exp` claims", _OPERATOR)
    starts = times.clipped(claims.get("nbf")) or 0.0
    for at, what in ((issued, "was issued"), (starts, "is valid only")):
        if at > now + CLOCK_SKEW:
            raise _wrong_clock(f"it {what} {(at - now) / 60:.0f} minutes from now")
    if expires <= now - CLOCK_SKEW:
        raise _wrong_clock(f"it expired {(now - expires) / 60:.0f} minutes ago")


def _check_age(claims: dict[str, Any], max_age: float | None, now: float) -> None:
    """OIDC Core 3.1.3.7: ``auth_time`` is as new as ``max_age`` wants, where there is one."""
    at = times.clipped(claims.get("auth_time"))
    if max_age is not None and at is not None and now - at > max_age + CLOCK_SKEW:
        raise _refused(
            f"you signed in there {(now - at) / 60:.0f} minutes ago, and a newer sign-in was asked"
            " for",
            "Sign out at the provider, then sign in again.",
        )


def _wrong_clock(what: str) -> ProviderError:
    hint = "Correct the clock, and sign in again."
    return _refused(f"by this machine's clock {what}", hint, NextStep("doctor"))


def _same(left: Any, right: str) -> bool:
    if not isinstance(left, str):
        return False
    return hmac.compare_digest(left.encode("utf-8", "surrogatepass"), right.encode())


def _check_at_hash(token: Decoded, access_token: Secret) -> None:
    """OIDC Core 3.1.3.6: ``at_hash`` is the left half of the access token's hash."""
    if token.claims.get("at_hash") is None:
        return
    name = {"256": "sha256", "384": "sha384", "512": "sha512"}.get(token.header["alg"][-3:])
    digest = hashlib.new(name or "sha512", access_token.reveal().encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    if not _same(token.claims["at_hash"], half):
        raise _refused("it belongs to another access token")
