"""Logins as JSON and back, with all their secrets: to be encrypted.

Each value has the name of its type, as the first version of this package wrote it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.codec import from_record, to_record
from jupyter_auth.core.login.login_store import StoredLogin
from jupyter_auth.core.models import NO_CHALLENGE

if TYPE_CHECKING:
    from collections.abc import Mapping

# As the first version called them: its replicas discard logins with other names.
_FIRST = {"DevicePolls": "Polling", "LoginPurpose": "Request", "StoredLogin": "Entry"}
_EMPTY = {"kind": "mapping", "of": {}}
_NONE = to_record(NO_CHALLENGE, lambda kind, of: {"kind": kind, "of": of})
# Fields that they do not know, with their defaults: left out where unused.
_ADDED: dict[str, dict[str, Any]] = {
    "Account": {
        "refused": None,
        "client_id": None,
        "token_fields": _EMPTY,
        "resources": _EMPTY,
        "adopted": "",
    },
    "AccountInfo": {"trouble": ""},
    "DevicePolls": {"verifier": None, "client_id": None},
    "Login": {"inner": False, "reason": ""},
    "Opening": {"client_id": None},
    "LoginPurpose": {"resource": "", "challenge": _NONE, "asker": "", "onward": ""},
}


def packed(entries: Mapping[str, StoredLogin]) -> bytes:
    """The entries as JSON, secrets in plain text."""
    return json.dumps(to_record(entries, _tagged)).encode()


def unpacked(data: bytes) -> dict[str, StoredLogin]:
    """The inverse. ValueError and its like: another version wrote it."""
    return {name: from_record(StoredLogin, each) for name, each in _bare(json.loads(data)).items()}


def _tagged(kind: str, of: Any) -> dict[str, Any]:
    unused = {name for name, default in _ADDED.get(kind, {}).items() if of[name] == default}
    kept = {name: of[name] for name in of if name not in unused} if unused else of
    return {"kind": _FIRST.get(kind, kind), "of": kept}


def _bare(value: Any) -> Any:
    """``value`` without the names of its types."""
    if not isinstance(value, dict):
        return value
    of = value["of"]
    if isinstance(of, dict):
        return {name: _bare(each) for name, each in of.items()}
    return [_bare(each) for each in of] if isinstance(of, list) else of
