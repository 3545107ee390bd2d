"""Signatures verified by joserfc, with OpenSSL."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from joserfc import jwt
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import JWKRegistry, OctKey
from joserfc.jws import JWSRegistry

from jupyter_auth.core.common.override import override
from jupyter_auth.core.jws import Decoded, RefusedJwt, public_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def decoded(
    token: str, algorithm: str, keys: Iterable[Mapping[str, Any] | bytes]
) -> Decoded | None:
    """The token, if one of ``keys`` verifies it: JWKs, or a client's secret.

    Raises:
        RefusedJwt: whatever the key.
    """
    registry = _Registry(algorithms=[algorithm], strict_check_header=False)
    for key in _imported(keys):
        try:
            found = jwt.decode(token, key, registry=registry)
        except BadSignatureError:
            continue
        except JoseError as error:
            raise RefusedJwt(error.error.replace("_", " ")) from None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise RefusedJwt from None
        if not isinstance(found.claims, dict):  # older versions of joserfc let it through
            raise RefusedJwt
        return Decoded(found.header, found.claims)
    return None


class _Registry(JWSRegistry):
    """What a header may hold: anything, as it is ignored (RFC 7515 4), but for ``crit``."""

    max_header_length = 1 << 14  # bytes; some have certificates in it

    @override
    def get_alg(self, name: str) -> Any:
        # Without a warning that EdDSA has another name by now.
        return self.algorithms[name] if name in (self.allowed or ()) else super().get_alg(name)

    @override
    def check_header(self, header: dict[str, Any]) -> None:
        super().check_header({name: header[name] for name in {"alg", "crit"} & header.keys()})


def _imported(keys: Iterable[Mapping[str, Any] | bytes]) -> Iterator[Any]:
    """The keys that are understood; others are ignored (RFC 7517 5)."""
    for each in keys:
        if isinstance(each, bytes):
            yield OctKey(each, each)
            continue
        with contextlib.suppress(JoseError, ValueError, TypeError, LookupError, AttributeError):
            yield JWKRegistry.import_key(public_numbers(each))
