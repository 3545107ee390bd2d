"""How many unknown tokens are looked up at the Hub at a time, and in which order."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict, deque
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.errors import BrokerUnavailable, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from ipaddress import IPv4Network, IPv6Network

    from tornado.httputil import HTTPServerRequest

LOOK_UPS = 8  # at a time: the Hub, which is one thread, always has others to answer as well
QUEUE = 4096  # that wait for one source
PATIENCE = 30.0  # seconds that one waits: after a restart every token is new here
RETRY_AFTER = 5.0  # seconds


class LookupTurns:
    """At most ``most`` at a time. Sources take turns, so that a flood from one delays no other."""

    def __init__(self, most: int = LOOK_UPS) -> None:
        self._free = most
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @contextlib.asynccontextmanager
    async def of(self, source: str) -> AsyncIterator[None]:
        """Wait for a turn of ``source``, as a rule an address. BrokerUnavailable: too long."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(source)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, source: str) -> None:
        queue = self._waiting.setdefault(source, deque())
        if len(queue) >= QUEUE:
            raise _busy()
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        queue.append(turn)
        timer = loop.call_later(PATIENCE, _give_up, turn)
        try:
            await turn
        finally:
            timer.cancel()

    def _pass_on(self) -> None:
        while self._waiting:
            source, queue = self._waiting.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._waiting[source] = queue  # behind the others
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


def _give_up(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_exception(_busy())


def _busy() -> BrokerUnavailable:
    return BrokerUnavailable(
        "Too many unknown tokens are being checked with the Hub.",
        hint="Try again in a moment.",
        retry_after=RETRY_AFTER,
    )


class TrustedProxies:
    """The proxies, by address or network, whose ``X-Forwarded-For`` is believed.

    Raises:
        ConfigurationError: an entry is neither.
    """

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        self._networks: list[IPv4Network | IPv6Network] = []
        for each in trusted:
            try:
                self._networks.append(ip_network(each.strip()))
            except ValueError:
                raise ConfigurationError(
                    f"trusted_downstream contains {each!r:.80}, which is neither an address nor"
                    " a network.",
                    hint="Use 10.0.0.7, or 10.0.0.0/24 for all addresses that begin with 10.0.0.",
                ) from None

    def source_of(self, request: HTTPServerRequest) -> str:
        """The request's address; of IPv6 its /64 network (RFC 7421)."""
        address = self.address_of(request)
        whole = ip_address(address) if _is_address(address) else None
        if isinstance(whole, IPv6Address) and not whole.ipv4_mapped:
            return str(IPv6Address(int(whole) >> 64 << 64))
        return address

    def address_of(self, request: HTTPServerRequest) -> str:
        """The nearest address that is not a trusted proxy's.

        ``X-Forwarded-For`` counts as far from its end as trusted proxies wrote it, no other header.
        """
        connection: Any = request.connection
        nearest = str(connection.context.address[0])
        before = request.headers.get("X-Forwarded-For", "").split(",")
        while before and self._trusts(nearest) and _is_address(said := before.pop().strip()):
            nearest = said
        return nearest

    def _trusts(self, address: str) -> bool:
        return _is_address(address) and any(ip_address(address) in each for each in self._networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
