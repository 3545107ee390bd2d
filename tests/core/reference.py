"""The README's configuration reference, made from the code. `make reference` writes it there."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

from jupyter_auth.core.provider.field_types import Header
from jupyter_auth.core.provider.meanings import MEANINGS
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.server.config import JupyterAuth

README = Path(__file__).parents[2] / "README.md"


def settings() -> str:
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for name, trait in sorted(JupyterAuth.class_own_traits(config=True).items()):
        text = " ".join(str(trait.help).split())
        rows.append(f"| `{name}` | `{trait.default_value_repr()}` | {text} |")
    return "\n".join(rows)


def fields() -> str:
    rows = ["| field | default | meaning |", "|---|---|---|"]
    rows += [
        f"| `{field.name}` | {_default(field)} | {MEANINGS[field.name]} |"
        for field in dataclasses.fields(Provider)
    ]
    return "\n".join(rows)


def _default(field: dataclasses.Field[Any]) -> str:
    """As it is written in a file; nothing where it is empty."""
    made = field.default_factory is not dataclasses.MISSING
    value = field.default_factory() if made else field.default  # type: ignore[misc]
    if isinstance(value, Header):
        return f"`{value.name}: {value.template}`"
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value!r}`" if isinstance(value, list) and value else ""


PARTS = {"settings": settings, "fields": fields}


def renewed(readme: str) -> str:
    """``readme`` with both tables as they are now."""
    for name, table in PARTS.items():
        place = re.compile(rf"(<!-- {name}:.*?-->\n).*?(\n<!-- /{name} -->)", re.DOTALL)
        readme, found = place.subn(lambda match, t=table: match[1] + t() + match[2], readme)
        assert found == 1, name
    return readme


if __name__ == "__main__":
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")
