"""Tokens and the origins they may be sent to: the base of ``auth=`` for each HTTP client."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeVar
from urllib.parse import urlsplit

from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.common.urls import api_origin, origin_of, reaching
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.tokens.next_steps import demanded
from jupyter_auth.kernel.arguments import check_arguments
from jupyter_auth.kernel.http.rate_limits import CountedCaller, Throttling
from jupyter_auth.kernel.http.refusals import DEMANDS, bearer_refusal
from jupyter_auth.kernel.http.warnings import warn

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator, Mapping

    from jupyter_auth.core.interfaces import Accounts, TokenSource
    from jupyter_auth.core.models import Challenge, Token
    from jupyter_auth.core.provider.info import ProviderInfo
    from jupyter_auth.core.secret import Secret
    from jupyter_auth.kernel.http.rate_limits import ResponseParts
    from jupyter_auth.kernel.http.token_cache import CachedTokens

Kind = TypeVar("Kind", bound="OriginBoundTokens")

REFUSED = (401, 403)
INVALID_TOKEN = 498  # so says Esri, and no one else says anything else by it
SHOWN = 200  # characters of an API's scopes
SIGN_IN = "Sign in with it: `scopes=` of the session, or `scopes` in the provider's configuration."
NOT_ENOUGH = "This sign-in did not help: ask the API's operators who may call it."
ONCE = "The body can be read only once, so the request was not sent again: pass it as bytes."


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
        resource: str = "",
    ) -> None:
        check_arguments(source=source, session_key=session_key, resource=resource)
        self._others: dict[str, tuple[TokenSource, re.Pattern[str]]] = {}
        if isinstance(source, str):
            from jupyter_auth.kernel.broker.connect import connect, provider_of
            from jupyter_auth.kernel.http.token_cache import CachedTokens

            accounts = connect()
            info = provider_of(accounts, source)
            reach = info.reach if origins is None else ""
            api = api_at(info, resource)
            origins = api.origins if origins is None else origins
            refresh_on = info.refresh_on if refresh_on is None else refresh_on
            source = CachedTokens(
                accounts, info.name, session_key, reach=reach, resource=api.resource
            )
            if not api.resource:
                self.also_at(source, info)
            limits = limits or Throttling(accounts, CountedCaller(info, session_key))
        if origins is None or isinstance(origins, str):
            raise TypeError("origins must be a list of where the token may be sent")
        self._source, self._limits = source, limits
        self._check = limits.check if limits and limits.locks_out else None
        self.origins = tuple(map(api_origin, origins))
        self._refresh_on = frozenset((401,) if refresh_on is None else refresh_on) | {INVALID_TOKEN}
        self._reaching = reaching(self.origins)
        self._told: set[str] = set()  # demands that were warned of

    def __reduce__(self) -> tuple[object, ...]:
        made_of = (self._source, self.origins, self._refresh_on, self._limits)
        return _restored, (type(self), made_of, self._others)

    def also_at(self, source: CachedTokens, info: ProviderInfo) -> None:
        """Send to the origins of the provider's other APIs the account's tokens for those."""
        found = {name: (source.of(name), reaching(at)) for name, at in info.resources.items() if at}
        self._others.update(found)

    def source_at(self, url: str) -> TokenSource | None:
        """Where the token for that URL comes from; None if none may be sent there.

        An unusual spelling counts as another origin.
        """
        if self._reaching.match(url):
            return self._source
        return next((each for each, at in self._others.values() if at.match(url)), None)

    def source_of(self, token: Token) -> TokenSource:
        """Where that token came from."""
        return self._others.get(token.resource, (self._source,))[0]

    def for_client(
        self,
        kind: type[Kind],
        *,
        origins: Iterable[str] | None = None,
        refresh_on: Iterable[int] | None = None,
    ) -> Kind:
        """The same tokens for another HTTP client, by the same rules where none are given."""
        made = kind(
            self._source,
            origins=self.origins if origins is None else origins,
            refresh_on=self._refresh_on if refresh_on is None else refresh_on,
            limits=self._limits,
        )
        made._others.update(self._others)  # noqa: SLF001 (its own class)
        return made

    @property
    def account(self) -> tuple[str, str] | None:
        """The provider and session key of the account, if it is one."""
        return getattr(self._source, "account", None)

    def allows(self, url: str) -> bool:
        """Whether the token may be sent there. An unusual spelling counts as another origin."""
        return self.source_at(url) is not None

    def _is_dead(self, response: ResponseParts) -> bool:
        """Whether the API says that the token is no longer valid: by ``refresh_on``, or in words.

        A demand (see ``demand_of``) is no reason for a new token alone.
        """
        error = bearer_refusal(response).get("error")
        if error in DEMANDS:
            return False
        return error == "invalid_token" or response.status_code in self._refresh_on

    def _tokens_for(self, demand: Challenge | None, token: Token) -> Iterator[Token]:
        """The tokens to send the request with again, as long as the API demands more.

        ``token`` is the one that it refused. Raises as ``CachedTokens.meeting``.
        """
        meeting = getattr(
            self.source_of(token), "meeting", None
        )  # a source of other makers has none
        if demand and meeting and demanded(demand):
            yield from meeting(token, demand)

    def _warn_of_demand(
        self, response: ResponseParts, demand: Challenge, token: Token, *, once: bool = False
    ) -> None:
        """Warn that the response is returned. ``once``: its request's body cannot be sent again."""
        said, status = demanded(demand), response.status_code
        if said and once:
            words = f"{said} {ONCE} (It answered {status}.)"
        elif said and {*demand.scopes} <= {*token.scopes}:
            words = f"{said} {NOT_ENOUGH} (It answered {status}.)"
        else:
            needed = plain_text(bearer_refusal(response).get("scope", ""), SHOWN)
            which = f"the scopes {needed}" if needed else "a scope that it does not name"
            words = f"The API answered {status}: this request needs {which}. {SIGN_IN}"
        if words not in self._told:
            self._told.add(words)
            warn(words)

    def why_not(self, url: str) -> str:
        """Why the token was not sent there, and what to do."""
        allowed = [*self.origins, f"{urlsplit(url).scheme}://{host_in(url)}"]
        return (
            "It did not get the token, which is sent only to "
            f"{', '.join(self.origins) or 'no origin'}. To allow it: "
            f"`{self.allowing.format(allowed)}`, or `api_origins` in the provider's configuration."
        )

    def _warn(self, url: str, status: int) -> None:
        warn(f"{host_in(url)} answered {status}. {self.why_not(url)}")


