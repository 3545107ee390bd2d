"""The token on each request to the right origin, and another one where it is refused."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from requests import Session, codes
from requests.auth import AuthBase
from requests.cookies import extract_cookies_to_jar
from requests.exceptions import UnrewindableBodyError
from requests.utils import get_environ_proxies, rewind_body, select_proxy

from jupyter_auth.core.secret import MaskedStr
from jupyter_auth.kernel.http.origin_bound import (
    REFUSED,
    OriginBoundTokens,
    headers_at,
    refuse_proxy,
)
from jupyter_auth.kernel.http.rate_limits import RETRIES

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

    from jupyter_auth.core.models import Token
    from jupyter_auth.kernel.http.rate_limits import Throttling


class _Sent(MaskedStr):
    """A header's value that came from ``token``. It prints and pickles as nothing."""

    __slots__ = ("token",)
    token: Token

    def __str__(self) -> str:
        return "…"

    def __reduce__(self) -> tuple[object, ...]:
        return str, ("…",)

    def __copy__(self) -> _Sent:
        return self

    def __deepcopy__(self, memo: object) -> _Sent:
        return self


def _sent(token: Token, url: str) -> tuple[tuple[str, _Sent], ...]:
    values = []
    for name, value in headers_at(url, token).items():
        sent = _Sent(value.reveal())
        sent.token = token
        values.append((name, sent))
    return tuple(values)


class TokenAuth(OriginBoundTokens, AuthBase):
    """``auth=`` for requests: ``requests.get(url, auth=TokenAuth("github"))``.

    ``source``: a provider's name; for more, and the other arguments, see ``OriginBoundTokens``. A
    request elsewhere goes out without the token. An answer whose status is in ``refresh_on`` brings
    one new token and one retry.

    Raises what ``TokenSource.token`` raises, when a request is made, and Throttled;
    ConfigurationError where a proxy of the environment would see the token in the clear. One that
    a session of requests has as its own (``proxies=``) is not known here.
    """

    _last: tuple[Token | None, tuple[tuple[str, _Sent], ...]] = (None, ())

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add the token's headers if the request goes to one of the origins."""
        url = request.url or ""
        if _through_proxy(url) and self.allows(url):
            refuse_proxy(url)
        return self.attach(request)

    def attach(self, request: PreparedRequest) -> PreparedRequest:
        """The same for a session that passes no proxy on its way to this machine."""
        self.sign(request)
        request.hooks["response"].append(self._answered)
        return request

    def sign(self, request: PreparedRequest, url: str | None = None) -> None:
        """Put the current token's headers on, if they may go to ``url``: the request's own."""
        url = url or request.url or ""
        if url.startswith(self._prefixes):
            if self._check:
                self._check()
            token = self._source.token()
            last = self._last
            if last[0] is not token or token.headers_at:  # those differ from place to place
                last = self._last = (token, _sent(token, url))
            headers = request.headers
            for name, value in last[1]:
                headers[name] = value

    def unsign(self, request: PreparedRequest) -> None:
        """Take off what ``sign`` put on, whatever its name."""
        for name, value in list(request.headers.items()):
            if isinstance(value, _Sent):
                del request.headers[name]

    def signs(self, request: PreparedRequest) -> bool:
        """Whether the request was made with this ``auth``, and not with one of the caller's."""
        return self._answered in request.hooks["response"]

    def _answered(self, response: Response, **kwargs: Any) -> Response:
        request = response.request
        token = _token_of(request)
        if token and self._limits:
            response = self._patiently(response, token, self._limits, kwargs)
        if response.status_code < codes.multiple_choices:
            return response
        if token and response.status_code in self._refresh_on:
            response = self._again(response, token, kwargs)
        elif not token and response.status_code in REFUSED:
            self._warn(response.url, response.status_code)
        if response.is_redirect:
            self._sign_next(request, response)
        return response

    def _sign_next(self, request: PreparedRequest, response: Response) -> None:
        """Strip a request that was redirected, and sign it for where it is sent now.

        requests makes the next one of it, with all its headers but ``Authorization`` wherever that
        goes. It is asked itself where: no other reading of ``Location`` is sure to be the same.
        """
        self.unsign(request)
        history = response.history
        with Session() as resolver:
            resolver.trust_env = False
            steps = resolver.resolve_redirects(response, request, yield_requests=True)
            following = cast("PreparedRequest | None", next(steps, None))
        response.history = history
        url = following.url or "" if following else ""  # an empty Location leads nowhere
        if self.allows(url) and not _through_proxy(url):
            self.sign(request, url)

    def _patiently(
        self, response: Response, token: Token, limits: Throttling, kwargs: dict[str, Any]
    ) -> Response:
        """The answer once the wait that the API asks for is over, if it is short."""
        limits.saw(response)
        for _ in range(RETRIES):
            pause = limits.pause(response)
            if pause is None or not _rewound(response.request):
                break
            _free(response, kwargs)
            limits.sleep(pause)
            response = self._repeated(response, token, kwargs)
            limits.saw(response)
        return response

    def _again(self, response: Response, token: Token, kwargs: dict[str, Any]) -> Response:
        """The answer to the same request with another token; ``response`` where there is none."""
        _free(response, kwargs)
        fresh = self._source.rejected(token)
        if fresh.digest == token.digest or not _rewound(response.request):
            return response
        answer = self._repeated(response, fresh, kwargs)
        if self._limits:
            self._limits.saw(answer)
        return answer

    def _repeated(self, response: Response, token: Token, kwargs: dict[str, Any]) -> Response:
        """The answer to the same request, sent again. The way of requests' own HTTPDigestAuth."""
        request = response.request
        response.close()
        again = request.copy()
        jar = cast("Any", again)._cookies  # noqa: SLF001
        extract_cookies_to_jar(jar, request, response.raw)  # type: ignore[no-untyped-call]
        again.headers.pop("Cookie", None)
        again.prepare_cookies(jar)
        self.unsign(again)
        for name, value in _sent(token, again.url or ""):
            again.headers[name] = value
        start = time.perf_counter()
        answer: Response = cast("Any", response).connection.send(again, **kwargs)
        answer.elapsed = timedelta(seconds=time.perf_counter() - start)
        answer.history = [*response.history, response]
        answer.request = again
        return answer


def _through_proxy(url: str) -> bool:
    """Whether requests would give it, in the clear, to a proxy that the environment names."""
    return url.startswith("http:") and bool(select_proxy(url, get_environ_proxies(url)))


def _free(response: Response, kwargs: dict[str, Any]) -> None:
    """Read it to the end, so that its connection is free again; not what the caller streams."""
    if not kwargs.get("stream"):
        _ = response.content


def _token_of(request: PreparedRequest) -> Token | None:
    values = request.headers.values()
    return next((value.token for value in values if isinstance(value, _Sent)), None)


def _rewound(request: PreparedRequest) -> bool:
    """Whether the body can be sent again from its beginning, and now stands there."""
    body: Any = request.body
    if body is None or isinstance(body, (bytes, bytearray, str)):
        return True
    try:
        rewind_body(request)
    except UnrewindableBodyError:
        return False
    return True
