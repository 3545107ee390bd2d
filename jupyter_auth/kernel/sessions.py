"""The session: a ``requests.Session`` that is authenticated by itself."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urljoin, urlsplit

import requests
from requests.utils import default_user_agent

from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.secret import MaskedStr
from jupyter_auth.core.traces import forget_locals
from jupyter_auth.core.urls import origin_of, require_secure
from jupyter_auth.kernel.auth import AuthWarning, TokenAuth
from jupyter_auth.kernel.client import connect, default_provider
from jupyter_auth.kernel.signin import SignIn, Wish

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from jupyter_auth.core.models import AccountInfo, Logout, Provider, ProviderInfo

__all__ = ["AuthWarning", "TokenAuth", "UserSession", "token"]

TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two bytes
TIMEOUT_POSITION = 7  # of ``timeout`` among the positional arguments of ``request``


class Places(NamedTuple):
    """Where a session's requests go, and its token: arguments of ``UserSession``."""

    base_url: str | None
    api_origins: tuple[str, ...]

    @property
    def own_origin(self) -> tuple[str, ...]:
        """Who names a base URL means that the token goes there. ConfigurationError: not safe."""
        if not self.base_url:
            return ()
        return (origin_of(require_secure(self.base_url, "base_url")),)


class UserSession(requests.Session):
    """A ``requests.Session`` for one account at ``provider``, signed in when it is made.

    Where nobody is signed in a link is shown and the sign-in waited for, up to ``timeout``
    seconds; ``auth_force`` asks for one in any case. ``username``: the account must belong to this
    user. ``scopes``: those it must have been granted. ``api_origins``: where the token goes,
    instead of the provider's own. ``base_url``: what relative URLs are joined to (RFC 3986 5.2).
    ``interactive``: whether a person can be asked; None: found out.

    LoginRequired: nobody is there to ask, or did it in time. LoginDenied, LoginExpired,
    LoginCancelled, LoginFailed: how the sign-in ended. ConfigurationError, ProviderUnavailable,
    BrokerUnavailable. Requests raise these too, when the sign-in has ended meanwhile.
    """

    def __init__(
        self,
        provider: str | Provider | None = None,
        *,
        session_key: str = "default",
        auth_force: bool = False,
        username: str | None = None,
        scopes: Sequence[str] | str | None = None,
        api_origins: Iterable[str] | str | None = None,
        base_url: str | None = None,
        interactive: bool | None = None,
        timeout: float | None = 300,
    ) -> None:
        super().__init__()
        accounts = connect()
        self._made_of: dict[str, Any] | None = None
        if provider is None or isinstance(provider, str):
            info = accounts.provider(provider or default_provider(accounts))
        else:
            info = accounts.register(provider)
            self._made_of = _fields(provider)
        wish = Wish(
            session_key=session_key,
            username=username,
            scopes=_words(scopes),
            interactive=interactive,
            timeout=timeout,
        )
        self._set_up(info, wish, Places(base_url, _words(api_origins)))
        self.headers["User-Agent"] = f"jupyter_auth/{_version()} {default_user_agent()}"
        try:
            self._sign_in.ensure(force=auth_force)
        except (AuthError, KeyboardInterrupt) as error:
            raise error.with_traceback(None)  # noqa: B904 (in a cell: a screen of our own code)

    def _set_up(self, info: ProviderInfo, wish: Wish, places: Places) -> None:
        self._sign_in = SignIn(connect(), info, wish)
        self._places = places
        self._base_url = places.base_url or info.base_url
        origins = places.api_origins or (*info.api_origins, *places.own_origin)
        self.auth = TokenAuth(self._sign_in.tokens, origins=origins, refresh_on=info.refresh_on)
        self._pid = os.getpid()

    # Who

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self._sign_in.key.provider

    @property
    def session_key(self) -> str:
        """Which of a person's accounts at the provider."""
        return self._sign_in.key.session_key

    @property
    def username(self) -> str | None:
        """Who is signed in, as far as the provider says."""
        account = self._sign_in.account()
        return account.username if account else None

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that were granted."""
        account = self._sign_in.account()
        return account.scopes if account else ()

    @property
    def authenticated(self) -> bool:
        """Whether a request would be sent with a valid token, without asking anybody."""
        account = self._sign_in.account()
        return account is not None and (account.refreshes or not _expired(account))

    @property
    def expired(self) -> bool:
        """Whether the access token has expired, or there is none. The next request gets one."""
        account = self._sign_in.account()
        return account is None or _expired(account)

    @property
    def access_token(self) -> str:
        """A valid access token; its repr is masked. Raises what a request would."""
        return MaskedStr(self._sign_in.tokens.token().access_token.reveal())

    @property
    def id_token(self) -> str | None:
        """The ID token of the last login or refresh, where the provider gives one; repr masked."""
        found = self._sign_in.id_token()
        return MaskedStr(found) if found else None

    @property
    def access_token_expires_at(self) -> datetime | None:
        """When the access token ends, in UTC. None: nobody says, or nobody is signed in."""
        account = self._sign_in.account()
        if account is None or account.expires_at is None:
            return None
        return datetime.fromtimestamp(account.expires_at, UTC)

    def __repr__(self) -> str:
        name = repr(str(self._sign_in.key))
        try:
            account = self._sign_in.account()
        except AuthError as error:
            return f"<UserSession {name}: {error.message}>"
        if account is None:
            return f"<UserSession {name}, not signed in>"
        who = f" as {account.username}" if account.username else ""
        ends = account.expires_at and datetime.fromtimestamp(account.expires_at, UTC)
        until = f", token until {ends:%Y-%m-%d %H:%M:%S} UTC" if ends else ""
        return f"<UserSession {name}{who}{until}>"

    def authenticate(self) -> None:
        """Sign in if nobody is, as the constructor does. Raises what it raises."""
        self._sign_in.ensure()

    def logout(self, revoke: bool = True) -> Logout:  # noqa: FBT001, FBT002 (DESIGN 4)
        """Sign out: here first, then at the provider unless ``revoke`` is False (RFC 7009).

        Every session of this account ends. ``note`` of what is returned says what failed.
        """
        return self._sign_in.log_out(revoke=revoke)

    # Requests

    def request(
        self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """As ``requests.Session.request``, with relative URLs and a default timeout."""
        if len(args) < TIMEOUT_POSITION:
            kwargs.setdefault("timeout", TIMEOUT)
        return super().request(method, self._absolute(url), *args, **kwargs)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """As ``requests.Session.send``. No traceback through it keeps a token."""
        kwargs.setdefault("timeout", TIMEOUT)
        if self._pid != os.getpid():
            self._leave_connections()
        try:
            return super().send(request, **kwargs)
        except BaseException as error:
            forget_locals(error)
            raise

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
        from jupyter_auth.kernel.paging import next_page

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
        if not self._base_url or urlsplit(text).scheme:
            return url
        return urljoin(f"{self._base_url.rstrip('/')}/", text)

    def _leave_connections(self) -> None:
        """A forked child opens its own: two processes on one would read each other's answers."""
        self._pid = os.getpid()
        for adapter in self.adapters.values():
            if isinstance(adapter, requests.adapters.HTTPAdapter):
                fresh = cast("Any", adapter)
                fresh.__setstate__(fresh.__getstate__())

    # Copies and pickles: the arguments and what requests keeps, but no token and no cookie

    def __reduce__(self) -> tuple[Any, ...]:
        kept = {name: getattr(self, name) for name in self.__attrs__}
        del kept["auth"], kept["cookies"]
        asked = (self._sign_in.info, self._sign_in.wish, self._places, self._made_of)
        return _restored, (type(self), *asked), kept

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


