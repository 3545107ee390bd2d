"""A cache of what the Hub says of tokens."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from jupyter_auth.core.errors import BrokerUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")
V = TypeVar("V")

BELIEVED = 60.0  # seconds; also how long a deleted user is still served
RENEWED = 45.0  # seconds after which the Hub is asked again in the background
PAUSE = 5.0  # seconds until a Hub that gave no answer is asked again
REFUSED = 30.0  # seconds for which a token is refused that the Hub did not know
REMEMBERED = 20_000  # tokens


@dataclass
class _Known(Generic[T]):
    what: T
    believed_until: float
    ask_again: float


class KnownTokens(Generic[T]):
    """Caches what the Hub says of each token, and renews it in the background.

    Concurrent requests share one question. ``ask`` is given the previous answer, even an old one.
    """

    def __init__(self, most: int = REMEMBERED, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._said: OrderedDict[str, _Known[T]] = OrderedDict()
        self._refused: OrderedDict[str, tuple[float, str, str]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[T]] = {}

    async def get(self, key: str, ask: Callable[[T | None], Awaitable[T]]) -> T:
        """What ``ask`` returned for ``key``, or returns or raises now.

        BrokerUnavailable without ``retry_after`` means that the Hub does not know the token.
        """
        now, said = self._clock(), self._said.get(key)
        if said is not None:
            self._said.move_to_end(key)
            if now < said.believed_until:
                if now >= said.ask_again:
                    self._asked(key, ask)
                return said.what
        if refused := self._refused.get(key):
            until, message, hint = refused
            if now < until:
                raise BrokerUnavailable(message, hint=hint)
        return await asyncio.shield(self._asked(key, ask))

    def _asked(self, key: str, ask: Callable[[T | None], Awaitable[T]]) -> asyncio.Task[T]:
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._renewed(key, ask))
            # In the background no caller retrieves its error.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    async def _renewed(self, key: str, ask: Callable[[T | None], Awaitable[T]]) -> T:
        before, now = self._said.get(key), self._clock()
        if before:
            before.ask_again = now + PAUSE
        try:
            what = await ask(before.what if before else None)
        except BrokerUnavailable as error:
            if not error.retry_after:
                self._said.pop(key, None)
                refused = now + REFUSED, error.message, error.hint
                _keep(self._refused, key, refused, self._most)
            raise
        finally:
            del self._asking[key]
        _keep(self._said, key, _Known(what, now + BELIEVED, now + RENEWED), self._most)
        return what


def _keep(kept: OrderedDict[str, V], key: str, value: V, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)
