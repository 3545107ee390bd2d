"""The command that installs a package into an interpreter's environment, by pip or by uv."""

from __future__ import annotations

import sys
from pathlib import Path


def install_command(package: str, python: Path | None = None) -> str:
    """For a shell. ``python``: the interpreter as it is called; None: this one.

    ``uv`` makes environments without pip; those of ``uv run --with`` last as long as the run.
    """
    python = python or Path(sys.executable)
    try:
        made_by = (python.parent.parent / "pyvenv.cfg").read_text(encoding="utf-8")
    except (OSError, ValueError):
        made_by = ""
    if "extends-environment" in made_by:
        return f"uv run --with {package} …"
    if "\nuv = " in made_by:
        return f"uv pip install --python {python} {package}"
    return f"{python} -m pip install {package}"