def token(provider: str | None = None, session_key: str = "default") -> str:
    """A valid access token, for other clients; its repr is masked. Nobody is asked to sign in.

    LoginRequired, ProviderUnavailable, ConfigurationError, BrokerUnavailable.
    """
    accounts = connect()
    found = accounts.token(provider or default_provider(accounts), session_key)
    return MaskedStr(found.access_token.reveal())


def _restored(
    kind: type[UserSession],
    info: ProviderInfo,
    wish: Wish,
    places: Places,
    made_of: dict[str, Any] | None,
) -> UserSession:
    if made_of:  # a provider made in code, perhaps in another process
        from jupyter_auth.core.providers import provider_from_mapping

        with suppress(AuthError):
            connect().register(provider_from_mapping(info.name, made_of))
    session = kind.__new__(kind)
    requests.Session.__init__(session)
    session._set_up(info, wish, places)  # noqa: SLF001
    session._made_of = made_of  # noqa: SLF001
    return session


def _fields(provider: Provider) -> dict[str, Any] | None:
    """What a pickle can make it of in another process; a client secret goes nowhere."""
    if provider.client_secret:
        return None
    from jupyter_auth.kernel.broker import provider_fields

    return provider_fields(provider)


def _words(value: Iterable[str] | str | None) -> tuple[str, ...]:
    return tuple(value.split()) if isinstance(value, str) else tuple(value or ())


def _expired(account: AccountInfo) -> bool:
    return account.expires_at is not None and account.expires_at <= datetime.now(UTC).timestamp()


def _version() -> str:
    from importlib.metadata import version

    return version("jupyter-auth-session")
