"""``AuthenticatedSession``: what ``UserSession`` and ``ClientSession`` have in common."""

from __future__ import annotations

import copy
import os
import threading
import time
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urljoin, urlsplit

import requests
from requests.utils import default_user_agent

from jupyter_auth.core import __version__
from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.common.override import override
from jupyter_auth.core.common.tracebacks import forget_locals
from jupyter_auth.core.common.urls import LOOPBACK_HOSTS, is_loopback
from jupyter_auth.core.errors import AuthError, ConfigurationError
from jupyter_auth.core.secret import MaskedStr
from jupyter_auth.kernel.broker.connect import connect
from jupyter_auth.kernel.http.requests_auth import TokenAuth
from jupyter_auth.kernel.http.warnings import warn
from jupyter_auth.kernel.session.bound_account import bound
from jupyter_auth.kernel.session.last_responses import remember

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from jupyter_auth.core.common.rate_limits import Quota
    from jupyter_auth.core.models import AccountInfo, Logout
    from jupyter_auth.core.provider.info import ProviderInfo
    from jupyter_auth.kernel.report import Report
    from jupyter_auth.kernel.session.service_account import ServiceAccount
    from jupyter_auth.kernel.session.user_account import UserAccount

    Bundles = list[tuple[ProviderInfo, Callable[[str], bool]]]

TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two bytes
TIMEOUT_POSITION = 7  # of ``timeout`` among the positional arguments of ``request``


class KeyParts(dict[str, str]):
    """An API key's parts by name, as items and attributes, with masked reprs.

    ``aliases``: other names of the attributes.
    """

    def __init__(self, parts: Mapping[str, str], aliases: Mapping[str, str]) -> None:
        super().__init__((name, MaskedStr(value)) for name, value in parts.items())
        self._aliases = dict(aliases)

    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):  # asked for by copy
            raise AttributeError(name)
        part = self._aliases.get(name, name)
        if part not in self:
            raise AttributeError(f"This key has no part {name!r}; it has {', '.join(self)}.")
        return self[part]


