"""A ``requests.Session`` that is authenticated by itself: what its kinds have in common."""

from __future__ import annotations

import copy
import os
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import urljoin, urlsplit

import requests
from requests.utils import default_user_agent

from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.common.tracebacks import forget_locals
from jupyter_auth.core.common.urls import LOOPBACK_HOSTS, is_loopback
from jupyter_auth.core.errors import AuthError, ConfigurationError
from jupyter_auth.core.secret import MaskedStr
from jupyter_auth.kernel.broker.connect import connect
from jupyter_auth.kernel.http.rate_limits import CountedCaller, Throttling
from jupyter_auth.kernel.http.requests_auth import TokenAuth
from jupyter_auth.kernel.session.key_parts import KeyParts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jupyter_auth.core.common.rate_limits import Quota
    from jupyter_auth.core.models import AccountInfo, AccountKey, Logout
    from jupyter_auth.core.provider.provider import ProviderInfo
    from jupyter_auth.kernel.http.token_cache import CachedTokens

TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two bytes
TIMEOUT_POSITION = 7  # of ``timeout`` among the positional arguments of ``request``


class SessionAccount(Protocol):
    """Whose tokens a session sends: a person's account, or a service account."""

    info: ProviderInfo
    key: AccountKey
    tokens: CachedTokens

    @property
    def client_id(self) -> str | None:
        """Of a service account; None for a person."""

    def account(self) -> AccountInfo | None:
        """Who is signed in."""

    def id_token(self) -> str | None:
        """The ID token of the last login or refresh, where there is one."""

    def ensure(self) -> None:
        """Return once somebody is signed in; raises what the session's constructor does."""

    def log_out(self, *, revoke: bool) -> Logout:
        """Sign out."""


