"""A PostgreSQL of our own on loopback, gone when the tests are."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString, Self

import psycopg

from patience import until
from processes import free_port

if TYPE_CHECKING:
    from collections.abc import Sequence


class Postgres:
    """Debian's package; as root it runs as the user ``postgres``."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.user = "postgres" if os.geteuid() == 0 else getpass.getuser()

    @property
    def url(self) -> str:
        return f"postgresql://{self.user}@127.0.0.1:{self.port}/postgres"

    def start(self) -> Self:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        self._run("pg_ctl", "-w", "-l", "log", "-o", options, "start")
        return self

    def stop(self) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            self._run("pg_ctl", "-w", "-m", "fast", "stop")

    def kill(self) -> None:
        """``kill -9`` of the server and of all that it has started."""
        server = int((self.home / "data/postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
        for process in (server, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        until(lambda: not any(_runs(process) for process in (server, *map(int, children))))

    def connect(self) -> psycopg.Connection[Any]:
        """A session of the superuser, which writes also where others may only read."""
        options = "-c default_transaction_read_only=off"
        return psycopg.connect(self.url, autocommit=True, options=options)

    def sql(self, *statements: LiteralString) -> None:
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)

    def dump(self) -> str:
        return self._run("pg_dump", "-h", "127.0.0.1", "-p", str(self.port), "postgres")

    def __enter__(self) -> Self:
        if os.geteuid() == 0:  # pytest's places are 0700: each that starts sees to that anew
            self.home = Path(tempfile.mkdtemp(prefix="postgres-"))
            shutil.chown(self.home, "postgres")
        else:
            self.home.mkdir(parents=True)
        self._run("initdb", "-A", "trust", "-N")
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()
        shutil.rmtree(self.home)

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            [_found(command[0]), *command[1:]],
            cwd=self.home,
            env=os.environ | {"PGDATA": str(self.home / "data"), "LC_ALL": "C.UTF-8"},
            user=self.user if os.geteuid() == 0 else None,
            check=True,
            stdout=subprocess.PIPE,
            stderr=(self.home / "errors").open("a") if os.geteuid() != 0 else subprocess.DEVNULL,
            text=True,
        )
        return done.stdout


def _runs(process: int) -> bool:
    """Whether it does; one that ended and that nobody has waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _found(program: str) -> str:
    places: Sequence[Path] = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    path = os.pathsep.join([*map(str, places), os.environ["PATH"]])
    found = shutil.which(program, path=path)
    assert found, "PostgreSQL is missing: install the package `postgresql`"
    return found
