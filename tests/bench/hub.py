"""``make bench``: the Hub's service under load, with distinct users whose tokens are valid."""

from __future__ import annotations

import http.client
import os
import random
import secrets
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet
from sqlalchemy import insert

from bench.measure import Figure
from bench.tessera import Tessera
from hub.replicas.cluster import Cluster, Replica
from jupyter_auth.server.hub.storage.database import Database
from jupyter_auth.server.hub.storage.tables import records
from providers.rogue import RogueProvider

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHORT = "--short" in sys.argv
USERS = 12 if SHORT else 200
FEW, MANY = (100, 1000) if SHORT else (1000, 100_000)
SLICES = 2 if SHORT else 12
CALLS = 64 if SHORT else 480  # in a slice
FEWER = 32 if SHORT else 64  # of the peer, which takes longer for each
FEWER_SLICES = 2 if SHORT else 4
BATCH = 500  # rows of one statement
TICKS = os.sysconf("SC_CLK_TCK")


class Load:
    """Calls for tokens at one replica, each of a user drawn at random."""

    method, path, body = "POST", "services/jupyter-auth/api/v1/token", b'{"provider": "idp"}'
    calls = CALLS

    def __init__(self, replica: Replica | Tessera, prefix: str, tokens: Sequence[str]) -> None:
        self._port = replica.port
        self._process = f"/proc/{replica.process.pid}"
        self._url = f"{prefix}{self.path}"
        self._tokens = tokens

    def run(self, clients: int) -> list[float]:
        """The milliseconds that each call took, of so many clients with a connection each."""
        took: list[float] = []
        threads = [
            threading.Thread(target=self._client, args=(self.calls // clients, took))
            for _ in range(clients)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(took) == self.calls // clients * clients, "a call failed"
        return took

    def _client(self, calls: int, took: list[float]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        for _ in range(calls):
            token = random.choice(self._tokens)  # noqa: S311 (a load, no secret)
            headers = {"Authorization": f"Bearer {token}", "Jupyter-Auth-Version": "1"}
            start = time.perf_counter()
            connection.request(self.method, self._url, self.body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                took.append((time.perf_counter() - start) * 1e3)
        connection.close()

    def rate(self, clients: int) -> float:
        """Calls in a second."""
        start = time.perf_counter()
        return len(self.run(clients)) / (time.perf_counter() - start)

    def cpu(self) -> float:
        """The milliseconds of a processor that the replica has used."""
        fields = Path(f"{self._process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS * 1e3

    def memory(self) -> float:
        """The MiB that the replica holds."""
        status = Path(f"{self._process}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


class PeerLoad(Load):
    """The same of jupyterhub-tessera."""

    method, path, body = "GET", "services/tessera/token?server=idp", None
    calls = FEWER


def fill(url: str, accounts: int) -> None:
    """So many accounts of others, whose content nobody opens."""
    database = Database(url)
    for start in range(0, accounts, BATCH):
        database.change(insert(records).values([_row(start + i) for i in range(BATCH)]))
    database.close()


def _row(number: int) -> dict[str, object]:
    return {
        "id": secrets.token_hex(32),
        "owner": secrets.token_hex(32),
        "kind": "account",
        "user_name": f"other-{number}",
        "user_created": "2026",
        "data": secrets.token_bytes(1500),
        "stamp": 1,
        "lease_until": 0.0,
    }


def throughput(load: Load) -> Iterator[Figure]:
    """Distinct users, tokens at hand: what one replica answers, and what it costs."""
    for clients in (1, 8, 32):
        rates, costs = [], []
        for _ in range(SLICES):
            cpu = load.cpu()
            rates.append(load.rate(clients))
            costs.append((load.cpu() - cpu) / CALLS)
        yield Figure(f"tokens of distinct users, {clients} clients", rates, "1/s")
        yield Figure(f"CPU of one of them, {clients} clients", costs, "ms", 2.0)


def growth(few: Load, many: Load) -> Iterator[Figure]:
    """The same with a hundred times as many accounts in the database, taking turns."""
    medians, costs = [], []
    for number in range(SLICES):
        found = {}
        for load in (few, many) if number % 2 else (many, few):
            cpu = load.cpu()
            found[load] = statistics.median(load.run(8)), load.cpu() - cpu
        medians.append(found[many][0] / found[few][0])
        costs.append(found[many][1] / max(found[few][1], 1000 / TICKS))
    yield Figure(f"median time, {MANY} / {FEW} accounts", medians, "x", 1.2)
    yield Figure(f"CPU, {MANY} / {FEW} accounts", costs, "x", 1.2)


def beside(ours: Load, theirs: Load) -> Iterator[Figure]:
    """Both in turns, at one Hub, for the same users; their provider answers in 20 ms."""
    for clients in (1, 8, 32):
        pairs = [(ours.rate(clients), theirs.rate(clients)) for _ in range(FEWER_SLICES)]
        yield Figure(f"tokens of tessera, {clients} clients", [b for _, b in pairs], "1/s")
        shares = [b / a for a, b in pairs]
        yield Figure(f"its tokens / ours, {clients} clients", shares, "x", 1 / 40)


def main() -> int:
    home = Path(tempfile.mkdtemp(prefix="bench-hub-"))
    small, large = (f"sqlite:///{home / name}.sqlite" for name in ("small", "large"))
    keys = Fernet.generate_key().decode()
    with (
        RogueProvider() as rogue,
        Tessera() as peer,
        Cluster(home, small, keys, rogue, more=peer.more) as cluster,
    ):
        names = [f"user-{number}" for number in range(USERS)]
        tokens = list(cluster.users(names).values())
        cluster.sign_in(names, large)
        fill(small, FEW)
        fill(large, MANY)
        few = Load(cluster.replicas[0], cluster.hub.prefix, tokens)
        many = Load(cluster.add(large), cluster.hub.prefix, tokens)
        empty = few.memory()
        for load in (few, many):
            load.run(8)  # the Hub knows them all from now on
        held = (few.memory() - empty) * 1000 / USERS
        sys.stdout.write(f"{Figure('memory for 1,000 users more', [held], 'MiB')}\n")
        peer.start(cluster.hub, home, names)
        theirs = PeerLoad(peer, cluster.hub.prefix, tokens)
        for part in (throughput(few), growth(few, many), beside(few, theirs)):
            for figure in part:
                sys.stdout.write(f"{figure}\n")
                sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
