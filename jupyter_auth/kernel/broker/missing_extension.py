"""Why this kernel's Jupyter server has no broker, and how to change that."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

WHAT = "jupyter-auth-session"
EXTENSION = "jupyter_auth"
OFF_VARIABLE = "JUPYTER_AUTH_OFF"  # set by a server that has the extension, and cannot use it


def missing_extension() -> tuple[str, str] | None:
    """Why this kernel's server has no broker, and the fix; None without a server.

    The package has to be installed in the server's environment, which may not be the kernel's.
    """
    if reason := os.environ.get(OFF_VARIABLE):
        return (
            f"This Jupyter server's sign-in is off, so this process signs in on its own. {reason}",
            "For one sign-in in all notebooks, correct that and restart the server.",
        )
    server = _server()
    if server is None:
        return None
    from jupyter_auth.core.provider.client_credentials import install_command

    python = _python(server)
    if python is None:
        how = f"`python -m pip install {WHAT}`, in the environment of the server"
    elif python.parent != Path(sys.executable).parent:
        how = f"`{install_command(WHAT, python)}`"
    elif extension_setting()[1]:
        how = f"`{python.with_name('jupyter')} server extension list`, `jpserver_extensions` in the"
        how = f"{how} server's configuration or its log say why it is not loaded: correct that"
    else:
        how = f"`{python.with_name('jupyter')} server extension enable jupyter_auth`"
    return (
        "The Jupyter server of this kernel runs without jupyter_auth: it signs in on its own.",
        f"For one sign-in in all notebooks: {how}, then restart the server.",
    )


def _server() -> int | None:
    """The process id of our parent, if that is registered as a Jupyter server."""
    if "ipykernel" not in sys.modules:
        return None
    from jupyter_core.paths import jupyter_runtime_dir

    parent = os.environ.get("JPY_PARENT_PID", "") if os.name == "posix" else str(os.getppid())
    known = Path(jupyter_runtime_dir()) / f"jpserver-{parent}.json"
    return int(parent) if parent.isdecimal() and known.exists() else None


def _python(pid: int) -> Path | None:
    """The interpreter of that process, as called: a resolved link would leave its venv."""
    try:
        import psutil

        process = psutil.Process(pid)
        called = process.cmdline()[0]
        path = process.environ().get("PATH")
    except Exception:  # noqa: BLE001 (no psutil, or not allowed to look: then without a path)
        return None
    found = called if Path(called).is_absolute() else shutil.which(called, path=path)
    return Path(found) if found else None


def extension_setting() -> tuple[Path | None, bool]:
    """Whether Jupyter servers of this environment load the extension, and the file that says so."""
    from jupyter_core.paths import jupyter_config_path

    folders = list(map(Path, jupyter_config_path()))
    files = [folder / "jupyter_server_config.json" for folder in folders]  # these take precedence
    for folder in folders:
        files += sorted(folder.glob("jupyter_server_config.d/*.json"))
    for file in files:
        try:
            said = json.loads(file.read_text(encoding="utf-8"))
            return file, bool(said["ServerApp"]["jpserver_extensions"][EXTENSION])
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return None, False
