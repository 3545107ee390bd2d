"""Interleaved slices, and what they say: medians and spread."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Figure:
    """One line of the report: what was measured, against which limit."""

    name: str
    samples: Sequence[float]
    unit: str
    limit: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    def __str__(self) -> str:
        low, high = _quartiles(self.samples)
        text = f"{self.name:<58} {self.median:9.3f} {self.unit:<5} [{low:.3f} to {high:.3f}]"
        if self.limit is None:
            return text
        verdict = "ok" if self.median <= self.limit else "ABOVE"
        return f"{text}  limit {self.limit:g}: {verdict}"


def _quartiles(samples: Sequence[float]) -> tuple[float, float]:
    if len(samples) < 2:
        return samples[0], samples[0]
    cuts = statistics.quantiles(samples, n=4)
    return cuts[0], cuts[2]


def interleaved(
    slices: int,
    first: Callable[[], object],
    second: Callable[[], object],
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[list[float], list[float]]:
    """The seconds that each took, slice by slice, taking turns: other work hits both alike."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(slices):
        pairs = list(zip((first, second), times, strict=True))
        for call, samples in pairs if number % 2 else reversed(pairs):
            start = clock()
            call()
            samples.append(clock() - start)
    return times


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Ours over theirs, slice by slice."""
    return [a / b for a, b in zip(ours, theirs, strict=True)]
