"""What all servers that the tests start have in common: each ends, whatever becomes of the test."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import subprocess
from typing import TYPE_CHECKING, Any, Self

from patience import PATIENCE

if TYPE_CHECKING:
    from types import TracebackType

LOWEST, PORTS = 10_000, 22_000  # below those that the system gives to whoever asks for any
_picked = itertools.count()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has, and that nobody is given before it is used.

    Each process of the tests begins at another one.
    """
    while True:
        port = LOWEST + (97 * os.getpid() + next(_picked)) % PORTS
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Server:
    """A process of its own, from ``start()`` (or ``with``) to ``stop()``."""

    _process: subprocess.Popen[Any] | None = None

    def start(self) -> Self:
        """Set ``_process``, and wait until it answers. RuntimeError: it does not."""
        raise NotImplementedError

    def stop(self) -> None:
        """End the process that ``start()`` began, and with it what that has started."""
        process, self._process = self._process, None
        if process is None:
            return
        self._dismiss(process)
        try:
            process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _dismiss(self, process: subprocess.Popen[Any]) -> None:
        """Ask it to leave."""
        process.terminate()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
