"""Counts of several replicas: each shows the sum, and it outlives them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import delete, select

from jupyter_auth.server.hub.metrics import RENEWALS, TOKENS
from jupyter_auth.server.hub.storage.counters import SharedCounters, text_of_replica
from jupyter_auth.server.hub.storage.database import Database
from jupyter_auth.server.hub.storage.tables import counters

if TYPE_CHECKING:
    from clock import Clock

OK = ("jupyter_auth_tokens_total", (("outcome", "ok"),))


def told(shared: SharedCounters) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """What Prometheus reads."""
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value
        for family in text_string_to_metric_families(shared.text().decode())
        for each in family.samples
    }


@pytest.fixture
def shared(database: Database) -> SharedCounters:
    """Of a replica that has said all that this process counted before."""
    shared = SharedCounters(database)
    shared.add()
    database.change(delete(counters))
    return shared


def test_replicas_that_count_at_the_same_time_lose_nothing(
    database: Database, url: str, clock: Clock, shared: SharedCounters
) -> None:
    with closing(Database(url, clock)) as second:
        other = SharedCounters(second)
        other._added = dict(shared._added)
        TOKENS.labels("ok").inc(3)
        for _ in range(5):
            TOKENS.labels("ok").inc()
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda each: each.add(), [shared, other, shared, other]))
        assert told(shared) == told(other)
        assert told(other)[OK] == 2 * 8, "each has counted eight"
    fresh = SharedCounters(database)
    assert told(fresh)[OK] == 16, "also for one that has counted nothing"


def test_a_histogram_is_added_up_bucket_by_bucket(shared: SharedCounters) -> None:
    RENEWALS.labels("timed", "ok").observe(0.2)
    RENEWALS.labels("timed", "ok").observe(3.0)
    shared.add()
    found = told(shared)
    name, labels = "jupyter_auth_renewal_seconds", (("outcome", "ok"), ("provider", "timed"))
    buckets = [
        (le, value)
        for (sample, given), value in found.items()
        if sample == f"{name}_bucket" and dict(given)["provider"] == "timed"
        for le in [dict(given)["le"]]
    ]
    assert [le for le, _ in buckets][-2:] == ["30.0", "+Inf"]
    assert [value for _, value in buckets] == [0, 1, 1, 1, 1, 2, 2, 2, 2]
    assert found[f"{name}_count", labels] == 2
    assert found[f"{name}_sum", labels] == pytest.approx(3.2)


def test_nothing_is_told_of_a_process_alone(shared: SharedCounters) -> None:
    for text in (shared.text().decode(), text_of_replica().decode()):
        names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
        assert names
        assert all(name.startswith("jupyter_auth_") for name in names)
        assert "_created" not in text


def test_what_was_added_is_not_added_again(database: Database, shared: SharedCounters) -> None:
    TOKENS.labels("ok").inc()
    shared.add()
    shared.add()
    ((value,),) = database.rows(
        select(counters.c.value)
        .where(counters.c.sample.contains('"ok"'))
        .where(counters.c.sample.contains("tokens_total"))
    )
    assert value == 1
