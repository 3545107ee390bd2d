"""Tokens and the origins they may be sent to: the base of ``auth=`` for each HTTP client."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, TypeVar
from urllib.parse import urlsplit

from jupyter_auth.core.common.urls import origin_of, require_secure
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.kernel.arguments import check_arguments
from jupyter_auth.kernel.http.rate_limits import CountedCaller, Throttling
from jupyter_auth.kernel.http.warnings import warn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jupyter_auth.core.interfaces import TokenSource
    from jupyter_auth.core.models import Token
    from jupyter_auth.core.secret import Secret

Kind = TypeVar("Kind", bound="OriginBoundTokens")

REFUSED = (401, 403)


class OriginBoundTokens:
    """Where tokens come from, where they may be sent, and which responses ask for a new one.

    The arguments are those of ``TokenAuth``. ``limits`` observes the API's rate limits, which by
    default is not done for a ``TokenSource``.
    """

    allowing = "UserSession(..., api_origins={})"  # how to allow it, in a warning

    def __init__(
        self,
        source: TokenSource | str,
        *,
        session_key: str = "default",
        origins: Iterable[str] | None = None,
        refresh_on: Iterable[int] | None = None,
        limits: Throttling | None = None,
    ) -> None:
        check_arguments(source=source, session_key=session_key)
        if isinstance(source, str):
            from jupyter_auth.kernel.broker.connect import connect
            from jupyter_auth.kernel.http.token_cache import CachedTokens

            accounts = connect()
            info = accounts.provider(source)
            reach = info.reach if origins is None else ""
            origins = info.api_origins if origins is None else origins
            refresh_on = info.refresh_on if refresh_on is None else refresh_on
            source = CachedTokens(accounts, info.name, session_key, reach=reach)
            limits = limits or Throttling(accounts, CountedCaller(info, session_key))
        if origins is None or isinstance(origins, str):
            raise TypeError("origins must be a list of where the token may be sent")
        self._source, self._limits = source, limits
        self._check = limits.check if limits and limits.locks_out else None
        self.origins = tuple(origin_of(require_secure(each, "API origin")) for each in origins)
        self._refresh_on = frozenset((401,) if refresh_on is None else refresh_on)
        # A URL with such a prefix is at that origin for every parser: nothing before the slash can
        # be read as a user name, a port or the rest of another host.
        self._prefixes = tuple(prefix for each in self.origins for prefix in _spellings(each))

    def __reduce__(self) -> tuple[object, ...]:
        made_of = (self._source, self.origins, self._refresh_on, self._limits)
        return _restored, (type(self), *made_of)

    def for_client(
        self,
        kind: type[Kind],
        *,
        origins: Iterable[str] | None = None,
        refresh_on: Iterable[int] | None = None,
    ) -> Kind:
        """The same tokens for another HTTP client, by the same rules where none are given."""
        return kind(
            self._source,
            origins=self.origins if origins is None else origins,
            refresh_on=self._refresh_on if refresh_on is None else refresh_on,
            limits=self._limits,
        )

    def allows(self, url: str) -> bool:
        """Whether the token may be sent there. An unusual spelling counts as another origin."""
        return url.startswith(self._prefixes)

    def _warn(self, url: str, status: int) -> None:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        allowed = [*self.origins, f"{parts.scheme}://{host}"]
        warn(
            f"{host} answered {status}. It did not get the token, which is sent only to "
            f"{', '.join(self.origins) or 'no origin'}. To allow it: "
            f"`{self.allowing.format(allowed)}`, or `api_origins` in the provider's configuration."
        )


def refuse_proxy(url: str) -> NoReturn:
    """Raise ConfigurationError: a proxy would see what is sent over http to this machine."""
    host = urlsplit(url).hostname
    raise ConfigurationError(
        f"HTTP_PROXY would see the token for {origin_of(url)}. Nothing was sent.",
        hint=f"Add {host} to NO_PROXY. A UserSession uses no proxy to this machine.",
    )


def headers_at(url: str, token: Token) -> Mapping[str, Secret]:
    """The headers with the token for that URL."""
    if not token.headers_at:
        return token.headers
    return token.headers_at.get(origin_of(url), token.headers)


def _spellings(origin: str) -> tuple[str, ...]:
    """The prefixes of that origin's URLs: with the scheme's default port, or without."""
    port = {"http": 80, "https": 443}[origin.partition(":")[0]]
    bare = urlsplit(origin).port is None
    return (f"{origin}/", f"{origin}:{port}/") if bare else (f"{origin}/",)


def _restored(
    kind: type[OriginBoundTokens],
    source: TokenSource,
    origins: tuple[str, ...],
    refresh_on: frozenset[int],
    limits: Throttling | None,
) -> OriginBoundTokens:
    return kind(source, origins=origins, refresh_on=refresh_on, limits=limits)
