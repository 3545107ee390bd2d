"""Tokens bound to the origins that they may go to: what ``auth=`` of each HTTP client shares."""

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
    """Where tokens come from, where they may go, and which answers mean that one is dead.

    ``source``: a provider's name, or a ``TokenSource`` and the ``origins`` its tokens may go to
    (default: the provider's own). ``refresh_on``: the statuses of an API that bring a new token.
    ``limits``: how the API's are minded; None: with a ``TokenSource`` not at all.
    """

    allowing = "UserSession(..., api_origins={})"  # what to write, as a warning says it

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
            raise TypeError("origins: a list of those that the token may go to")
        self._source, self._limits = source, limits
        self._check = limits.check if limits and limits.locks_out else None
        self.origins = tuple(origin_of(require_secure(each, "API origin")) for each in origins)
        self._refresh_on = frozenset((401,) if refresh_on is None else refresh_on)
        # A URL that begins like this is at that origin, whoever takes it apart: nothing in front
        # of the slash is left to be read as a user name, a port or the rest of another host.
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
        """The same tokens for another HTTP client, and the same rules, as far as none is given."""
        return kind(
            self._source,
            origins=self.origins if origins is None else origins,
            refresh_on=self._refresh_on if refresh_on is None else refresh_on,
            limits=self._limits,
        )

    def allows(self, url: str) -> bool:
        """Whether the token may go there. Unusual spellings of an origin count as another one."""
        return url.startswith(self._prefixes)

    def _warn(self, url: str, status: int) -> None:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        allowed = [*self.origins, f"{parts.scheme}://{host}"]
        warn(
            f"{host} answered {status}. It did not get the token, which goes to "
            f"{', '.join(self.origins) or 'nobody'} alone. If it should: "
            f"`{self.allowing.format(allowed)}`, or `api_origins` in the provider's configuration."
        )


def refuse_proxy(url: str) -> NoReturn:
    """ConfigurationError: what goes over http to this machine would be seen by a proxy."""
    host = urlsplit(url).hostname
    raise ConfigurationError(
        f"HTTP_PROXY would see the token that is meant for {origin_of(url)}. Nothing was sent.",
        hint=f"Name {host} in NO_PROXY. A UserSession passes no proxy on this machine.",
    )


def headers_at(url: str, token: Token) -> Mapping[str, Secret]:
    """The headers that carry the token there."""
    if not token.headers_at:
        return token.headers
    return token.headers_at.get(origin_of(url), token.headers)


def _spellings(origin: str) -> tuple[str, ...]:
    """How a URL of that origin begins: with the scheme's own port, or without."""
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
