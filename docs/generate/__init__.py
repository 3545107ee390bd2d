"""What this site makes from the code, at each build.

Each module here has ``pages() -> dict[str, str]``: MyST texts by their paths below ``docs``. What
is in ``_generated/`` is included by a page that is written by hand; any other is a page of its own,
which ``docs/.gitignore`` names. A new module is added to ``MODULES``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from generate import (
    commands,
    labextension,
    providers,
    python,
    reference,
    repository,
    rest,
    symptoms,
)

if TYPE_CHECKING:
    from pathlib import Path

MODULES = (commands, labextension, providers, python, reference, repository, rest, symptoms)


def write(docs: Path) -> set[str]:
    """Writes what has changed: Sphinx then reads no page again without need. Returns all paths."""
    made = {path: text for module in MODULES for path, text in module.pages().items()}
    for path, text in made.items():
        file = docs / path
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return set(made)
