"""How many tokens that nobody knows yet are looked up at a time, and whose turn it is."""

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
QUEUE = 4096  # that wait in one line
PATIENCE = 30.0  # seconds that one waits: after a restart everybody's token is new here
RETRY_AFTER = 5.0  # seconds that who was refused is told to stay away


class LookupTurns:
    """So many at a time. Those who wait come by turns: the first of each line, one after another.

    Of whoever sends a thousand, the second waits for the first of everybody else.
    """

    def __init__(self, most: int = LOOK_UPS) -> None:
        self._free = most
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @contextlib.asynccontextmanager
    async def of(self, line: str) -> AsyncIterator[None]:
        """A turn of this line, as a rule an address. BrokerUnavailable: it does not come soon."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(line)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, name: str) -> None:
        line = self._waiting.setdefault(name, deque())
        if len(line) >= QUEUE:
            raise _busy()
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        line.append(turn)
        timer = loop.call_later(PATIENCE, _give_up, turn)
        try:
            await turn
        finally:
            timer.cancel()

    def _pass_on(self) -> None:
        while self._waiting:
            name, line = self._waiting.popitem(last=False)
            turn = line.popleft()
            if line:
                self._waiting[name] = line  # behind the others
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
    """The proxies in front of the service: what they say of where a request comes from is believed.

    ``trusted``: their addresses or networks. ConfigurationError: one is neither.
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

    def line_of(self, request: HTTPServerRequest) -> str:
        """Where it comes from: the address nearest to here that is not of a trusted proxy.

        ``X-Forwarded-For`` counts as far from its end as trusted proxies have written it, any other
        header for nothing. Of IPv6 it is the network: a machine has all of a /64 (RFC 7421).
        """
        connection: Any = request.connection
        nearest = str(connection.context.address[0])
        before = request.headers.get("X-Forwarded-For", "").split(",")
        while before and self._trusts(nearest) and _is_address(said := before.pop().strip()):
            nearest = said
        whole = ip_address(nearest) if _is_address(nearest) else None
        if isinstance(whole, IPv6Address) and not whole.ipv4_mapped:
            return str(IPv6Address(int(whole) >> 64 << 64))
        return nearest

    def _trusts(self, address: str) -> bool:
        return _is_address(address) and any(ip_address(address) in each for each in self._networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
