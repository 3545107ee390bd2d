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
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for name, trait in sorted(JupyterAuth.class_own_traits(config=True).items()):
        text = " ".join(str(trait.help).split())
        rows.append(f"| `{name}` | `{trait.default_value_repr()}` | {text} |")
    return "\n".join(rows)


def fields() -> str:
    rows = ["| field | default | meaning |", "|---|---|---|"]
    for field in record.fields(Provider):
        text = field.metadata["meaning"]
        if field.name in TABLES:
            text = f"{text} Its keys: {_keys(TABLES[field.name])}."
        if table := getattr(field.metadata["kind"], "table", None):
            text = f"{text} Keys of each: {_keys(table)}."
        rows.append(f"| `{field.name}` | {_default(field)} | {text} |")
    return "\n".join(rows)


def _keys(table: Any) -> str:
    return "; ".join(
        f"`{key.name}`" + (f" ({meaning})" if (meaning := key.metadata["meaning"]) else "")
        for key in record.fields(table)
    )


def _default(field: record.Field[Any]) -> str:
    """As it is written in a file; nothing where it is empty."""
    value = default_of(field)
    if isinstance(value, Header):
        return f"`{value.name}: {value.template}`"
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value!r}`" if isinstance(value, list) and value else ""


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
