"""Two replicas of the service behind one address: one refresh for all, and nothing lost."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
import requests

from hub.hubs import KEYS
from hub.replicas.cluster import Cluster
from hub.storage.postgres import Postgres
from jupyter_auth.server.hub.storage.database import LEASE
from patience import until
from providers.rogue import RogueProvider
from providers.troubles import Gate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.long, pytest.mark.timeout(500)]

USERS, CLIENTS = 200, 4
OK = 'jupyter_auth_tokens_total{outcome="ok"}'


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("cluster")
    with ExitStack() as stack:
        rogue = stack.enter_context(RogueProvider())
        url, postgres = f"sqlite:///{home / 'accounts.sqlite'}", None
        if request.param == "postgresql":
            postgres = stack.enter_context(Postgres(home / "postgres"))
            url = postgres.url
        cluster = stack.enter_context(Cluster(home, url, KEYS, rogue))
        cluster.postgres = postgres
        yield cluster


@pytest.fixture
def crowd(cluster: Cluster, request: pytest.FixtureRequest) -> dict[str, str]:
    """Users who are signed in, all with tokens that have run out; their Hub API tokens."""
    number = getattr(request, "param", 40)
    cluster.rogue.access_token_ttl = 1
    prefix = f"u{time.monotonic_ns() % 10**9}-"
    tokens = cluster.users([f"{prefix}{i}" for i in range(number)])
    time.sleep(1.1)  # the last of them has run out too
    cluster.rogue.access_token_ttl = 3600
    cluster.rogue.refreshes = cluster.rogue.reuses = 0
    return tokens


def everybody(
    cluster: Cluster, crowd: dict[str, str], ask: Callable[[str], tuple[int, Any]] | None = None
) -> Counter[int]:
    """All clients of all users ask at once; how many got which status."""
    with ThreadPoolExecutor(64) as pool:
        answers = pool.map(
            ask or cluster.token, [t for t in crowd.values() for _ in range(CLIENTS)]
        )
        return Counter(status for status, _ in answers)


def patient(cluster: Cluster) -> Callable[[str], tuple[int, Any]]:
    """A client that tries again for as long as nothing final is said."""

    def ask(token: str) -> tuple[int, Any]:
        end = time.monotonic() + LEASE + 60
        while True:
            try:
                status, answer = cluster.token(token)
            except (requests.RequestException, ValueError):
                status, answer = 0, {}
            if status in {200, 401} or time.monotonic() > end:
                return status, answer
            time.sleep(0.2)

    return ask


@pytest.mark.parametrize("crowd", [USERS], indirect=True)
def test_one_refresh_for_each_user_and_no_reuse(cluster: Cluster, crowd: dict[str, str]) -> None:
    assert everybody(cluster, crowd) == {200: USERS * CLIENTS}
    assert (cluster.rogue.refreshes, cluster.rogue.reuses) == (USERS, 0)


def test_a_login_begun_on_one_is_finished_on_another_and_cookies_hold_on_each(
    cluster: Cluster,
) -> None:
    kernel = cluster.hub.server("alice").kernel()
    for number in range(5):
        login = kernel.begin(session_key=str(number))
        browser = cluster.hub.browser("alice").at(f"{cluster.hub.prefix}services/")
        url = browser.open(login)
        assert browser.arrive(cluster.rogue.authorize(url)) == login["path"]
        assert "Signed in" in browser.page(login["path"])
        assert kernel.call("GET", f"logins/{login['id']}")["status"] == "complete"


def test_a_rolling_restart_is_not_noticed(cluster: Cluster, crowd: dict[str, str]) -> None:
    """Not by those either whose tokens are being refreshed: these run out all the time."""
    cluster.rogue.access_token_ttl = 1
    restarted = threading.Event()

    def asking() -> Counter[int]:
        answers: Counter[int] = Counter()
        while not restarted.is_set():
            answers += everybody(cluster, crowd)
        return answers

    with ThreadPoolExecutor() as pool:
        answers = pool.submit(asking)
        try:
            for old in list(cluster.replicas):
                before = cluster.rogue.refreshes
                cluster.add()
                until(lambda: cluster.rogue.refreshes > before)  # noqa: B023 (called at once)
                cluster.remove(old)
        finally:
            restarted.set()
        assert set(answers.result()) == {200}
    assert cluster.rogue.reuses == 0


def kill_one_while_it_refreshes(
    cluster: Cluster, crowd: dict[str, str]
) -> tuple[int, Counter[int], list[dict[str, Any]]]:
    """How many refreshes were under way, what all clients heard, and what those hear for good who
    are signed in no longer.
    """
    gate = cluster.rogue.script("refresh", Gate(after=True))
    victim = cluster.replicas.pop(0)
    others = [replica.port for replica in cluster.replicas]
    with ThreadPoolExecutor() as pool:
        cluster.balancer.ports[:] = [victim.port]  # so that it is one which refreshes
        asking = pool.submit(everybody, cluster, crowd, patient(cluster))
        until(lambda: gate.waiting >= 2)
        victim.kill()
        cluster.rogue.settle(gate)  # also what it had sent, and was not read yet
        in_flight = cluster.rogue.refreshes
        cluster.rogue.behave()  # or a refresh of another replica might be held for too long
        cluster.balancer.ports[:] = others
        cluster.add()
        outcome = asking.result()
    with ThreadPoolExecutor(16) as pool:
        final = list(pool.map(patient(cluster), crowd.values()))
    return in_flight, outcome, [answer for status, answer in final if status != 200]


def test_kill_9_ends_those_sign_ins_alone_whose_refresh_was_under_way(
    cluster: Cluster, crowd: dict[str, str]
) -> None:
    """With strict reuse detection: the new refresh token died with the process."""
    in_flight, outcome, lost = kill_one_while_it_refreshes(cluster, crowd)
    assert {answer["code"] for answer in lost} <= {"refresh_rejected", "login_required"}
    assert len(lost) == in_flight
    assert set(outcome) <= {200, 401}
    assert cluster.rogue.reuses == len(lost)


def test_kill_9_loses_nothing_where_a_spent_refresh_token_is_taken_for_a_while(
    cluster: Cluster, crowd: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by ``REFRESH_TOKEN_GRACE_PERIOD_SECONDS`` of django-oauth-toolkit."""
    monkeypatch.setattr(cluster.rogue, "grace", 2 * LEASE)
    _, outcome, lost = kill_one_while_it_refreshes(cluster, crowd)
    assert outcome == {200: len(crowd) * CLIENTS}
    assert not lost
    assert cluster.rogue.refreshes > len(crowd), "nobody had to ask again"
    assert cluster.rogue.reuses == 0


