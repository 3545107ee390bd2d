"""Counts of all replicas, added up in the database: they outlive the replica that counted."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

from prometheus_client import Metric, generate_latest
from prometheus_client.registry import Collector
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from jupyter_auth.core.common.override import override
from jupyter_auth.server.hub.metrics import REGISTRY
from jupyter_auth.server.hub.storage.tables import counters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_auth.server.hub.storage.database import Database

SUMMED = {"counter", "histogram"}  # types of metrics


class SharedCounters:
    """This replica's part in them. All methods may raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._added: dict[str, float] = {}
        self._turn = threading.Lock()

    def add(self) -> None:
        """Add what was counted here since the last call."""
        with self._turn:
            for sample, value in _counted():
                if more := value - self._added.get(sample, 0.0):
                    self._add(sample, more)
                    self._added[sample] = value

    def _add(self, sample: str, more: float) -> None:
        row = counters.c
        raised = update(counters).where(row.sample == sample).values(value=row.value + more)
        if self._database.change(raised):
            return
        try:
            self._database.change(insert(counters).values(sample=sample, value=more))
        except IntegrityError:  # another replica was faster
            self._database.change(raised)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format, with the sums of all replicas."""
        return generate_latest(_Sums(dict(map(tuple, self._database.rows(select(counters))))))


def text_of_replica() -> bytes:
    """The metrics that need no database."""
    return generate_latest(_Sums(None))


def _counted() -> list[tuple[str, float]]:
    """Sorted, so that replicas that add at the same time do not block each other."""
    return sorted(
        (json.dumps([family.name, each.name, each.labels], sort_keys=True), each.value)
        for family in REGISTRY.collect()
        if family.type in SUMMED
        for each in family.samples
        if not each.name.endswith("_created")
    )


class _Sums(Collector):
    """Gauges as they are here, and counts as they are in the database; None: it is away."""

    def __init__(self, found: dict[str, float] | None) -> None:
        self._found = found

    @override
    def collect(self) -> Iterator[Metric]:
        if self._found is None:
            yield from (each for each in REGISTRY.collect() if each.type not in SUMMED)
            return
        sums = dict.fromkeys((sample for sample, _ in _counted()), 0.0) | self._found
        samples = [(*json.loads(sample), value) for sample, value in sums.items()]
        for family in REGISTRY.collect():
            if family.type in SUMMED:
                family.samples = []
                for name, sample, labels, value in sorted(samples, key=_order):
                    if name == family.name:
                        family.add_sample(sample, labels, value)
            yield family


def _order(sample: tuple[str, str, dict[str, str], float]) -> tuple[object, ...]:
    """Buckets of a histogram in turn."""
    _, name, labels, _ = sample
    others = sorted(each for each in labels.items() if each[0] != "le")
    return name, others, float(labels.get("le", 0))
