"""The settings and a provider's fields, as the code has them.

`make reference` writes the schema of a provider in `openapi.yaml`, which is committed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

from jupyter_auth.core import record
from jupyter_auth.core.provider import field_types
from jupyter_auth.core.provider.definitions import TABLES
from jupyter_auth.core.provider.field_types import Header
from jupyter_auth.core.provider.kinds import default_of
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.server.config import JupyterAuth

ROOT = Path(__file__).parents[2]
OPENAPI = ROOT / "jupyter_auth/server/openapi.yaml"
TYPES = {  # of JSON; all others are objects
    "str": "string",
    "Secret": "string",
    "bool": "boolean",
    "float": "number",
    "tuple[str, ...]": "array, string",
    "tuple[int, ...]": "array",
}


def settings() -> str:
    return "\n".join(
        _entry(name, trait.default_value_repr(), " ".join(str(trait.help).split()))
        for name, trait in sorted(JupyterAuth.class_own_traits(config=True).items())
    )


def fields() -> str:
    parts = []
    for field in record.fields(Provider):
        parts.append(_entry(field.name, _default(field), field.metadata["meaning"]))
        if field.name in TABLES:
            parts += ["Its keys:\n", *_keys(TABLES[field.name])]
        if table := getattr(field.metadata["kind"], "table", None):
            parts += ["Keys of each:\n", *_keys(table)]
    return "\n".join(parts)


def _entry(name: str, default: str, meaning: str) -> str:
    default = f" Default: `{default}`." if default else ""
    return f"## `{name}`\n\n{meaning}{default}\n"


def _keys(table: Any) -> list[str]:
    keys = [(key.name, key.metadata["meaning"]) for key in record.fields(table)]
    return [f"- `{name}`{': ' if meaning else ''}{meaning}" for name, meaning in keys] + [""]


def _default(field: record.Field[Any]) -> str:
    """As it is written in a file; nothing where it is empty."""
    value = default_of(field)
    if isinstance(value, Header):
        return f"{value.name}: {value.template}"
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, list) and value else ""


def schema() -> str:
    """Of ``ProviderFields``: a provider before it is read."""
    rows = []
    for field in record.fields(Provider):
        kind = str(field.type).removesuffix(" | None")
        row = f'type: [{TYPES.get(kind, "object")}, "null"]'
        if words := get_args(getattr(field_types, kind, None)):
            row = f"enum: [{', '.join(words)}, null]"
        elif kind == "Secret":
            row += ", writeOnly: true"
        elif field.name == "name":
            row = '$ref: "#/components/schemas/Name"'
        rows.append(f"        {field.name}: {{{row}}}")
    return "\n".join(rows)


def pages() -> dict[str, str]:
    return {"_generated/settings.md": settings() + "\n", "_generated/fields.md": fields() + "\n"}


def renewed(openapi: str) -> str:
    """`openapi.yaml` with the fields of a provider as they are now."""
    place = re.compile("(    ProviderFields:.*?      properties:\n).*?(\n\n    Logout:)", re.DOTALL)
    text, found = place.subn(lambda match: match[1] + schema() + match[2], openapi)
    assert found == 1
    return text


if __name__ == "__main__":
    OPENAPI.write_text(renewed(OPENAPI.read_text(encoding="utf-8")), encoding="utf-8")
