"""The fault table: what breaks around the service, what that loses, and how soon all is well.

Two replicas on PostgreSQL, a provider that ends a sign-in whose spent refresh token comes again,
and clients who ask all the time for tokens that run out all the time: whatever breaks breaks in the
middle of refreshes. The table is printed at the end.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import pytest
import requests

from hub.hubs import KEYS
from hub.replicas.cluster import Cluster
from hub.replicas.faults import FAULTS, Fault, Late
from hub.storage.postgres import Postgres
from jupyter_auth.server.hub.storage.database import LEASE
from patience import eventually, until
from providers.rogue import RogueProvider

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

USERS, CLIENTS = 24, 2
LIFETIME = 3  # seconds of a token
ANSWER_TIME = 1.0  # seconds of the provider
BETWEEN = 0.5  # seconds between two requests of a client
FINAL = frozenset({200, 401})


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("faults")
    with ExitStack() as stack:
        rogue = stack.enter_context(RogueProvider())
        postgres = stack.enter_context(Postgres(home / "postgres"))
        cluster = stack.enter_context(Cluster(home, postgres.url, KEYS, rogue))
        cluster.postgres = postgres
        yield cluster


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Its lines are printed when all is done."""
    lines = [
        "fault | seconds | users x clients | lost (at most) | recovery, seconds | heard",
        "--- | --- | --- | --- | --- | ---",
    ]
    yield lines
    plugins = request.config.pluginmanager
    with plugins.get_plugin("capturemanager").global_and_fixture_disabled():
        plugins.get_plugin("terminalreporter").write_line("\n\n" + "\n".join(lines))


@dataclass(frozen=True)
class Heard:
    """What a client was answered, and when it had asked."""

    user: str
    asked: float
    status: int
    answer: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.status} {self.answer.get('code', '')}".strip() if self.status else "nothing"


class Clients:
    """All of all users, asking over and over."""

    def __init__(self, cluster: Cluster, tokens: dict[str, str]) -> None:
        self._cluster = cluster
        self._done = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=pair)
            for pair in tokens.items()
            for _ in range(CLIENTS)
        ]
        self._latest: dict[threading.Thread, Heard] = {}
        self.heard: list[Heard] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, user: str, token: str) -> None:
        while not self._done.is_set():
            heard = asked(self._cluster, user, token)
            self.heard.append(heard)
            self._latest[threading.current_thread()] = heard
            self._done.wait(BETWEEN)

    def are_served(self, since: float) -> bool:
        """Whether each has a final answer to what it asked since then."""
        latest = list(self._latest.values())
        return len(latest) == len(self._threads) and all(
            heard.asked >= since and heard.status in FINAL for heard in latest
        )


def asked(cluster: Cluster, user: str, token: str) -> Heard:
    now = time.monotonic()
    try:
        return Heard(user, now, *cluster.token(token))
    except (requests.RequestException, ValueError):
        return Heard(user, now, 0, {})


def lost(cluster: Cluster, tokens: dict[str, str]) -> set[str]:
    """Who cannot be given a new token (any more), at whichever replica."""
    gone: set[str] = set()
    try:
        for replica in cluster.replicas:
            cluster.balancer.ports[:] = [replica.port]
            time.sleep(LIFETIME)  # all have run out
            with ThreadPoolExecutor(USERS) as pool:
                final = pool.map(lambda pair: _final(cluster, *pair), tokens.items())
                gone |= {heard.user for heard in final if heard.status != 200}
    finally:
        cluster.balancer.ports[:] = [replica.port for replica in cluster.replicas]
    return gone


def _final(cluster: Cluster, user: str, token: str) -> Heard:
    heard: list[Heard] = []

    def done() -> bool:
        heard.append(asked(cluster, user, token))
        return heard[-1].status in FINAL

    eventually(done)
    return heard[-1]


@pytest.fixture
def tokens(cluster: Cluster) -> Iterator[dict[str, str]]:
    """Hub API tokens of users who are signed in."""
    rogue = cluster.rogue
    rogue.access_token_ttl, rogue.refreshes, rogue.reuses = LIFETIME, 0, 0
    yield cluster.users([f"u{time.monotonic_ns() % 10**9}-{i}" for i in range(USERS)])
    rogue.behave()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_nothing_is_lost(
    cluster: Cluster,
    tokens: dict[str, str],
    table: list[str],
    fault: Fault,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rogue = cluster.rogue
    monkeypatch.setattr(rogue, "grace", fault.grace)
    late = rogue.script("refresh", Late(ANSWER_TIME))
    with Clients(cluster, tokens) as clients:
        until(lambda: clients.are_served(0.0) and late.waiting >= 4)
        with fault.happens(cluster):
            before = rogue.refreshes - late.waiting
            time.sleep(fault.seconds)
            may_lose = fault.may_lose(rogue.refreshes - before)
        over = time.monotonic()
        recovered = eventually(lambda: clients.are_served(over), LEASE + 60)
        recovery = time.monotonic() - over
    gone = lost(cluster, tokens)
    heard = Counter(map(str, clients.heard))
    said = ", ".join(f"{what}: {number}" for what, number in sorted(heard.items()))
    table.append(
        f"{fault.name} | {fault.seconds:g} | {USERS} x {CLIENTS} | {len(gone)}"
        f" ({may_lose}) | {recovery:.1f} | {said}"
    )
    assert recovered, said
    assert len(gone) <= may_lose, said
    assert {each.user for each in clients.heard if each.status == 401} <= gone, said
    for each in clients.heard:
        if each.status not in FINAL:
            assert (each.status == 503 and each.answer["hint"]) or (fault.cuts and not each.status)
