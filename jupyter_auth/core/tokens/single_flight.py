"""Callers who want the same thing at once share one attempt and its outcome."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Result = TypeVar("Result")


class SingleFlight(Generic[Result]):
    """At most one call per key at a time in this process; who comes meanwhile gets its outcome.

    A call has a thread of its own, so that no interrupt of those who wait for it ends it half-way:
    a refresh token would be spent, and the new one lost.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._flights: dict[Hashable, Future[Result]] = {}

    def run(self, key: Hashable, call: Callable[[], Result]) -> tuple[Result, bool]:
        """The outcome, and whether it was ``call`` that made it. Raises what the call raised."""
        with self._guard:
            flight = self._flights.get(key)
            if mine := flight is None:
                flight = Future()
                thread = threading.Thread(
                    target=self._fly, args=(key, flight, call), name="jupyter_auth refresh"
                )
                thread.start()  # first: an interrupt leaves no flight here that nobody flies
                self._flights[key] = flight
        return flight.result(), mine

    def run_for(
        self, key: Hashable, call: Callable[[], Result], will_do: Callable[[Result], bool]
    ) -> Result:
        """The same outcome; of a second attempt where the shared one of others will not do."""
        result, mine = self.run(key, call)
        return result if mine or will_do(result) else self.run(key, call)[0]

    def _fly(self, key: Hashable, flight: Future[Result], call: Callable[[], Result]) -> None:
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 (whoever shares the flight shares its end)
            self._land(key, flight)
            flight.set_exception(error)
        else:
            self._land(key, flight)
            flight.set_result(result)

    def _land(self, key: Hashable, flight: Future[Result]) -> None:
        with self._guard:
            if self._flights.get(key) is flight:
                del self._flights[key]
