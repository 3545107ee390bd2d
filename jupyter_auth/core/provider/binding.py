"""What accounts and stored secrets are bound to: all that says where or how secrets are sent.

That is each field of a provider's definition but the harmless ones (see ``kinds.described``), so a
new field is bound until it says why it need not be. A field at its default counts as absent: a
version of this package with more fields has the same digests.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.provider.kinds import FieldTable, default_of
from jupyter_auth.core.record import fields

if TYPE_CHECKING:
    from collections.abc import Collection

    from _typeshed import DataclassInstance

VERSION = "2:"  # in front of a digest; those of the first version had none


def digest(provider: DataclassInstance) -> str:
    """SHA-256 of all bound fields."""
    text = json.dumps(_all_bound(provider), sort_keys=True, default=dict)
    return VERSION + hashlib.sha256(text.encode()).hexdigest()


def same(one: DataclassInstance, other: DataclassInstance, *, but: Collection[str]) -> bool:
    """Whether the bound fields of two providers are equal, ``but`` for these."""
    mine, theirs = _all_bound(one), _all_bound(other)
    return all(mine.get(k) == theirs.get(k) for k in (mine.keys() | theirs.keys()).difference(but))


def _all_bound(provider: DataclassInstance) -> dict[str, Any]:
    bound = _bound(provider)
    # The defaults, ``none`` without a secret and ``auto`` with one, were one word at first; with a
    # secret ``none`` only keeps it from being sent.
    if bound["client_auth"] in {"none", "auto"}:
        bound["client_auth"] = "basic"
    return bound


def _bound(holder: DataclassInstance) -> dict[str, Any]:
    found = {}
    for each in fields(holder):
        value = getattr(holder, each.name)
        if not each.metadata["harmless"] and value != default_of(each):
            found[each.name] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, FieldTable):
        return _bound(value)
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def digest_of_first_version(*bound: str | None) -> str:
    """The digest of issuer, token and revocation endpoint, client ID and audience."""
    return hashlib.sha256(json.dumps(bound).encode()).hexdigest()


def is_of_first_version(fingerprint: str) -> bool:
    """Whether it is such a digest."""
    return not fingerprint.startswith(VERSION)


def reach(*where: Any) -> str:
    """A digest of where a session sends tokens."""
    return hashlib.sha256(json.dumps(where, sort_keys=True).encode()).hexdigest()
