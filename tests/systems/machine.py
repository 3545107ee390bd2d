"""A person's machine: a home, a terminal, and the internet of a test; and a Python that lacks
one package, as the machine of somebody who has never had it.
"""

from __future__ import annotations

import sys
import sysconfig
import venv
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from environments.terminal import NOWHERE_ELSE, Terminal, run
from kernel.kernel_process import environment

if TYPE_CHECKING:
    import subprocess

    from providers.internet import Internet

PORTED = Path(__file__).with_name("ported")


class Machine:
    """``home`` is its person's; ``env`` what all of its programs are started with.

    The scripts are those in ``ported``, by name. ``python``: another one than that of the tests.
    """

    def __init__(self, directory: Path, internet: Internet) -> None:
        self.env = environment(directory) | internet.environment()
        for name in (*NOWHERE_ELSE, "DISPLAY", "WAYLAND_DISPLAY", "JPY_PARENT_PID"):
            self.env.pop(name, None)
        self.env["BROWSER"] = "true"  # one that shows nothing
        self.home = Path(self.env["HOME"])
        self.home.mkdir(parents=True)
        self.providers = Path(self.env["XDG_CONFIG_HOME"]) / "jupyter_auth" / "providers.toml"

    def configure(self, toml: str) -> None:
        """Write down providers of its person's own."""
        self.providers.parent.mkdir(parents=True, exist_ok=True)
        self.providers.write_text(toml)

    def terminal(self, script: str, *args: str, python: str = sys.executable) -> Terminal:
        """The script where its person sits: use it as a context manager."""
        return Terminal(self.env, str(PORTED / script), *args, python=python)

    def run(
        self, script: str, *args: str, python: str = sys.executable
    ) -> subprocess.CompletedProcess[str]:
        """The script at night: nobody is at the keyboard."""
        return run(self.env, str(PORTED / script), *args, python=python)

    def jupyter_auth(
        self, *args: str, python: str = sys.executable
    ) -> subprocess.CompletedProcess[str]:
        """``jupyter auth …`` with nobody at the keyboard."""
        return run(self.env, "-m", "jupyter_auth.cli", *args, python=python)


HERE = Path(sysconfig.get_path("purelib"))


def python_without(distribution: str, directory: Path) -> str:
    """A Python that has all that the tests' own has, but for that distribution.

    Its packages are links to those here: nothing is downloaded.
    """
    venv.create(directory, symlinks=True)
    _link(directory, {entry.name for entry in HERE.iterdir()} - _entries(distribution))
    return str(directory / "bin" / "python")


def install(distribution: str, directory: Path) -> None:
    """Give it that distribution after all."""
    _link(directory, _entries(distribution))


def _entries(distribution: str) -> set[str]:
    return {file.parts[0] for file in metadata.distribution(distribution).files or ()}


def _link(directory: Path, names: set[str]) -> None:
    there = directory / HERE.relative_to(sys.prefix)
    for name in names:
        if not (there / name).exists():
            (there / name).symlink_to(HERE / name)
