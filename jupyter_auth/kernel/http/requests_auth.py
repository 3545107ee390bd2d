"""Adds the token to requests to the API, and a new one where it is refused."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol, cast

from requests import Session, codes
from requests.auth import AuthBase
from requests.cookies import extract_cookies_to_jar
from requests.exceptions import UnrewindableBodyError
from requests.utils import get_environ_proxies, rewind_body, select_proxy

from jupyter_auth.core.common.override import override
from jupyter_auth.core.secret import MaskedStr
from jupyter_auth.kernel.http.origin_bound import (
    REFUSED,
    OriginBoundTokens,
    headers_at,
    refuse_proxy,
)
from jupyter_auth.kernel.http.rate_limits import RETRIES
from jupyter_auth.kernel.http.refusals import demand_of, status_in

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

    from jupyter_auth.core.models import Token
    from jupyter_auth.kernel.http.rate_limits import Throttling


class OtherAccounts(Protocol):
    """What signs the requests to origins of other accounts."""

    def sign(self, request: PreparedRequest, *, redirected: bool) -> None:
        """Add the token of the account of its origin, if there is one."""

    def no_account_at(self, url: str) -> str:
        """Why no token was sent there, and what to do, for a warning."""


class Sent(MaskedStr):
    """A header's value, made of ``token`` by ``auth``. It prints and pickles as ``…``."""

    __slots__ = ("auth", "token")
    token: Token
    auth: TokenAuth

    def __str__(self) -> str:
        return "…"

    def __reduce__(self) -> tuple[object, ...]:
        return str, ("…",)

    def __copy__(self) -> Sent:
        return self

    def __deepcopy__(self, memo: object) -> Sent:
        return self


def sent_with(request: PreparedRequest) -> Sent | None:
    """A header that an account has added, with its token; None if there is none."""
    return next((value for value in request.headers.values() if isinstance(value, Sent)), None)


def sent_for(response: Response) -> Sent | None:
    """``sent_with`` of the request that it answers, also after a redirect has removed that."""
    known = vars(response)
    return known["sent"] if "sent" in known else sent_with(response.request)