class AuthenticatedSession(requests.Session):
    """What ``UserSession`` and ``ClientSession`` have in common."""

    _holder: SessionAccount

    def _hold(
        self, holder: SessionAccount, *, base_url: str | None = None, origins: Iterable[str] = ()
    ) -> None:
        """Send its tokens. ``base_url``, ``origins``: instead of the provider's own."""
        info = holder.info
        self._holder = holder
        self._base_url = base_url or info.base_url
        credential = CountedCaller(info, holder.key.session_key, holder.client_id)
        self._limits = Throttling(connect(), credential)
        self.auth = TokenAuth(
            holder.tokens,
            origins=origins or info.api_origins,
            refresh_on=info.refresh_on,
            limits=self._limits,
        )
        self.headers.update(info.api_headers)
        self.headers["User-Agent"] = f"jupyter_auth/{_version()} {default_user_agent()}"
        self._pid = os.getpid()
        self._inherited: list[Any] = []

    # Who

    @property
    def provider(self) -> str:
        """The provider's name."""
        return plain(self._holder.key.provider)

    @property
    def client_id(self) -> str | None:
        """The client id of the registration that it signs in with."""
        name = self._holder.key.provider
        return self._holder.client_id or connect().configuration(name).client_id

    @property
    def session_key(self) -> str:
        """Which of a person's accounts at the provider."""
        return self._holder.key.session_key

    @property
    def username(self) -> str | None:
        """Who is signed in, as far as the provider says."""
        account = self._holder.account()
        return account.username if account else None

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that were granted."""
        account = self._holder.account()
        return account.scopes if account else ()

    @property
    def authenticated(self) -> bool:
        """Whether a request would be sent with a valid token, without asking anybody."""
        account = self._holder.account()
        return account is not None and (account.refreshes or not _expired(account))

    @property
    def authorized(self) -> bool:
        """The same, by the name that sessions of requests-oauthlib have for it."""
        return self.authenticated

    @property
    def expired(self) -> bool:
        """Whether the access token has expired, or there is none. The next request gets one."""
        account = self._holder.account()
        return account is None or _expired(account)

    @property
    def access_token(self) -> str:
        """A valid access token; its repr is masked. Raises what a request would."""
        return MaskedStr(self._holder.tokens.token().bearer.reveal())

    @property
    def api_keys(self) -> KeyParts | None:
        """The parts of the API key that is used, as items and attributes. None: a token is."""
        account = self._holder.account()
        if account is None or account.kind != "api_key":
            return None
        parts = self._holder.tokens.token().key_parts
        key = connect().configuration(self._holder.key.provider).api_key
        return KeyParts(parts, key.aliases if key else {})

    @property
    def id_token(self) -> str | None:
        """The ID token of the last login or refresh, where the provider gives one; repr masked."""
        found = self._holder.id_token()
        return MaskedStr(found) if found else None

    @property
    def access_token_expires_at(self) -> datetime | None:
        """When the access token ends, in UTC. None: nobody says, or nobody is signed in."""
        account = self._holder.account()
        if account is None or account.expires_at is None:
            return None
        return datetime.fromtimestamp(account.expires_at, UTC)

    @property
    def quota(self) -> Quota | None:
        """What the API last said of its rate limit, where it does. A reset is in UTC seconds."""
        return self._limits.quota

    @property
    def retry_after_max(self) -> float:
        """Seconds: where an API asks for a longer wait before a retry, its answer is given back."""
        return self._limits.retry_after_max

    @retry_after_max.setter
    def retry_after_max(self, seconds: float) -> None:
        self._limits.retry_after_max = seconds

    @property
    def allowed_methods(self) -> frozenset[str]:
        """What is sent again after such a wait: not POST, unless it is added here."""
        return self._limits.allowed_methods

    @allowed_methods.setter
    def allowed_methods(self, methods: Iterable[str]) -> None:
        self._limits.allowed_methods = frozenset(each.upper() for each in methods)

    def __repr__(self) -> str:
        kind = type(self).__name__
        if "_holder" not in vars(self):  # a debugger looks at one that could not be made
            return f"<{kind}>"
        name = repr(str(self._holder.key))
        try:
            account = self._holder.account()
        except AuthError as error:
            return f"<{kind} {name}: {error.message}>"
        if account is None:
            return f"<{kind} {name}, not signed in>"
        who = f" as {account.username}" if account.username else ""
        ends = account.expires_at and datetime.fromtimestamp(account.expires_at, UTC)
        until = f", token until {ends:%Y-%m-%d %H:%M:%S} UTC" if ends else ""
        return f"<{kind} {name}{who}{until}>"

    def authenticate(self) -> None:
        """Sign in if nobody is, as the constructor does. Raises what it raises."""
        self._holder.ensure()

    def logout(self, revoke: bool = True) -> Logout:  # noqa: FBT001, FBT002 (DESIGN 4)
        """Sign out: here first, then at the provider unless ``revoke`` is False (RFC 7009).

        Every session of this account ends. ``note`` of what is returned says what failed.
        """
        return self._holder.log_out(revoke=revoke)

    # Requests

    def request(
        self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """As ``requests.Session.request``, with relative URLs and a default timeout."""
        if len(args) < TIMEOUT_POSITION:
            kwargs.setdefault("timeout", TIMEOUT)
        return super().request(method, self._absolute(url), *args, **kwargs)

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """As ``requests.Session.prepare_request``."""
        auth = self.auth if request.auth is None else request.auth
        if isinstance(auth, TokenAuth):  # it has no proxy to fear: see ``send``
            request = copy.copy(request)
            request.auth = auth.attach
        return super().prepare_request(request)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """As ``requests.Session.send``. No traceback through it keeps a token."""
        kwargs.setdefault("timeout", TIMEOUT)
        if self._pid != os.getpid():
            self._leave_connections()
        if is_loopback(request.url or ""):  # http to this machine would pass a proxy in the clear
            kwargs["proxies"] = {}
        try:
            return super().send(request, **kwargs)
        except BaseException as error:
            forget_locals(error)
            raise

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """As ``requests.Session.merge_environment_settings``.

        For this machine no proxy is looked for, which ``send`` would not use: it takes a sixth of a
        request's time.
        """
        if is_loopback(url):
            proxies = {"no_proxy": ",".join(LOOPBACK_HOSTS)}
        return super().merge_environment_settings(url, proxies, stream, verify, cert)

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """On a redirect: our headers only where the token may go, the caller's as requests does.

        Neither is replaced by what ~/.netrc has for the new host.
        """
        auth = self.auth
        if not isinstance(auth, TokenAuth) or not auth.signs(prepared_request):
            super().rebuild_auth(prepared_request, response)  # type: ignore[no-untyped-call]
            return
        auth.unsign(prepared_request)
        leaves = self.should_strip_auth(response.request.url, prepared_request.url)  # type: ignore[no-untyped-call]
        if leaves and "Authorization" in prepared_request.headers:
            del prepared_request.headers["Authorization"]
        auth.sign(prepared_request)

    def get_pages(self, url: str, **kwargs: Any) -> Iterator[requests.Response]:
        """The answers of ``url`` and of the pages after it, one by one; see ``next_page``.

        ``kwargs`` go with the first request alone: a next link says all it needs. An HTTP error is
        the last answer.
        """
        from jupyter_auth.kernel.session.paging import next_page

        response = self.get(url, **kwargs)
        seen = {response.url}
        while True:
            yield response
            target = next_page(response) if response.ok else None
            if target is None or target in seen:  # a page that names itself would never end
                return
            seen.add(target)
            response = self.get(target)

    def _absolute(self, url: str | bytes) -> str | bytes:
        text = url.decode() if isinstance(url, bytes) else url
        if not self._base_url and ":" not in text:
            raise ConfigurationError(
                f"{self._holder.info.title} has no base_url, and that is no whole address.",
                hint="Give the whole address, or base_url in the provider's configuration.",
            )
        if not self._base_url or urlsplit(text).scheme:
            return url
        return urljoin(f"{self._base_url.rstrip('/')}/", text)

    def _leave_connections(self) -> None:
        """A forked child opens its own: two processes on one would read each other's answers.

        What a thread of the parent had locked at the fork stays locked here for ever: the cookies
        get another lock, and the pools are kept, since to be collected they would be locked too.
        """
        self._pid = os.getpid()
        cast("Any", self.cookies)._cookies_lock = threading.RLock()  # noqa: SLF001 (as its pickles)
        for adapter in self.adapters.values():
            if isinstance(adapter, requests.adapters.HTTPAdapter):
                fresh = cast("Any", adapter)
                self._inherited.append(fresh.poolmanager)
                fresh.__setstate__(fresh.__getstate__())

    # Copies and pickles: what requests keeps, but no token and no cookie

    def _kept(self) -> dict[str, Any]:
        return {n: getattr(self, n) for n in self.__attrs__ if n not in {"auth", "cookies"}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


def _expired(account: AccountInfo) -> bool:
    return account.expires_at is not None and account.expires_at <= datetime.now(UTC).timestamp()


def _version() -> str:
    from importlib.metadata import version

    return version("jupyter-auth-session")