def host_in(url: str) -> str:
    """Its host and port, however it is spelt, without a user name and password."""
    return urlsplit(url).netloc.rpartition("@")[2]


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


def _restored(
    kind: type[OriginBoundTokens],
    made_of: tuple[TokenSource, tuple[str, ...], frozenset[int], Throttling | None],
    others: dict[str, tuple[TokenSource, re.Pattern[str]]],
) -> OriginBoundTokens:
    source, origins, refresh_on, limits = made_of
    made = kind(source, origins=origins, refresh_on=refresh_on, limits=limits)
    made._others.update(others)  # noqa: SLF001
    return made


class Api(NamedTuple):
    """One of a provider's APIs: "" or its identifier, and where its token may be sent."""

    resource: str
    origins: tuple[str, ...]


def api_at(info: ProviderInfo, resource: str) -> Api:
    """The provider's API of that identifier; its own one for "".

    Raises:
        ConfigurationError: it can name no API.
    """
    from jupyter_auth.core.provider import resources

    found = resources.requested(info, resource) if resource else ""
    if not found:
        return Api("", info.api_origins)
    return Api(found, tuple(info.resources.get(found) or resources.own_origins(found)))


def base_url_of(accounts: Accounts, info: ProviderInfo, api: Api) -> str | None:
    """What relative URLs of that API are joined to; None if nothing says."""
    from jupyter_auth.core.provider import resources

    declared = accounts.configuration(info.name).resources.get(api.resource)
    if declared and declared.base_url:
        return declared.base_url
    return api.resource if resources.own_origins(api.resource) else None