@pytest.mark.parametrize("cluster", ["postgresql"], indirect=True)
def test_the_database_is_restarted_in_the_middle(cluster: Cluster, crowd: dict[str, str]) -> None:
    with ThreadPoolExecutor() as pool:
        asking = pool.submit(everybody, cluster, crowd, patient(cluster))
        cluster.postgres.stop()
        cluster.postgres.start()
        assert asking.result() == {200: len(crowd) * CLIENTS}
    assert (cluster.rogue.refreshes, cluster.rogue.reuses) == (len(crowd), 0)


@pytest.mark.parametrize("cluster", ["postgresql"], indirect=True)
def test_a_dump_shows_nothing(cluster: Cluster, crowd: dict[str, str]) -> None:
    """Neither as text nor in hexadecimal, as it writes what is stored as bytes."""
    everybody(cluster, crowd)
    dump, held = cluster.postgres.dump(), cluster.rogue
    secrets = [*held._access, *(f.refresh_token for f in held._families if f.refresh_token)]
    assert secrets
    assert not [each for each in secrets if each in dump or each.encode().hex() in dump]


def test_counts_are_those_of_all_replicas_and_never_go_back(
    cluster: Cluster, crowd: dict[str, str]
) -> None:
    headers = {"Authorization": f"token {cluster.hub.api_token}", "Connection": "close"}

    def counted(url: str = cluster.balancer.url) -> float:
        place = f"{url}{cluster.hub.prefix}services/jupyter-auth/metrics"
        told = requests.get(place, headers=headers, timeout=120).text
        found = [line for line in told.splitlines() if line.startswith(OK)]
        return float(found[0].rpartition(" ")[2]) if found else 0.0

    def of_each() -> set[float]:
        return {counted(f"http://127.0.0.1:{each.port}") for each in cluster.replicas}

    until(lambda: len(of_each()) == 1)
    (before,) = of_each()
    killed = cluster.add()
    assert everybody(cluster, crowd) == {200: len(crowd) * CLIENTS}
    until(lambda: of_each() == {before + len(crowd) * CLIENTS})
    killed.kill()
    cluster.replicas.remove(killed)
    assert {counted() for _ in range(6)} == {before + len(crowd) * CLIENTS}
    cluster.balancer.ports.remove(killed.port)