class TokenAuth(OriginBoundTokens, AuthBase):
    """``auth=`` for requests: ``requests.get(url, auth=TokenAuth("github"))``.

    A request to another origin is sent without the token. After a response whose status is in
    ``refresh_on``, or which says ``invalid_token`` (RFC 6750 3.1), the request is sent once more
    with a new token. It never asks you to sign in. The errors below are raised when a request is
    made.

    Args:
        source: a provider's name, the address of its API, or a source of tokens together with
            ``origins``.
        session_key: the account's label.
        origins: where the token may be sent, in place of the provider's own origins. A ``*`` stands
            for one label: ``https://*.acme.example``.
        resource: the identifier of another API of the provider's, for a token for that.
        refresh_on: HTTP statuses after which a new token is fetched. Default: the provider's.

    Raises:
        LoginRequired: you are not signed in, or the API demands another sign-in. It is an
            InsufficientScope if that has to have more scopes.
        Throttled: the API's rate limit forbids the call now; it was not sent.
        ProviderUnavailable, BrokerUnavailable: try again.
        ConfigurationError: a proxy of the environment would see the token unencrypted. A session's
            own ``proxies`` are not known here.
    """

    others: OtherAccounts | None = None  # in a session that names no provider
    _last: tuple[Token | None, tuple[tuple[str, Sent], ...]] = (None, ())

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add the token if the request goes to one of the origins."""
        url = request.url or ""
        if _through_proxy(url) and self.allows(url):
            refuse_proxy(url)
        return self.attach(request)

    def attach(self, request: PreparedRequest) -> PreparedRequest:
        """``__call__`` for a session that uses no proxy to this machine."""
        self.sign(request)
        request.hooks["response"].append(self._answered)
        return request

    def sign(
        self, request: PreparedRequest, url: str | None = None, *, redirected: bool = False
    ) -> None:
        """Add the current token's headers, if they may be sent to ``url`` or the request's.

        Elsewhere the ``others`` may. ``redirected``: an API has chosen the URL.
        """
        url = url or request.url or ""
        if source := self.source_at(url):
            if self._check:
                self._check()
            token = source.token()
            last = self._last
            if last[0] is not token or token.headers_at:  # those differ by URL
                last = self._last = (token, self._sent(token, url))
            headers = request.headers
            for name, value in last[1]:
                headers[name] = value
        elif self.others:
            self.others.sign(request, redirected=redirected)

    def _sent(self, token: Token, url: str) -> tuple[tuple[str, Sent], ...]:
        values = []
        for name, value in headers_at(url, token).items():
            sent = Sent(value.reveal())
            sent.token, sent.auth = token, self
            values.append((name, sent))
        return tuple(values)

    def unsign(self, request: PreparedRequest) -> None:
        """Remove the headers that ``sign`` has added."""
        for name, value in list(request.headers.items()):
            if isinstance(value, Sent):
                del request.headers[name]

    def signs(self, request: PreparedRequest) -> bool:
        """Whether the request was made with this ``auth``, and not with the caller's."""
        return self._answered in request.hooks["response"]

    def _answered(self, response: Response, **kwargs: Any) -> Response:
        request = response.request
        if sent := sent_with(request):
            response = sent.auth.settled(response, sent.token, kwargs)
        elif response.status_code in REFUSED:
            self._warn(response.url, response.status_code)
        if response.is_redirect:
            vars(response)["sent"] = sent_with(request)  # for ``sent_for``
            self._sign_next(request, response)
        return response

    def settled(self, response: Response, token: Token, kwargs: dict[str, Any]) -> Response:
        """The response to a request with this token, after a wait or with a new one if needed."""
        if self._limits:
            response = self._patiently(response, token, self._limits, kwargs)
        if self._is_refused(response, streamed=kwargs.get("stream", False)):
            response = self._again(response, token, kwargs)
        return self._demanded(response, kwargs)

    def _is_refused(self, response: Response, *, streamed: bool) -> bool:
        """``_is_dead``, also by the body of a 200: some APIs say in it what others say by status.

        A body that the caller streams is not read.
        """
        if response.status_code >= codes.multiple_choices:
            return self._is_dead(response)
        if streamed or response.status_code != codes.ok:
            return False
        return status_in(response.content) in self._refresh_on

    def _sign_next(self, request: PreparedRequest, response: Response) -> None:
        """Sign a redirected request for its new URL, or remove the token.

        requests copies all its headers but ``Authorization`` to the next one, whatever its URL. It
        is asked for that URL, since another reading of ``Location`` might differ.
        """
        self.unsign(request)
        history = response.history
        with Session() as resolver:
            resolver.trust_env = False
            steps = resolver.resolve_redirects(response, request, yield_requests=True)
            following = cast("PreparedRequest | None", next(steps, None))
        response.history = history
        url = following.url or "" if following else ""  # none for an empty Location
        if self.allows(url) and not _through_proxy(url):
            self.sign(request, url)

    @override
    def why_not(self, url: str) -> str:
        return self.others.no_account_at(url) if self.others else super().why_not(url)

    def _patiently(
        self, response: Response, token: Token, limits: Throttling, kwargs: dict[str, Any]
    ) -> Response:
        """The response after the wait that the API asks for, if it is short."""
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
        """The response to the same request with a new token; ``response`` if there is none."""
        _free(response, kwargs)
        fresh = self.source_of(token).rejected(token)
        if fresh.digest == token.digest or not _rewound(response.request):
            return response
        answer = self._repeated(response, fresh, kwargs)
        if self._limits:
            self._limits.saw(answer)
        return answer

    def _demanded(self, response: Response, kwargs: dict[str, Any]) -> Response:
        """The response once the sign-in has what the API demands; ``response`` if it will not."""
        sent, demand = sent_with(response.request), demand_of(response, response.url)
        if sent is None or demand is None:
            return response
        token = sent.token
        if not _rewound(response.request):
            self._warn_of_demand(response, demand, token, once=True)
            return response
        _free(response, kwargs)
        for fresh in self._tokens_for(demand, token):
            if not _rewound(response.request):
                break
            response, token = self._repeated(response, fresh, kwargs), fresh
            if self._limits:
                self._limits.saw(response)
            if demand_of(response, response.url) is None:
                return response
            _free(response, kwargs)
        self._warn_of_demand(response, demand, token)
        return response

    def _repeated(self, response: Response, token: Token, kwargs: dict[str, Any]) -> Response:
        """The response to the same request, sent again as requests' HTTPDigestAuth does."""
        request = response.request
        response.close()
        again = request.copy()
        jar = cast("Any", again)._cookies  # noqa: SLF001
        extract_cookies_to_jar(jar, request, response.raw)  # type: ignore[no-untyped-call]
        again.headers.pop("Cookie", None)
        again.prepare_cookies(jar)
        self.unsign(again)
        for name, value in self._sent(token, again.url or ""):
            again.headers[name] = value
        start = time.perf_counter()
        answer: Response = cast("Any", response).connection.send(again, **kwargs)
        answer.elapsed = timedelta(seconds=time.perf_counter() - start)
        answer.history = [*response.history, response]
        answer.request = again
        return answer


def _through_proxy(url: str) -> bool:
    """Whether requests would send it unencrypted through a proxy of the environment."""
    return url.startswith("http:") and bool(select_proxy(url, get_environ_proxies(url)))


def _free(response: Response, kwargs: dict[str, Any]) -> None:
    """Read it to the end, which frees its connection, unless the caller streams it."""
    if not kwargs.get("stream"):
        _ = response.content


def _rewound(request: PreparedRequest) -> bool:
    """Whether the body can be sent again, and is at its beginning now."""
    body: Any = request.body
    if body is None or isinstance(body, (bytes, bytearray, str)):
        return True
    try:
        rewind_body(request)
    except UnrewindableBodyError:
        return False
    return True
