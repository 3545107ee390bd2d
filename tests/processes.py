"""What all servers that the tests start have in common: each ends, whatever becomes of the test."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType


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
            process.wait(timeout=30)
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
