"""``jupyter auth hub`` in processes of its own, many times over, without loading it each time.

``python doctor_process.py`` has all of it loaded, and forks for each line that it is given.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Doctors:
    """Use it as a context manager."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._count = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(
        self,
        words: list[str],
        environ: Mapping[str, str],
        files: int | None = None,
        cwd: Path | None = None,
    ) -> tuple[int, str]:
        """Exit status and output, by default in a directory of its own. ``files``: how many may be
        open."""
        self._count += 1
        place = self._home / str(self._count)
        place.mkdir(parents=True)
        given = {"words": words, "environ": dict(environ), "files": files}
        given |= {"output": str(place / "output"), "cwd": str(cwd or place)}
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(given) + "\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        return status, (place / "output").read_text()


def _forked(given: dict[str, Any]) -> int:
    if pid := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    status = 99
    try:
        os.chdir(given["cwd"])
        output = os.open(given["output"], os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.environ.clear()
        os.environ.update(given["environ"])
        if given["files"]:
            resource.setrlimit(resource.RLIMIT_NOFILE, (given["files"],) * 2)
        status = cli.main(["hub", *given["words"]])
        sys.stdout.flush()
    finally:
        os._exit(status)


if __name__ == "__main__":
    import resource

    import jupyterhub.app  # noqa: F401
    import psycopg  # noqa: F401

    import jupyter_auth.server.hub.verbs
    import jupyter_auth.terminal  # noqa: F401
    from jupyter_auth import cli

    for line in sys.stdin:
        sys.stdout.write(f"{_forked(json.loads(line))}\n")
        sys.stdout.flush()
