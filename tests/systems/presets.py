"""Presets as they are, but for the addresses: those of servers on this machine."""

from __future__ import annotations

import json
from typing import Any

from jupyter_auth.core.provider.presets import PRESETS
from providers.presets.bitfount import AUDIENCE, Bitfount


def preset_at(name: str, moved: dict[str, str], **fields: Any) -> dict[str, Any]:
    """The table of that preset with each address of ``moved`` replaced by the other."""
    text = json.dumps(PRESETS[name])
    for theirs, ours in moved.items():
        assert theirs in text, theirs
        text = text.replace(theirs, ours)
    table: dict[str, Any] = json.loads(text)
    for done in ("placeholders", "register"):
        table.pop(done, None)
    return table | fields


def examples(name: str) -> dict[str, str]:
    """A value for each placeholder of that preset."""
    values = {"host": "acme.example", "segment": "acme", "url": "https://acme.example"}
    declared = PRESETS[name].get("placeholders", {})
    return {key: values[each.get("kind", "host")] for key, each in declared.items()}


def bitfount_preset(bitfount: Bitfount) -> dict[str, Any]:
    return preset_at(
        "bitfount",
        {
            "https://auth.bitfount.com": bitfount.issuer,
            "https://hub.bitfount.com/": f"{bitfount.hub}/",
            '"https://hub.bitfount.com"': f'"{bitfount.hub}"',
            "https://am.hub.bitfount.com": bitfount.access_manager,
            f"{bitfount.hub}/api": AUDIENCE,  # a name, not an address
        },
    )
