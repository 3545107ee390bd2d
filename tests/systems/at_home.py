"""A person at a machine without a Jupyter server: their environment, and what is written down."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomlkit

from environments.terminal import NOWHERE_ELSE
from kernel.kernel_process import environment
from patience import PATIENCE

if TYPE_CHECKING:
    from providers.presets.insiders import Insiders

CLI = ("-m", "jupyter_auth.cli")
OWNER = (
    "from jupyter_auth import UserSession\n"
    "print('owner:', UserSession('insiders').get('devices/').json()['owner'])"
)


def write_down(config: Path, tables: dict[str, Any]) -> None:
    """Make these the person's own providers; ``config`` is what XDG_CONFIG_HOME names."""
    file = config / "jupyter_auth" / "providers.toml"
    file.parent.mkdir(parents=True)
    file.write_text(tomlkit.dumps(tables))


def person_at(directory: Path, tables: dict[str, Any]) -> dict[str, str]:
    """The environment of somebody whose providers these are, with no front end and no browser."""
    env = environment(directory)
    for name in (*NOWHERE_ELSE, "BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "JPY_PARENT_PID"):
        env.pop(name, None)
    write_down(Path(env["XDG_CONFIG_HOME"]), tables)
    return env


def add_insiders(env: dict[str, str], insiders: Insiders, *words: str) -> None:
    """``jupyter auth add insiders``, and its client secret typed."""
    command = [sys.executable, *CLI, "add", "insiders", "--client-secret", *words]
    done = subprocess.run(
        command, env=env, input=insiders.client_secret, text=True, capture_output=True,
        check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
