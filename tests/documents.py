"""The documents that people read, and the blocks of code in them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```([^\s`]*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """What stands between two fences."""

    language: str
    code: str
    place: str
    """Its document and number, for people: ``how-to/secrets.md, block 2``."""


def documents() -> list[Path]:
    """README, CONTRIBUTING and each page of the site that is written by hand."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "docs/*.md"]
    listed = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True)
    pages = [ROOT / name for name in sorted(listed.stdout.splitlines())]
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *filter(Path.is_file, pages)]


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(*languages: str) -> list[Block]:
    """Those of all documents in one of these languages, or all; MyST's directives are none."""
    found = [
        Block(language, code, f"{document.relative_to(ROOT)}, block {number}")
        for document in documents()
        for number, (language, code) in enumerate(
            BLOCK.findall(document.read_text(encoding="utf-8")), 1
        )
        if not language.startswith("{")
    ]
    return [block for block in found if not languages or block.language in languages]