class AuthenticatedSession(requests.Session):
    """A ``requests.Session`` that sends one account's token, and renews it."""

    _account: UserAccount | ServiceAccount

    def _bind(
        self,
        account: UserAccount | ServiceAccount,
        *,
        base_url: str | None = None,
        origins: Iterable[str] | None = None,
    ) -> None:
        """Send the account's tokens. ``base_url``, ``origins``: instead of the provider's."""
        self._account, auth, self._limits = bound(account, origins)
        self._base_url = base_url or account.info.base_url
        self._base_url_from = None if base_url else account.info.base_url_from
        self.headers.update(account.info.api_headers)
        self._send_by(auth)

    def _send_by(self, auth: TokenAuth) -> None:
        self.auth = auth
        self._at_api = auth.allows
        self.headers["User-Agent"] = f"jupyter_auth/{__version__} {default_user_agent()}"
        self._pid = os.getpid()
        self._inherited: list[Any] = []

    @property
    def provider(self) -> str:
        """The provider's name."""
        return plain(self._account.key.provider)

    @property
    def client_id(self) -> str | None:
        """The client ID that it signs in with (RFC 6749 2.2)."""
        name = self._account.key.provider
        return self._account.client_id or connect().configuration(name).client_id

    @property
    def session_key(self) -> str:
        """The label of the account, among several at one provider."""
        return self._account.key.session_key

    @property
    def username(self) -> str | None:
        """The signed-in user's name; None where the provider does not say, or signed out."""
        account = self._account.current()
        return account.username if account else None

    @property
    def scopes(self) -> tuple[str, ...]:
        """The granted scopes."""
        account = self._account.current()
        return account.scopes if account else ()

    @property
    def authenticated(self) -> bool:
        """Whether a request would be sent with a valid token, without a new sign-in."""
        account = self._account.current()
        return account is not None and not account.over(time.time())

    @property
    def authorized(self) -> bool:
        """``authenticated``, as requests-oauthlib's sessions call it."""
        return self.authenticated

    @property
    def expired(self) -> bool:
        """Whether there is no valid access token now; the next request gets one."""
        account = self._account.current()
        return account is None or _expired(account)

    @property
    def access_token(self) -> str:
        """A valid access token, with a masked repr. Raises what a request would."""
        return MaskedStr(self._account.tokens.token().bearer.reveal())

    @property
    def api_keys(self) -> KeyParts | None:
        """The parts of the account's API key, as items and attributes; None for a token."""
        account = self._account.current()
        if account is None or account.kind != "api_key":
            return None
        parts = self._account.tokens.token().key_parts
        key = connect().configuration(self._account.key.provider).api_key
        return KeyParts(parts, key.aliases if key else {})

    @property
    def id_token(self) -> str | None:
        """The ID token of the last sign-in or refresh, if any, with a masked repr."""
        found = self._account.id_token()
        return MaskedStr(found) if found else None

    @property
    def token_fields(self) -> Mapping[str, Any]:
        """What else the provider said with its tokens: an API's address, a tenant, other ids.

        Without anything that may be a secret, and read-only. Raises what a request would.
        """
        return MappingProxyType(copy.deepcopy(dict(self._account.tokens.token().fields)))

    @property
    def access_token_expires_at(self) -> datetime | None:
        """When the access token expires, in UTC; None if unknown or signed out."""
        account = self._account.current()
        if account is None or account.expires_at is None:
            return None
        return datetime.fromtimestamp(account.expires_at, UTC)

    @property
    def quota(self) -> Quota | None:
        """The rate limit in the API's last response, if any; ``reset_at`` is in UTC seconds."""
        return self._limits.quota

    @property
    def retry_after_max(self) -> float:
        """Seconds: a response with a longer ``Retry-After`` is returned instead of retried."""
        return self._limits.retry_after_max

    @retry_after_max.setter
    def retry_after_max(self, seconds: float) -> None:
        self._limits.retry_after_max = seconds

    @property
    def allowed_methods(self) -> frozenset[str]:
        """The HTTP methods that are retried after ``Retry-After``: not POST, unless added."""
        return self._limits.allowed_methods

    @allowed_methods.setter
    def allowed_methods(self, methods: Iterable[str]) -> None:
        self._limits.allowed_methods = frozenset(each.upper() for each in methods)

    def __repr__(self) -> str:
        kind = type(self).__name__
        if "_account" not in vars(self):  # a debugger shows one whose constructor failed
            return f"<{kind}>"
        name = repr(str(self._account.key))
        try:
            account = self._account.current()
        except AuthError as error:
            return f"<{kind} {name}: {error.message}>"
        if account is None:
            return f"<{kind} {name}, not signed in>"
        who = f" as {account.username}" if account.username else ""
        ends = account.expires_at and datetime.fromtimestamp(account.expires_at, UTC)
        until = f", token until {ends:%Y-%m-%d %H:%M:%S} UTC" if ends else ""
        return f"<{kind} {name}{who}{until}>"

    def authenticate(self) -> None:
        """Sign in where needed, as the constructor does, with the same errors."""
        self._account.ensure()

    def logout(self, revoke: bool = True) -> Logout:  # noqa: FBT001, FBT002 (DESIGN 4)
        """Sign out here, for all sessions of the account, and then at the provider.

        Args:
            revoke: whether the provider is asked to revoke the tokens too (RFC 7009).

        Returns:
            Whether an account was removed and tokens were revoked; ``note`` says what failed.
        """
        return self._account.log_out(revoke=revoke)

    def request(
        self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """``requests.Session.request`` with relative URLs and a default ``timeout``."""
        if len(args) < TIMEOUT_POSITION:
            kwargs.setdefault("timeout", TIMEOUT)
        return super().request(method, self._absolute(url), *args, **kwargs)

    @override
    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        auth = self.auth if request.auth is None else request.auth
        if isinstance(auth, TokenAuth):  # no proxy can see it: see ``send``
            request = copy.copy(request)
            request.auth = auth.attach
        return super().prepare_request(request)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """``requests.Session.send``, whose tracebacks hold no token."""
        kwargs.setdefault("timeout", TIMEOUT)
        if self._pid != os.getpid():
            self._leave_connections()
        if is_loopback(request.url or ""):  # http to this machine would pass a proxy in the clear
            kwargs["proxies"] = {}
        if self.verify is True and (bundles := self._bundles()):
            asked = kwargs.get("verify", True)
            kwargs["verify"] = self._verify(request.url or "", asked, bundles)
        try:
            response = super().send(request, **kwargs)
        except BaseException as error:
            forget_locals(error)
            if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
                from jupyter_auth.core.protocol.http import require_certificates

                require_certificates()  # requests found none where the environment says
            raise
        remember(response, self)
        return response

    def explain(self, response: requests.Response) -> Report:
        """Explain a response of this session in plain words, and say what to do.

        Returns:
            Which account was sent, for which API and scopes, until when, or why none was; what the
            API said; and the next step. Its ``str`` and notebooks show it, and it has no secrets.
        """
        from jupyter_auth.kernel.session.explain import explain

        return explain(response, self)

    def _bundles(self) -> Bundles:
        """The providers that have a ``ca_bundle``, and which URLs are their API's."""
        info = self._account.info
        return [(info, self._at_api)] if info.ca_bundle else []

    def _verify(self, url: str, asked: Any, bundles: Bundles) -> Any:
        """The provider's ``ca_bundle`` at its API, if nothing else was ``asked`` for.

        On a redirect ``asked`` is what the request before it had.
        """
        from jupyter_auth.core.protocol.http import BUNDLES

        named = map(os.environ.get, BUNDLES)
        usual = next(filter(None, named), True) if self.trust_env else True
        if asked not in (True, usual, *(_path(info) for info, _ in bundles)):
            return asked
        info = next((info for info, at_api in bundles if at_api(url)), None)
        if info is None:
            return usual
        bundle = _path(info)
        if os.access(bundle, os.R_OK):
            return bundle
        warn(
            f"The ca_bundle {bundle} of {info.title} cannot be read on this machine."
            " Requests to its API trust the usual certificates. Put the file here too."
        )
        return usual

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """Look for no proxy to this machine: ``send`` uses none, and looking is slow."""
        if is_loopback(url):
            proxies = {"no_proxy": ",".join(LOOPBACK_HOSTS)}
        return super().merge_environment_settings(url, proxies, stream, verify, cert)

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """On a redirect, sign only where the token may go; the caller's headers as in requests.

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
        auth.sign(prepared_request, redirected=True)

    def get_pages(self, url: str, **kwargs: Any) -> Iterator[requests.Response]:
        """Yield the responses of ``url`` and of each next page, see ``next_page``.

        ``kwargs`` are for the first request: a next link is complete. An HTTP error is the last.
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
        if urlsplit(text).scheme:
            return url
        base = self._base_url
        if self._base_url_from:
            from jupyter_auth.kernel.session.api_address import api_address

            base = api_address(self._base_url_from, self.token_fields, self._at_api) or base
        if not base and ":" not in text:
            raise ConfigurationError(
                f"{self._account.info.title} has no base_url, so relative URLs cannot be used.",
                hint="Give the whole URL, or base_url in the provider's configuration.",
            )
        if base and text[:1] not in {"", "?"}:  # an API may be one address, with no slash after it
            base = f"{base.partition('?')[0].rstrip('/')}/"
        return urljoin(base, text) if base else url

    def _leave_connections(self) -> None:
        """Use new connections in a forked child: it would read its parent's responses.

        A lock that a thread of the parent held at the fork stays held here: the cookies get a new
        one, and the old pools are kept, since collecting them would take their locks.
        """
        self._pid = os.getpid()
        cast("Any", self.cookies)._cookies_lock = threading.RLock()  # noqa: SLF001 (as its pickles)
        for adapter in self.adapters.values():
            if isinstance(adapter, requests.adapters.HTTPAdapter):
                fresh = cast("Any", adapter)
                self._inherited.append(fresh.poolmanager)
                fresh.__setstate__(fresh.__getstate__())

    def _kept(self) -> dict[str, Any]:
        """What copies and pickles hold of ``requests.Session``: no token and no cookie."""
        return {n: getattr(self, n) for n in self.__attrs__ if n not in {"auth", "cookies"}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


def _path(info: ProviderInfo) -> str:
    return os.path.expanduser(info.ca_bundle or "")  # noqa: PTH111


def _expired(account: AccountInfo) -> bool:
    return account.expires_at is not None and account.expires_at <= datetime.now(UTC).timestamp()
