"""A crowd that failed at once does not come back at once. Issue 11, point 6."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from jupyter_auth.core.common.backoff import FIRST, LONGEST, Backoff, requested_pause
from jupyter_auth.core.common.request_errors import Throttled
from jupyter_auth.core.errors import BrokerUnavailable
from jupyter_auth.core.wire import error_from_wire

if TYPE_CHECKING:
    from clock import Clock

CROWD = 2000


def longest(lowest: float, highest: float) -> float:
    """Instead of chance."""
    del lowest
    return highest


def test_each_pause_may_be_twice_as_long_up_to_a_limit_and_an_answer_ends_that() -> None:
    backoff = Backoff(chance=longest)
    assert [backoff.pause() for _ in range(6)] == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    backoff.reset()
    assert backoff.pause() == FIRST


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_a_crowd_spreads_over_all_of_the_pause(failures: int) -> None:
    """Of 2,000 who failed together as often, none of eight parts of the time has a fifth."""
    chance = random.Random(11).uniform  # noqa: S311 (the same crowd each time)
    crowd = [Backoff(chance=chance) for _ in range(CROWD)]
    for _ in range(failures):
        pauses = [each.pause() for each in crowd]
    whole = FIRST * 2 ** (failures - 1)
    parts = Counter(int(8 * pause / whole) for pause in pauses)
    assert set(parts) == set(range(8))
    assert max(parts.values()) < CROWD / 5


def test_nobody_comes_before_the_time_that_an_answer_names_nor_all_at_it(clock: Clock) -> None:
    def pauses(error: Exception) -> tuple[float, float]:
        soonest = Backoff(chance=min, clock=clock).pause(error)
        return soonest, Backoff(chance=longest, clock=clock).pause(error)

    assert pauses(BrokerUnavailable("Full.", retry_after=10.0)) == (10.0, 20.0)
    assert pauses(Throttled("Too many.", retry_at=clock() + 5)) == (5.0, 10.0)
    assert pauses(Throttled("Too many.", retry_at=clock() - 5)) == (0.0, FIRST)
    assert pauses(BrokerUnavailable("Full.", retry_after=1e9)) == (LONGEST, 2 * LONGEST)
    assert pauses(BrokerUnavailable("Gone.")) == (0.0, FIRST)
    assert requested_pause(None) == 0.0


def test_what_it_asks_for_travels_and_nothing_else_does() -> None:
    told = BrokerUnavailable("Full.", hint="Later.", retry_after=10.0)
    assert requested_pause(error_from_wire(told.to_wire())) == 10.0
    assert set(BrokerUnavailable("Gone.").to_wire()) == {"code", "message", "hint"}


def test_the_numbers_of_a_notebook_that_seeds_its_own_are_left_alone():
    random.seed(7)
    before = random.getstate()
    Backoff().pause()
    assert random.getstate() == before
