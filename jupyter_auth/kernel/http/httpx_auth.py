"""Adds the token to httpx's requests to the API, and a new one where it is refused."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from urllib.request import getproxies

import httpx
from anyio import to_thread

from jupyter_auth.core.common.tracebacks import forget_locals
from jupyter_auth.kernel.http.origin_bound import (
    REFUSED,
    OriginBoundTokens,
    headers_at,
    refuse_proxy,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from jupyter_auth.core.models import Token

P = ParamSpec("P")
R = TypeVar("R")


class HttpxAuth(OriginBoundTokens, httpx.Auth):
    """What ``httpx_auth`` returns, for clients of both kinds."""

    allowing = "httpx_auth(..., origins={})"

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Send the request with the token, and again with a new one if that is refused."""
        with _forgetting():
            if not self._reaches(request):
                self._refused((yield request))
                return
            request.read()  # so that it can be sent again
            token = self._sign(request)
            response = yield request
            self._saw(response)
            if self._refused(response, token) and self._sign_again(response.request, token):
                response = yield response.request
                self._saw(response)

    def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """``sync_auth_flow``; what may wait for a token runs in a thread."""
        return _Forgetting(self._on_a_loop(request))

    async def _on_a_loop(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        if not self._reaches(request):
            self._refused((yield request))
            return
        await request.aread()
        token = await _in_thread(self._sign, request)
        response = yield request
        await _in_thread(self._saw, response)
        again = response.request
        if self._refused(response, token) and await _in_thread(self._sign_again, again, token):
            response = yield again
            await _in_thread(self._saw, response)

    def _reaches(self, request: httpx.Request) -> bool:
        return self.allows(str(request.url.copy_with(path="/", query=None, fragment=None)))

    def _sign(self, request: httpx.Request) -> Token:
        """Add the current token, and return it."""
        if self._check:
            self._check()
        token = self._source.token()
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

    def _sign_again(self, request: httpx.Request, token: Token) -> bool:
        """Add a new token, or the one that a redirect took off; False if there is none."""
        if _carries(request, token):
            refused, token = token, self._source.rejected(token)
            if token.digest == refused.digest:
                return False
        _put(token, request)
        return True


class _Sending(httpx.Headers):
    """Headers of which some are sent, but not copied.

    On a redirect to another origin httpx copies all of them but ``Authorization``.
    """

    def __init__(self, headers: httpx.Headers, hidden: list[tuple[bytes, bytes]]) -> None:
        super().__init__(headers)
        self._hidden = hidden

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        return [*super().raw, *self._hidden]


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
        request.headers = _Sending(request.headers, hidden)


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


class _Forgetting(AsyncGenerator[httpx.Request, httpx.Response]):
    """``_forgetting`` for an asynchronous flow, where GeneratorExit has no context."""

    def __init__(self, flow: AsyncGenerator[httpx.Request, httpx.Response]) -> None:
        self._flow = flow

    async def asend(self, response: httpx.Response) -> httpx.Request:
        return await self._flow.asend(response)

    async def athrow(self, *error: Any) -> httpx.Request:
        return await self._flow.athrow(*error)

    async def aclose(self) -> None:
        if error := sys.exception():
            forget_locals(error)
        await self._flow.aclose()
