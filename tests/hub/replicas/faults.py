"""What goes wrong around the service: each a context, in which it does."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from jupyter_auth.server.broker.thread_pools import THREADS
from patience import until
from providers.troubles import Gate, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hub.replicas.cluster import Cluster
    from providers.troubles import Proceed

SMALL = 4  # MiB of the disk that gets full
BLOCK = bytes(8192)
LONG = 20.0  # seconds: more than a statement is tried for


@dataclass(frozen=True, kw_only=True)
class Fault:
    """``name`` for so many ``seconds``.

    ``may_lose``: how many accounts at most, of so many whose refresh token was rotated meanwhile.
    ``cuts``: also connections of clients, who then hear nothing.
    """

    name: str
    happens: Callable[[Cluster], contextlib.AbstractContextManager[None]]
    seconds: float = 8.0
    grace: float = 0.0
    may_lose: Callable[[int], int] = lambda _: 0
    cuts: bool = False


class Late:
    """The provider does its work at once, and its answer comes late."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.waiting = 0
        self._lock = threading.Lock()
        self._never = threading.Event()

    def __call__(self, proceed: Proceed) -> Reply:
        reply = proceed()
        with self._lock:
            self.waiting += 1
        self._never.wait(self.seconds)
        with self._lock:
            self.waiting -= 1
        return reply


@contextlib.contextmanager
def _stopped(cluster: Cluster) -> Iterator[None]:
    cluster.postgres.stop()
    try:
        yield
    finally:
        cluster.postgres.start()


@contextlib.contextmanager
def _killed(cluster: Cluster) -> Iterator[None]:
    cluster.postgres.kill()
    try:
        yield
    finally:
        cluster.postgres.start()


@contextlib.contextmanager
def _read_only(cluster: Cluster) -> Iterator[None]:
    """As where a database's standby takes over, for those who were connected too."""
    cluster.postgres.sql(
        "ALTER SYSTEM SET default_transaction_read_only = on",
        "SELECT pg_reload_conf()",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    )
    try:
        yield
    finally:
        cluster.postgres.sql(
            "ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()"
        )


@contextlib.contextmanager
def _full(cluster: Cluster) -> Iterator[None]:
    """The records' own disk is full to the last byte, and nothing old can be overwritten."""
    with _small_disk() as disk, contextlib.ExitStack() as stack:
        cluster.postgres.sql(f"CREATE TABLESPACE small LOCATION '{disk}'")  # type: ignore[arg-type]
        stack.callback(cluster.postgres.sql, "DROP TABLESPACE small")
        _move(cluster, "small")
        stack.callback(_move, cluster, "pg_default")
        # Whoever still may see what was there keeps it from being overwritten.
        reader = stack.enter_context(psycopg.connect(cluster.postgres.url))
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM jupyter_auth_records")
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(BLOCK) == len(BLOCK):
                pass
        try:
            yield
            log = (cluster.postgres.home / "log").read_text()
            assert "No space left on device" in log, "there still was some"
        finally:
            filler.unlink()


def _move(cluster: Cluster, tablespace: str) -> None:
    statement = f"ALTER TABLE jupyter_auth_records SET TABLESPACE {tablespace}"
    cluster.postgres.sql(statement)  # type: ignore[arg-type]


@contextlib.contextmanager
def _small_disk() -> Iterator[Path]:
    """An empty disk of PostgreSQL's own."""
    place = Path(tempfile.mkdtemp(prefix="small-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL}m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode != 0:
        place.rmdir()
        pytest.skip("a small disk can be had by root alone, where mounting is allowed")
    shutil.chown(place, "postgres")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)
        place.rmdir()


def _clock(seconds: int) -> Callable[[Cluster], contextlib.AbstractContextManager[None]]:
    """One of the replicas has a clock that is so many seconds ahead."""

    @contextlib.contextmanager
    def happens(cluster: Cluster) -> Iterator[None]:
        with tempfile.TemporaryDirectory() as place:
            (Path(place) / "sitecustomize.py").write_text(
                f"import time\nright = time.time\ntime.time = lambda: right() + {seconds}\n"
            )
            path = os.pathsep.join(filter(None, [place, os.environ.get("PYTHONPATH")]))
            wrong = cluster.add(PYTHONPATH=path)
            right = cluster.replicas[0]
            cluster.remove(right)
            try:
                yield
            finally:
                cluster.add()
                cluster.remove(wrong)

    return happens


@contextlib.contextmanager
def _replica_killed(cluster: Cluster) -> Iterator[None]:
    victim = cluster.replicas.pop(0)
    victim.kill()
    try:
        yield
    finally:
        cluster.balancer.ports.remove(victim.port)
        cluster.add()


@contextlib.contextmanager
def _provider_hangs(cluster: Cluster) -> Iterator[None]:
    """It has done its work, and does not say so."""
    late = cluster.rogue._always["refresh"]
    gate = cluster.rogue.script("refresh", Gate(after=True))
    until(lambda: gate.waiting >= 2)
    try:
        yield
    finally:
        cluster.rogue.behave()
        cluster.rogue.script("refresh", late)


@contextlib.contextmanager
def _hub_down(cluster: Cluster) -> Iterator[None]:
    cluster.hub.stop()
    try:
        yield
    finally:
        cluster.hub.start()


FAULTS = [
    Fault(
        name="kill -9 of a replica",
        happens=_replica_killed,
        may_lose=lambda _: THREADS,  # it has no more refreshes under way
        cuts=True,
    ),
    Fault(
        name="kill -9 of a replica, provider with grace",
        happens=_replica_killed,
        grace=300,
        cuts=True,
    ),
    Fault(name="PostgreSQL stopped", happens=_stopped),
    Fault(name="PostgreSQL killed", happens=_killed),
    Fault(name="database read-only", happens=_read_only, seconds=LONG),
    Fault(name="disk full", happens=_full, seconds=LONG),
    Fault(name="clock of a replica +60 s", happens=_clock(60)),
    Fault(name="clock of a replica -60 s", happens=_clock(-60)),
    Fault(name="provider hangs after it rotated", happens=_provider_hangs),
    Fault(
        name="it hangs for longer than it is waited for",
        happens=_provider_hangs,
        seconds=LONG,
        may_lose=lambda rotated: rotated,
    ),
    Fault(name="Hub down", happens=_hub_down, seconds=75.0),
]
