"""Adds the token to requests of httpx and httpx2 to the API, and a new one where it is refused.

Which of the two a client is of is seen when it sends: ``HttpxAuth`` is an ``Auth`` of each that is
installed.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import AsyncGenerator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from urllib.request import getproxies

from anyio import to_thread

from jupyter_auth.core.common.tracebacks import forget_locals
from jupyter_auth.kernel.http.origin_bound import (
    REFUSED,
    OriginBoundTokens,
    headers_at,
    refuse_proxy,
)
from jupyter_auth.kernel.http.refusals import demand_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    import httpx
    import httpx2

    from jupyter_auth.core.models import Challenge, Token

P = ParamSpec("P")
R = TypeVar("R")


def _installed() -> list[Any]:
    """Each client once: ``httpx2.alias_httpx`` makes one stand for the other."""
    found = {}
    for name in ("httpx", "httpx2"):
        with suppress(ImportError):
            module = importlib.import_module(name)
            found[module.Auth] = module
    if not found:
        raise ImportError(name="httpx")
    return list(found.values())


CLIENTS = _installed()

if TYPE_CHECKING:
    from httpx import Headers as _Headers

    class _Auth(httpx.Auth, httpx2.Auth):  # type: ignore[misc]
        """An ``auth`` for both."""
else:
    _Headers = object
    _Auth = type("_Auth", tuple(each.Auth for each in CLIENTS), {})


class HttpxAuth(OriginBoundTokens, _Auth):  # type: ignore[misc]
    """What ``httpx_auth`` returns, for clients of both kinds."""

    allowing = "httpx_auth(..., origins={})"

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any]:
        """Send the request with the token, and again with a new one if that is refused."""
        with _forgetting():
            if not self._reaches(request):
                self._refused((yield request))
                return
            request.read()  # so that it can be sent again
            token = self._sign(request)
            response = yield request
            self._saw(response)
            again = response.request
            if self._refused(response, token) and (fresh := self._sign_again(again, token)):
                token, response = fresh, (yield again)
                self._saw(response)
            demand = self._demand(response, token)
            tokens = self._tokens_for(demand, token)
            while demand and (fresh := next(tokens, None)):
                _put(fresh, response.request)
                response = yield response.request
                self._saw(response)
                demand, token = self._demand(response, fresh), fresh
            if demand:
                self._warn_of_demand(response, demand, token)

    def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """``sync_auth_flow``; what may wait for a token runs in a thread."""
        return _Forgetting(self._on_a_loop(request))

    async def _on_a_loop(self, request: Any) -> AsyncGenerator[Any, Any]:
        if not self._reaches(request):
            self._refused((yield request))
            return
        await request.aread()
        token = await _in_thread(self._sign, request)
        response = yield request
        await _in_thread(self._saw, response)
        again = response.request
        refused = self._refused(response, token)
        if refused and (fresh := await _in_thread(self._sign_again, again, token)):
            token, response = fresh, (yield again)
            await _in_thread(self._saw, response)
        demand = self._demand(response, token)
        tokens = self._tokens_for(demand, token)
        while demand and (fresh := await _in_thread(next, tokens, None)):
            _put(fresh, response.request)
            response = yield response.request
            await _in_thread(self._saw, response)
            demand, token = self._demand(response, fresh), fresh
        if demand:
            self._warn_of_demand(response, demand, token)

    def _reaches(self, request: httpx.Request) -> bool:
        return self.allows(_origin(request))

    def _sign(self, request: httpx.Request) -> Token:
        """Add the current token, and return it."""
        if self._check:
            self._check()
        source = self.source_at(_origin(request)) or self._source
        token = source.token()
        _put(token, request)
        return token

    def _saw(self, response: httpx.Response) -> None:
        if self._limits:
            self._limits.saw(response)

    def _refused(self, response: httpx.Response, token: Token | None = None) -> bool:
        """Whether to ask again with a new token, or with the one that a redirect took off.

        The latter is for safe methods only. Warns of a refusal where the token is not sent.
        """
        request = response.request
        if self._reaches(request):
            lost = token and response.history and not _carries(request, token)
            again = lost and request.method in {"GET", "HEAD", "OPTIONS"}
            return again or self._is_dead(response)
        if response.status_code in REFUSED:
            self._warn(str(response.url), response.status_code)
        return False

    def _demand(self, response: httpx.Response, token: Token) -> Challenge | None:
        """See ``demand_of``; what does not get the token demands nothing."""
        request = response.request
        sent = self._reaches(request) and _carries(request, token)
        return demand_of(response, str(request.url)) if sent else None

    def _sign_again(self, request: httpx.Request, token: Token) -> Token | None:
        """Add a new token, or the one that a redirect took off; None if there is none."""
        if _carries(request, token):
            refused, token = token, self.source_of(token).rejected(token)
            if token.digest == refused.digest:
                return None
        _put(token, request)
        return token


def _origin(request: httpx.Request) -> str:
    return str(request.url.copy_with(path="/", query=None, fragment=None))


class _Hiding(_Headers):
    """Headers of which some are sent, but not copied.

    On a redirect to another origin httpx copies all of them but ``Authorization``.
    """

    def __init__(self, headers: Any, hidden: list[tuple[bytes, bytes]]) -> None:
        super().__init__(headers)
        self._hidden = hidden

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        return [*super().raw, *self._hidden]


_SENDING = [type("_Sending", (_Hiding, each.Headers), {}) for each in CLIENTS]


def _sending(headers: Any, hidden: list[tuple[bytes, bytes]]) -> Any:
    kind = next(kind for kind in _SENDING if isinstance(headers, kind.__bases__[1]))
    return kind(headers, hidden)


def _put(token: Token, request: httpx.Request) -> None:
    if _through_proxy(request.url):
        refuse_proxy(str(request.url))
    hidden = []
    for name, value in headers_at(str(request.url), token).items():
        request.headers.pop(name, None)
        if name.lower() == "authorization" and not _may_be_upgraded(request.url):
            request.headers[name] = value.reveal()
        else:
            hidden.append((name.encode(), value.reveal().encode()))
    if hidden:
        request.headers = _sending(request.headers, hidden)


def _may_be_upgraded(url: httpx.URL) -> bool:
    """Whether httpx would keep ``Authorization`` on a redirect to https: to another origin."""
    return url.scheme == "http" and url.port is None


def _through_proxy(url: httpx.URL) -> bool:
    """Whether httpx may send it unencrypted through a proxy of the environment."""
    named = getproxies()
    spared = {each.strip() for each in named.get("no", "").split(",")}
    if url.scheme != "http" or {"*", url.host} & spared:
        return False
    return "http" in named or "all" in named


def _carries(request: httpx.Request, token: Token) -> bool:
    sent = {(name.lower(), value) for name, value in request.headers.raw}
    return all(
        (name.lower().encode(), value.reveal().encode()) in sent
        for name, value in headers_at(str(request.url), token).items()
    )


async def _in_thread(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    return await to_thread.run_sync(partial(call, *args, **kwargs), abandon_on_cancel=True)


@contextmanager
def _forgetting() -> Iterator[None]:
    """Clear the frames of an error that closes a flow: they hold what was sent."""
    try:
        yield
    except BaseException as error:  # GeneratorExit, and that error is its context
        forget_locals(error)
        raise


class _Forgetting(AsyncGenerator[Any, Any]):
    """``_forgetting`` for an asynchronous flow, where GeneratorExit has no context."""

    def __init__(self, flow: AsyncGenerator[Any, Any]) -> None:
        self._flow = flow

    async def asend(self, response: Any) -> Any:
        return await self._flow.asend(response)

    async def athrow(self, *error: Any) -> Any:
        return await self._flow.athrow(*error)

    async def aclose(self) -> None:
        if error := sys.exception():
            forget_locals(error)
        await self._flow.aclose()
