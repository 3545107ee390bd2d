"""Concurrent callers share one call and its outcome."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

from jupyter_auth.core.pyodide import IN_PYODIDE

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Result = TypeVar("Result")


class SingleFlight(Generic[Result]):
    """At most one call per key at a time in this process; others get its outcome.

    A call runs in its own thread, so that an interrupt of a waiting caller does not end it
    half-way: a refresh token would be used up, and the new one lost.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._flights: dict[Hashable, Future[Result]] = {}

    def run(self, key: Hashable, call: Callable[[], Result]) -> tuple[Result, bool]:
        """The result, and whether ``call`` made it. Raises what the call raised."""
        if IN_PYODIDE:  # it has one thread
            return call(), True
        with self._guard:
            flight = self._flights.get(key)
            if mine := flight is None:
                flight = Future()
                thread = threading.Thread(
                    target=self._fly, args=(key, flight, call), name="jupyter_auth refresh"
                )
                thread.start()  # first: so an interrupt leaves no flight without a thread
                self._flights[key] = flight
        return flight.result(), mine

    def run_for(
        self, key: Hashable, call: Callable[[], Result], will_do: Callable[[Result], bool]
    ) -> Result:
        """The result; of a second call if the shared one does not do."""
        result, mine = self.run(key, call)
        return result if mine or will_do(result) else self.run(key, call)[0]

    def _fly(self, key: Hashable, flight: Future[Result], call: Callable[[], Result]) -> None:
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 (all callers get it)
            self._land(key, flight)
            flight.set_exception(error)
        else:
            self._land(key, flight)
            flight.set_result(result)

    def _land(self, key: Hashable, flight: Future[Result]) -> None:
        with self._guard:
            if self._flights.get(key) is flight:
                del self._flights[key]
