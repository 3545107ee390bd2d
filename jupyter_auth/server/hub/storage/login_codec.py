"""Logins as JSON and back, for a register that replicas share. They hold secrets: to be sealed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from jupyter_auth.core.login.login_store import Entry, Opening, Polling, Request
from jupyter_auth.core.models import Account, AccountInfo, AccountKey, Login
from jupyter_auth.core.secret import Secret

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (Entry, Request, Login, Opening, Polling, Account, AccountInfo, AccountKey)
}


def packed(entries: Mapping[str, Entry]) -> bytes:
    """The entries with all their secrets in the clear."""
    return json.dumps(_plain(entries)).encode()


def unpacked(data: bytes) -> dict[str, Entry]:
    """The inverse. ValueError and its like: another version wrote it."""
    return dict(_made(json.loads(data)))


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return {"kind": "secret", "of": value.reveal()}
    if isinstance(value, tuple):
        return {"kind": "tuple", "of": [_plain(each) for each in value]}
    if isinstance(value, Mapping):
        return {"kind": "mapping", "of": {k: _plain(v) for k, v in value.items()}}
    if dataclasses.is_dataclass(value):
        fields = {k: _plain(v) for k, v in vars(value).items()}
        return {"kind": type(value).__name__, "of": fields}
    return value


def _made(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    kind, of = value["kind"], value["of"]
    match kind:
        case "secret":
            return Secret(of)
        case "tuple":
            return tuple(map(_made, of))
        case "mapping":
            return {k: _made(v) for k, v in of.items()}
    return _KINDS[kind](**{k: _made(v) for k, v in of.items()})
