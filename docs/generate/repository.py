"""The documents at the top of the repository, as pages; their links lead there, or to a page."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SOURCE = PROJECT["urls"]["Source"]
PAGES = {
    "CHANGELOG.md": "about/changelog.md",
    "CONTRIBUTING.md": "about/contributing.md",
    "SECURITY.md": "about/security.md",
}
LINK = re.compile(r"\]\((?!https://|#)([^)]+)\)")
DIAGRAM = re.compile(r"```mermaid\n.*?```\n", re.DOTALL)  # GitHub draws it


def pages() -> dict[str, str]:
    return {page: _page(ROOT / name) for name, page in PAGES.items()}


def _page(file: Path) -> str:
    text = LINK.sub(lambda link: f"]({_target(link[1])})", file.read_text(encoding="utf-8"))
    drawn = f"[What calls what]({SOURCE}/blob/main/{file.name}) is drawn on GitHub.\n"
    return DIAGRAM.sub(drawn, text)


def _target(link: str) -> str:
    name, hash_, anchor = link.partition("#")
    if name.startswith("docs/"):
        return f"../{link.removeprefix('docs/')}"
    if name in PAGES:
        return f"{Path(PAGES[name]).name}{hash_}{anchor}"
    kind = "tree" if (ROOT / name).is_dir() else "blob"
    return f"{SOURCE}/{kind}/main/{link}"
