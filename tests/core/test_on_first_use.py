"""Parts that are made when they are first used."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from jupyter_auth.core.parts import OnFirstUse
from patience import PATIENCE


class Whole:
    """Something with such a part, which several threads begin to make at once."""

    def __init__(self, threads: int) -> None:
        self.together = threading.Barrier(threads)

    @OnFirstUse
    def part(self) -> object:
        """A part."""
        self.together.wait(PATIENCE)
        return object()


def test_it_is_made_once_and_not_before():
    whole = Whole(1)
    assert Whole.part.made(whole) is None
    assert whole.part is whole.part
    assert Whole.part.made(whole) is whole.part
    assert Whole(1).part is not whole.part


def test_several_threads_get_the_same_one():
    whole = Whole(4)
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: whole.part, range(4)))
    assert len(found) == 1


def test_its_documentation_is_that_of_what_makes_it():
    assert Whole.part.__doc__ == "A part."
