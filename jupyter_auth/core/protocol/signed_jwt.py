"""Signatures of JSON Web Tokens (RFC 7515, RFC 7518), by the issuer's published keys, or with the
client's own secret (OpenID Connect Core 10.1).
"""

from __future__ import annotations

import base64
import contextlib
import json
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.errors import NextStep, ProviderError
from jupyter_auth.core.jws import Decoded, RefusedJwt
from jupyter_auth.core.pyodide import IN_PYODIDE

if IN_PYODIDE:
    from jupyter_auth.core.jws.by_web_crypto import decoded
else:
    from jupyter_auth.core.jws.by_joserfc import decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from jupyter_auth.core.protocol.http import Json
    from jupyter_auth.core.secret import Secret

RSA_BITS = 2048  # RFC 7518 3.3: a shorter key is not used
# Type and curves of the keys that verify each algorithm (RFC 7518 3.1, RFC 8037 3.1, RFC 9864 2.2).
# `none` proves nothing; nor would an HMAC by a published key, which anybody has.
KEYS = dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", (None,))) | {
    "ES256": ("EC", ("P-256",)),
    "ES384": ("EC", ("P-384",)),
    "ES512": ("EC", ("P-521",)),
    "EdDSA": ("OKP", ("Ed25519", "Ed448")),
    "Ed25519": ("OKP", ("Ed25519",)),
}
HMAC = frozenset({"HS256", "HS384", "HS512"})
SIGN = "have its operator sign with RS256 or ES256 for this client"


def refused(
    what: str, why: str, hint: str = "", next_step: NextStep | None = None
) -> ProviderError:
    """The error for a token, named ``what``, that is not believed."""
    hint = hint or "Sign in again; if this comes again, show it to the provider's operator."
    return ProviderError(
        f"The provider's {what} was refused: {why}.",
        hint=f"Nothing was stored. {hint}",
        next_step=next_step,
    )


def verified(
    what: str,
    token: Secret,
    *,
    algorithms: Collection[str],
    keys: Callable[[bool], Json],
    secret: Secret | None,
) -> Decoded:
    """Header and claims of ``token``, named ``what`` in errors.

    ``algorithms``: those of the issuer's metadata; if it names none, every asymmetric one.
    ``keys(fresh)`` returns its JWK Set; a fresh one is fetched once, for a replaced key. ``secret``
    is a confidential client's.

    Raises:
        ProviderError: the signature is not the issuer's, or there is no telling.
    """
    header = _header(what, token)
    algorithm = header["alg"]
    _check_algorithm(what, algorithm, algorithms or KEYS.keys(), secret)
    if algorithm in HMAC and secret:
        if found := _decoded(what, token, algorithm, [secret.reveal().encode()]):
            return found
        raise refused(
            what,
            "it is not signed with this client's secret",
            "Compare the client_secret of the provider with the registration there.",
        )
    for fresh in (False, True):
        fitting = [each for each in keys(fresh)["keys"] if _fits(each, algorithm)]
        # A key's id only says which to try first: some have none, and some are of two keys.
        fitting.sort(key=lambda each: each.get("kid") != header.get("kid"))
        strong = [each for each in fitting if not _weak(each)]
        if found := _decoded(what, token, algorithm, strong):
            return found
    if any(map(_weak, fitting)):
        raise refused(
            what,
            f"its issuer signs with an RSA key of less than {RSA_BITS} bits",
            "The provider has to replace the key.",
        )
    raise refused(
        what,
        "it is not signed by a key of the issuer",
        "Check the jwks_uri of the provider, which may be another one's, or tell its operator that"
        " the key set there lacks the key.",
    )


def _header(what: str, token: Secret) -> dict[str, Any]:
    """The header, with an ``alg`` that is a string. Nothing in it is believed yet."""
    try:
        head = token.reveal().partition(".")[0]
        header = json.loads(base64.urlsafe_b64decode(f"{head}==="))
        encrypted, known = "enc" in header, isinstance(header["alg"], str)
    except (ValueError, TypeError, LookupError, RecursionError):
        raise _unreadable(what) from None
    if encrypted:
        hint = "Ask the provider's operator to sign it only, without encryption, for this client."
        raise refused(what, "it is encrypted", hint)
    if not known:
        raise _unreadable(what)
    return dict(header)


def _unreadable(what: str) -> ProviderError:
    return refused(what, "it cannot be read")


def _check_algorithm(
    what: str, algorithm: str, allowed: Collection[str], secret: Secret | None
) -> None:
    shown = plain_text(algorithm, 40)
    if algorithm not in KEYS and algorithm not in HMAC:
        hint = f"Ask to {SIGN}."
        raise refused(what, f"its signature algorithm {shown!r} is not accepted", hint)
    if algorithm not in allowed:
        raise refused(
            what,
            f"the provider's metadata does not list its signature algorithm {shown}",
            f"If it is right, add {shown} to id_token_signing_alg_values_supported in `endpoints`"
            f" of the provider; otherwise {SIGN}.",
        )
    if algorithm in HMAC and not secret:
        raise refused(
            what,
            f"it is signed by {shown}, with a client secret, and this client has none",
            f"Set client_secret of the provider if the registration has one; otherwise {SIGN}.",
        )


def _decoded(
    what: str, token: Secret, algorithm: str, keys: Iterable[Json | bytes]
) -> Decoded | None:
    try:
        return decoded(token.reveal(), algorithm, keys)
    except RefusedJwt as error:
        raise (refused(what, str(error)) if str(error) else _unreadable(what)) from None


def _fits(key: Any, algorithm: str) -> bool:
    """Whether a published key may be one for such signatures (RFC 7517 4)."""
    if not isinstance(key, dict):
        return False
    kind, curves = KEYS[algorithm]
    operations = key.get("key_ops")
    return (
        key.get("kty") == kind
        and key.get("crv") in curves
        and (key.get("use") or "sig") == "sig"
        and (key.get("alg") or algorithm) == algorithm
        and (not isinstance(operations, list) or not operations or "verify" in operations)
    )


def _weak(key: Json) -> bool:
    """Whether it is an RSA key that is too short (RFC 7518 6.3.1.1)."""
    with contextlib.suppress(ValueError):
        modulus = base64.urlsafe_b64decode(f"{key.get('n')}===")
        return key["kty"] == "RSA" and int.from_bytes(modulus).bit_length() < RSA_BITS
    return False
