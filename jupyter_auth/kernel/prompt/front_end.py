"""Which front end this process answers to, as far as that says who is there, and what they see."""

from __future__ import annotations

import os
import stat
import sys
from typing import Any

from jupyter_auth.core.pyodide import IN_PYODIDE


def kernel() -> Any:
    """The IPython kernel of this process; None if it is none."""
    ipython = sys.modules.get("IPython")  # not imported: no shell
    return getattr(ipython.get_ipython(), "kernel", None) if ipython else None


def in_voila() -> bool:
    """Whether Voila runs this notebook for someone who waits for the page.

    They see a cell's output when the cell is done. In a preheated kernel no one waits yet.
    """
    return kernel() is not None and os.environ.get("SERVER_SOFTWARE", "").startswith("voila/")


def marimo_mode() -> str | None:
    """``"edit"`` or ``"run"``, in a marimo notebook that someone looks at."""
    marimo: Any = sys.modules.get("marimo")
    if not hasattr(marimo, "running_in_notebook") or not marimo.running_in_notebook():
        return None
    mode: str | None = marimo.app_meta().mode
    return mode


def in_notebook() -> bool:
    """Whether this process shows HTML: it is a kernel, or runs a marimo notebook."""
    return kernel() is not None or marimo_mode() is not None


def is_interactive() -> bool:
    """Whether a person is there to sign in: one who can type, or reads what is shown.

    Not under nbclient, papermill and schedulers, nor in a job without a terminal.
    """
    if in_notebook():
        return takes_input() or in_voila() or marimo_mode() is not None
    return reads_stderr()


def takes_input() -> bool:
    """Whether ``input()`` reaches a person: in a front end that has it, or a terminal.

    Not under nbclient, papermill and schedulers, whose requests have ``allow_stdin`` off, in a
    dashboard, or in a job without a terminal.
    """
    if (mine := kernel()) is not None:
        return IN_PYODIDE or bool(getattr(mine, "_allow_stdin", False))
    if mode := marimo_mode():
        return mode == "edit"
    return sys.stdin is not None and sys.stdin.isatty() and reads_stderr()


def reads_stderr() -> bool:
    """Whether a person sees what this process writes to stderr, also with a pipe or file as stdin.

    ``/dev/null`` as stdin says that no one is asked: so do xargs, ``ssh -n`` and job runners.
    """
    if sys.stdin is None or sys.stderr is None or not sys.stderr.isatty():
        return False
    if sys.stdin.isatty():
        return True
    try:
        return not stat.S_ISCHR(os.fstat(sys.stdin.fileno()).st_mode)
    except (OSError, ValueError):  # it is none of the system's
        return False
