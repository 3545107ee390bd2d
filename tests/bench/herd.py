"""``make bench``: thousands of users' servers at one replica, and the herd after its restart.

Each server polls for changes as ``RemoteBroker`` does, with its pauses; a few clients ask for
tokens meanwhile. ``--polls N`` servers; ``--files N``: the soft limit of open files that the
replica starts with.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import json
import multiprocessing
import os
import random
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography.fernet import Fernet

from bench.hub import TICKS
from hub.replicas.cluster import Cluster
from jupyter_auth.core.errors import AuthError, BrokerUnavailable
from jupyter_auth.core.wire import error_from_wire
from jupyter_auth.server import forward
from jupyter_auth.server.broker.broker import MAX_WAIT
from jupyter_auth.server.hub.storage.database import Database, Owner
from jupyter_auth.server.hub.storage.encryption import Encryption
from jupyter_auth.server.hub.storage.identities import Identities
from jupyter_auth.server.hub.storage.sql_store import SqlStore
from patience import eventually
from providers.rogue import RogueProvider

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from multiprocessing.connection import Connection


STEADY = 75.0  # seconds: everybody's identity is looked at again within them
ARRIVE = 120.0  # seconds at most until all polls are held
MOMENT = 2.0  # seconds
NEARLY = 0.9  # of all: at any time some are within the first moment of theirs
ASKERS, BETWEEN = 4, 0.1  # clients that ask for tokens, and the seconds between their requests
ENOUGH = 16_000  # open files of this process
API = "services/jupyter-auth/api/v1/"
# Thousands of users: not to the disk each time.
HUB = """
import sqlalchemy

@sqlalchemy.event.listens_for(sqlalchemy.engine.Engine, "connect")
def at_ease(connection, _):
    connection.execute("PRAGMA synchronous = OFF")

