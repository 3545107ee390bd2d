"""The plugins of the labextension, with what their sources say of them."""

from __future__ import annotations

import re
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "labextension/src"
PLUGIN = re.compile(r'id: "(jupyter-auth-session:[\w-]+)",\s+description:\s+"([^"]+)"')


def pages() -> dict[str, str]:
    texts = [file.read_text(encoding="utf-8") for file in sorted(SOURCES.rglob("*.ts*"))]
    found = [plugin for text in texts for plugin in PLUGIN.findall(text)]
    rows = [f"| `{name}` | {says} |" for name, says in found]
    return {"_generated/plugins.md": "\n".join(["| plugin | |", "|---|---|", *rows, ""])}
