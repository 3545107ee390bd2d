"""Signatures verified by the browser's Web Crypto, for Python in a page."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import js
from pyodide.ffi import JsException, run_sync, to_js

from jupyter_auth.core.jws import Decoded, RefusedJwt, public_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


def decoded(
    token: str, algorithm: str, keys: Iterable[Mapping[str, Any] | bytes]
) -> Decoded | None:
    """As by joserfc; a client's secret verifies nothing, as no page has one."""
    try:
        signed, _, signature = token.rpartition(".")
        header, claims = (json.loads(_bytes(part)) for part in signed.split("."))
        proof = to_js(_bytes(signature))
        if "crit" in header:  # no extension is known here (RFC 7515 4.1.11)
            raise RefusedJwt("unsupported header")
        if not isinstance(claims, dict):
            raise RefusedJwt
    except (ValueError, TypeError, RecursionError) as error:
        raise error if isinstance(error, RefusedJwt) else RefusedJwt from None
    for key in keys:
        if isinstance(key, bytes):
            continue
        if run_sync(_verified(algorithm, key, proof, to_js(signed.encode()))):
            return Decoded(header, claims)
    return None


async def _verified(algorithm: str, key: Mapping[str, Any], proof: Any, signed: Any) -> bool:
    how = _as_js(_parameters(algorithm))
    subtle = js.crypto.subtle
    try:
        imported = await subtle.importKey(
            "jwk", _as_js(public_numbers(key)), how, False, to_js(["verify"])
        )
        return bool(await subtle.verify(how, imported, proof, signed))
    except JsException:  # a key that is not understood is ignored (RFC 7517 5)
        return False


def _parameters(algorithm: str) -> dict[str, Any]:
    """Of the import of a key and of its use alike: members of the other are ignored."""
    size = algorithm[-3:]
    match algorithm[:2]:
        case "RS":
            return {"name": "RSASSA-PKCS1-v1_5", "hash": f"SHA-{size}"}
        case "PS":
            return {"name": "RSA-PSS", "hash": f"SHA-{size}", "saltLength": int(size) // 8}
        case "ES":
            return {"name": "ECDSA", "hash": f"SHA-{size}", "namedCurve": CURVES[algorithm]}
    return {"name": "Ed25519"}


def _as_js(value: dict[str, Any]) -> Any:
    return to_js(value, dict_converter=js.Object.fromEntries)


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(f"{part}===")