c.JupyterHub.log_level = "INFO"
"""


class Servers:
    """Those who poll, on an event loop in a thread of its own."""

    def __init__(self, port: int, prefix: str) -> None:
        self.refused: Counter[str] = Counter()
        self._asked: dict[str, float] = {}  # since when each waits for an answer
        self._number = 0
        self._port, self._prefix = port, f"{prefix}{API}"
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def start(self, tokens: list[str]) -> None:
        """They come one by one: nobody starts so many at once."""
        self._number = len(tokens)
        self._polls = asyncio.run_coroutine_threadsafe(self._all(tokens), self._loop)

    def stop(self) -> None:
        self._polls.cancel()

    @property
    def waiting(self) -> int:
        """How many hold a poll that is more than a moment old."""
        since = time.monotonic() - MOMENT
        return sum(1 for asked in self._asked.copy().values() if asked < since)

    def all_wait(self) -> bool:
        """Whether nearly all do."""
        time.sleep(MOMENT / 10)
        return self.waiting >= NEARLY * self._number

    async def _all(self, tokens: list[str]) -> None:
        async with asyncio.TaskGroup() as group:
            for token in tokens:
                group.create_task(self._poll(token))
                await asyncio.sleep(0.005)

    async def _poll(self, token: str) -> None:
        since, tries = 0, _backoff()
        while True:
            try:
                since = (await self._changes(token, since))["sequence"]
            except AuthError as error:
                await asyncio.sleep(tries.pause(error))
            else:
                tries.reset()

    async def _changes(self, token: str, since: int) -> dict[str, Any]:
        try:
            status, body = await self._get(f"changes?since={since}&wait={MAX_WAIT}", token)
            data = json.loads(body)
        except (OSError, ValueError, EOFError) as error:
            self.refused[type(error).__name__] += 1
            raise _away() from None
        finally:
            self._asked.pop(token, None)
        if status != 200:
            self.refused[f"{status} {data.get('code')}"] += 1
            raise error_from_wire(data)
        return dict(data)

    async def _get(self, path: str, token: str) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(
                f"GET {self._prefix}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                f"Authorization: Bearer {token}\r\nJupyter-Auth-Version: 1\r\n\r\n".encode()
            )
            self._asked[token] = time.monotonic()
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            return int(head.split(maxsplit=2)[1]), body
        except IndexError:  # it hung up
            raise EOFError from None
        finally:
            writer.close()


class _Fixed:
    """The pause of versions that know no other."""

    def pause(self, _: AuthError) -> float:
        return float(forward.PAUSE)

    def reset(self) -> None: ...


def _backoff() -> Any:
    try:
        from jupyter_auth.core.common.backoff import Backoff
    except ImportError:
        return _Fixed()
    return Backoff()


def _away() -> BrokerUnavailable:
    """As ``RemoteBroker`` has it."""
    error = BrokerUnavailable("It does not answer.")
    error.retry_after = forward.PAUSE
    return error


class Asked(NamedTuple):
    """For how many ms somebody waited for a token, and the status that came: 0 is none."""

    took: float
    status: int


def ask(end: Connection, port: int, url: str, tokens: list[str]) -> None:
    """Ask for random users' tokens, and send what came of it for each word that ``end`` has.

    In a process of its own: what is measured is not to wait for those who poll. It ends with an
    empty word.
    """
    asked: list[Asked] = []
    for _ in range(ASKERS):
        threading.Thread(target=_asker, args=(port, url, tokens, asked), daemon=True).start()
    end.send("begun")
    while end.recv():
        end.send([asked.pop(0) for _ in range(len(asked))])


def _asker(port: int, url: str, tokens: list[str], asked: list[Asked]) -> None:
    while True:
        time.sleep(BETWEEN)
        headers = {
            "Authorization": f"Bearer {random.choice(tokens)}",  # noqa: S311 (a load, no secret)
            "Jupyter-Auth-Version": "1",
        }
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        start, status = time.perf_counter(), 0
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("POST", url, b'{"provider": "idp"}', headers)
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        asked.append(Asked((time.perf_counter() - start) * 1e3, status))
        connection.close()


class Phase:
    """What replica and Hub use and write, who is refused, and how long tokens take: a report."""

    def __init__(self, cluster: Cluster, servers: Servers, asking: Connection) -> None:
        self._cluster, self._servers, self._asking = cluster, servers, asking
        self._began, self._was, self._cpu = time.monotonic(), self._now(), 0.0
        self._refused = servers.refused.copy()
        self._asked()

    def restart(self, files: int) -> None:
        """As a deployment does it; ``files``: the soft limit of its open files."""
        (replica,) = self._cluster.replicas
        before = _cpu(replica.process)
        replica.stop()
        with limit(files):
            replica.start()
        self._was["CPU of the replica, s"] -= before

    def _now(self) -> dict[str, float]:
        return {
            "CPU of the replica, s": _cpu(self._cluster.replicas[0].process),
            "CPU of the Hub, s": _cpu(self._cluster.hub._process),
            "calls at the Hub": self._cluster.hub.log().count("/hub/api/user"),
            "log of the replica, kB": self._cluster.log.stat().st_size / 1e3,
        }

    def _asked(self) -> list[Asked]:
        self._asking.send("give")
        return [Asked(*each) for each in self._asking.recv()]

    def report(self, name: str) -> None:
        """Print it."""
        asked = self._asked()
        say(f"\n{name}, {time.monotonic() - self._began:.0f} s")
        for what, value in self._now().items():
            say(f"  {what}: {value - self._was[what]:.1f}")
        say(f"  memory of the replica, MiB: {_memory(self._cluster.replicas[0].process):.0f}")
        refused = self._servers.refused - self._refused
        say(f"  polls refused: {refused.total()} {dict(refused)}")
        good = [each.took for each in asked if each.status == 200]
        say(f"  tokens: {len(good)}{_spread(good)}")
        bad = Counter(each.status for each in asked if each.status != 200)
        say(f"  tokens refused: {bad.total()} {dict(bad)}")


def _spread(took: list[float]) -> str:
    if len(took) < 2:
        return ""
    cuts = statistics.quantiles(took, n=100, method="inclusive")
    return f", p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f}, most {max(took):.0f}"


def _cpu(process: subprocess.Popen[Any] | None) -> float:
    """The seconds of a processor that it has used."""
    assert process is not None
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _memory(process: subprocess.Popen[Any] | None) -> float:
    """The MiB that it has held at most."""
    assert process is not None
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def users(cluster: Cluster, number: int) -> list[str]:
    """Hub API tokens of so many users, who all have an account: the first one signed in for all."""
    made = cluster.hub.newcomers([f"user-{each}" for each in range(number)])
    first, *others = [Owner(name, created) for name, (created, _) in made.items()]
    cluster.sign_in([first.name], cluster.database_url)
    database, cipher = Database(cluster.database_url), Encryption(cluster.keys)
    identities = Identities(database, cipher, shared={"idp"})
    (account,) = SqlStore(database, cipher, first, identities).accounts()
    for owner in others:
        with SqlStore(database, cipher, owner, identities).locked(account.key) as slot:
            slot.save(account)
    database.close()
    return [token for _, token in made.values()]


@contextlib.contextmanager
def limit(files: int) -> Iterator[None]:
    """Whoever is started meanwhile may have so many open files."""
    own, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (own, most))


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--polls", type=int, default=2000)
    parser.add_argument("--files", type=int, default=ENOUGH)
    given = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(ENOUGH, most), most))
    home = Path(tempfile.mkdtemp(prefix="bench-herd-"))
    url, keys = f"sqlite:///{home / 'accounts.sqlite'}", Fernet.generate_key().decode()
    with (
        RogueProvider() as rogue,
        limit(given.files),
        Cluster(home, url, keys, rogue, more=HUB) as cluster,
    ):
        cluster.remove(cluster.replicas[0])
        tokens = users(cluster, given.polls)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(ENOUGH, most), most))
        measure(cluster, tokens, given.files)
    return 0


def measure(cluster: Cluster, tokens: list[str], files: int) -> None:
    """Print what arriving, staying and coming back after a restart costs."""
    say(f"{len(tokens)} polls, {files} open files; load {os.getloadavg()[0]:.1f}")
    port, prefix = cluster.replicas[0].port, cluster.hub.prefix
    spawn = multiprocessing.get_context("spawn")
    asking, other = spawn.Pipe()
    spawn.Process(target=ask, args=(other, port, f"{prefix}{API}token", tokens)).start()
    asking.recv()
    servers = Servers(port, prefix)

    arriving = Phase(cluster, servers, asking)
    servers.start(tokens)
    eventually(servers.all_wait, ARRIVE)
    arriving.report(f"arriving: {servers.waiting} wait")

    steady = Phase(cluster, servers, asking)
    time.sleep(STEADY)
    steady.report(f"steady: {servers.waiting} wait")

    herd = Phase(cluster, servers, asking)
    herd.restart(files)
    eventually(servers.all_wait, ARRIVE)
    herd.report(f"restart and herd: {servers.waiting} wait")

    servers.stop()
    asking.send("")


if __name__ == "__main__":
    sys.exit(main())
