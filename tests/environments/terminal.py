"""A process in a terminal of its own, and what a person reads and types there."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from select import select
from typing import TYPE_CHECKING, Self

from patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Mapping

# The variables of places whose browser is elsewhere; none of them is set in a test's own terminal.
NOWHERE_ELSE = (
    *("SSH_CONNECTION", "SSH_TTY", "CODESPACES", "REMOTE_CONTAINERS", "VSCODE_AGENT_FOLDER"),
    *("VSCODE_IPC_HOOK_CLI", "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"),
    *("JUPYTERHUB_SERVICE_PREFIX", "GITPOD_WORKSPACE_ID"),
)


class Terminal:
    """``command`` is started with ``python`` on entering, and ended on leaving.

    ``text`` is all that was read there so far.
    """

    def __init__(self, env: Mapping[str, str], *command: str, python: str = sys.executable) -> None:
        self._env = dict(env)
        self._command = [python, *command]
        self.said = ""
        self.text = ""

    def __enter__(self) -> Self:
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            self._command, env=self._env, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def read(self, pattern: str) -> re.Match[str]:
        """Read on until that is there; what was read before it is not looked at again."""
        while not (found := re.search(pattern, self.said)):
            assert select([self._ours], [], [], PATIENCE)[0], f"no {pattern!r} in: {self.said}"
            try:
                piece = os.read(self._ours, 4096)
            except OSError:  # Linux says EIO when the other side is closed
                piece = b""
            assert piece, f"{pattern!r} is not in: {self.said}"
            self.said += piece.decode()
            self.text += piece.decode()
        self.said = self.said[found.end() :]
        return found

    def type(self, line: str) -> None:
        os.write(self._ours, f"{line}\n".encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def ended(self) -> int:
        """Its exit status."""
        return self._process.wait(PATIENCE)


def run(
    env: Mapping[str, str], *command: str, python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    """Python with that command line, where nobody is at the keyboard."""
    return subprocess.run(
        [python, *command],
        env=dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * PATIENCE,
    )
