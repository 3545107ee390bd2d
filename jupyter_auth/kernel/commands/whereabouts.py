"""``doctor``'s findings on this process: its front end, and whether it has a broker."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_auth.core.common.finding import Finding
from jupyter_auth.core.doctor.process_checks import DISTRIBUTION
from jupyter_auth.core.provider.client_credentials import install_command
from jupyter_auth.core.pyodide import IN_PYODIDE
from jupyter_auth.kernel.broker.missing_extension import (
    EXTENSION,
    extension_setting,
    missing_extension,
)
from jupyter_auth.kernel.prompt.front_end import in_notebook
from jupyter_auth.kernel.prompt.prompt import browser_here, jupyter_address

if TYPE_CHECKING:
    from collections.abc import Iterator

ELSEWHERE = "It shows a link and asks for the URL that your browser ends up on."


def front_end() -> Finding:
    """Where this process is used, and whether it can open a browser."""
    browser = "A browser can be opened from here." if browser_here() else ELSEWHERE
    if in_notebook() and "JPY_SESSION_NAME" in os.environ:
        says = f"A notebook of a Jupyter server: {Path(os.environ['JPY_SESSION_NAME']).name}"
    elif in_notebook():
        says = f"A kernel of {'VS Code' if 'VSCODE_PID' in os.environ else 'no Jupyter server'}."
        says = f"{says} {browser}"
    elif "JUPYTER_SERVER_URL" in os.environ:
        at = jupyter_address() or os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "")
        says = f"A terminal of the Jupyter server at {at}"
    else:
        says = f"{'A terminal' if sys.stderr and sys.stderr.isatty() else 'A script'}. {browser}"
    return Finding(about="Front end", says=says)


def version(theirs: str) -> Finding:
    """This process's version, compared with the server's: the first word of ``theirs``."""
    ours = metadata.version(DISTRIBUTION)
    if theirs.partition(" ")[0] in {"", ours}:
        return Finding(about=DISTRIBUTION, says=ours)
    return Finding(
        about=DISTRIBUTION,
        says=f"{ours}, but the Jupyter server has {theirs.partition(' ')[0]}.",
        fix="Upgrade the older one: pip install --upgrade jupyter-auth-session",
        state="note",
    )


def without_broker() -> Iterator[Finding]:
    """That there is no broker, and whether a Jupyter server would have one."""
    yield Finding(about="Token service", says="None: this process handles the accounts itself.")
    if IN_PYODIDE:
        return
    if advice := missing_extension():
        says, fix = advice
        yield Finding(about="Extension", says=says, fix=fix, state="wrong")
        return
    file, enabled = extension_setting()
    if enabled:
        yield Finding(about="Extension", says=f"Jupyter servers of {sys.prefix} load it ({file}).")
        return
    install = install_command(DISTRIBUTION)
    enable = f"{sys.executable} -m jupyter server extension enable {EXTENSION}"
    yield Finding(
        about="Extension",
        says=f"Jupyter servers of {sys.prefix} do not load it"
        + (f": {file} switches it off." if file else "."),
        fix=f"{enable if file else install}, then restart the Jupyter server.",
        state="note",
    )
