"""What the Hub said of tokens, kept for as long as it is believed."""

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
RENEWED = 45.0  # seconds after which the Hub is asked again, while what it said is still believed
PAUSE = 5.0  # seconds until a Hub that gave no answer is asked again for what is believed
REFUSED = 30.0  # seconds that a token which the Hub does not know is not asked for again
REMEMBERED = 20_000  # tokens


@dataclass
class _Known(Generic[T]):
    what: T
    believed_until: float
    ask_again: float


class KnownTokens(Generic[T]):
    """What was said of each token. Nobody waits for what is known to be said once more.

    Those who ask at once share one question. A token that was known once is remembered as such also
    when it has to be asked for again: ``ask`` gets what was said before. ``clock``: in seconds.
    """

    def __init__(self, most: int = REMEMBERED, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._said: OrderedDict[str, _Known[T]] = OrderedDict()
        self._refused: OrderedDict[str, tuple[float, str, str]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[T]] = {}

    async def get(self, key: str, ask: Callable[[T | None], Awaitable[T]]) -> T:
        """What ``ask`` returned of ``key``, or returns or raises now.

        BrokerUnavailable that waiting does not cure means that the Hub knows no such token.
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
            # Nobody may wait for it: then nobody is to be told of its error either.
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
