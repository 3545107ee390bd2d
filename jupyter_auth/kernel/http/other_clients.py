"""The account's token for HTTP clients other than requests: httpx, httpx2, Azure's SDKs."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from jupyter_auth.core.errors import ConfigurationError, InsufficientScope
from jupyter_auth.core.provider import resources
from jupyter_auth.core.provider.resources import WHATEVER_IS_GRANTED
from jupyter_auth.core.secret import MaskedStr
from jupyter_auth.kernel.arguments import check_arguments
from jupyter_auth.kernel.broker.connect import connect, name_of
from jupyter_auth.kernel.http.origin_bound import OriginBoundTokens
from jupyter_auth.kernel.http.token_cache import CachedTokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jupyter_auth.core.interfaces import TokenSource
    from jupyter_auth.core.models import Token
    from jupyter_auth.kernel.http.httpx_auth import HttpxAuth

UNKNOWN = 3600  # seconds that a token without a lifetime is used


def httpx_auth(
    source: TokenSource | OriginBoundTokens | str,
    *,
    session_key: str = "default",
    origins: Iterable[str] | None = None,
    refresh_on: Iterable[int] | None = None,
    resource: str = "",
) -> HttpxAuth:
    """``auth=`` for httpx and httpx2, asynchronous too: ``httpx.Client(auth=httpx_auth("acme"))``.

    The body of a request to the API is read into memory first. A response that asks to wait is
    returned at once.

    Args:
        source: as for ``TokenAuth``, or the ``auth`` of a session, for the same account.
        session_key, origins, refresh_on, resource: as for ``TokenAuth``.

    Raises:
        ConfigurationError: neither is installed. Requests raise what those of ``TokenAuth`` do.
    """
    try:
        from jupyter_auth.kernel.http.httpx_auth import HttpxAuth
    except ImportError:
        raise ConfigurationError(
            "Neither httpx nor httpx2 is installed here.",
            hint="Run `pip install httpx` in this environment.",
        ) from None
    if isinstance(source, OriginBoundTokens):
        return source.for_client(HttpxAuth, origins=origins, refresh_on=refresh_on)
    return HttpxAuth(
        source,
        session_key=session_key,
        origins=origins,
        refresh_on=refresh_on,
        resource=resource,
    )


def credential(provider: str | None = None, session_key: str = "default") -> AccountCredential:
    """``credential=`` for Azure's SDKs. It never asks you to sign in.

    It has a token for each API that is asked for by a scope, such as
    ``"https://vault.azure.net/.default"``, where the provider's requests name APIs so, or its
    ``resources`` list that one.

    Their asynchronous clients accept it too, and are blocked while a token is fetched.

    Args:
        provider: its name. Default: the only one configured, or the one set with ``%auth use``.
        session_key: the account's label.

    Raises:
        ConfigurationError: no provider is named, and there is no default one.
        BrokerUnavailable: the Jupyter server does not answer.
    """
    check_arguments(provider=provider, session_key=session_key)
    accounts = connect()
    name = name_of(accounts, provider)

    def of_scope(scope: str) -> str:
        found = resources.of_scope(scope)
        return resources.by_scope(accounts.configuration(name), found) if found else ""

    return AccountCredential(CachedTokens(accounts, name, session_key), functools.cache(of_scope))


class AccessToken(NamedTuple):
    """A token with a masked repr, and when it expires, in UTC seconds."""

    token: str
    expires_on: int


class AccessTokenInfo(NamedTuple):
    """``AccessToken``, and when to ask for the next one, in UTC seconds."""

    token: str
    expires_on: int
    token_type: str = "Bearer"  # noqa: S105 (RFC 6750)
    refresh_on: int | None = None


class AccountCredential:
    """azure-core's ``TokenCredential`` and ``SupportsTokenInfo``, without needing azure-core.

    InsufficientScope is raised for a scope that the account lacks. ``of_scope``: the resource that
    a scope names; "" for the account's own.
    """

    def __init__(self, tokens: CachedTokens, of_scope: Callable[[str], str] = lambda _: "") -> None:
        self._tokens = tokens
        self._of_scope = of_scope
        self._of: dict[str, CachedTokens] = {"": tokens}  # by resource
        self._given: dict[str, Token] = {}

    def __repr__(self) -> str:
        return f"<AccountCredential: {self._tokens!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Does nothing: no connection is held open."""

    def get_token(self, *scopes: str, claims: str | None = None, **_: Any) -> AccessToken:
        """The account's token for the API of these scopes.

        ``claims``: those of an API that has refused the last one.
        """
        info = self.get_token_info(*scopes, options={"claims": claims})
        return AccessToken(info.token, info.expires_on)

    def get_token_info(
        self, *scopes: str, options: Mapping[str, Any] | None = None
    ) -> AccessTokenInfo:
        """``get_token`` with more about the token; ``options`` may have ``claims``."""
        resource = next(filter(None, map(self._of_scope, scopes)), "")
        tokens = self._of.get(resource) or self._of.setdefault(resource, self._tokens.of(resource))
        claims = (options or {}).get("claims")
        if claims:
            token = tokens.rejected(self._given.get(resource) or tokens.token(), claims)
        else:
            token = tokens.token()
        self._given[resource] = token
        bare = () if resource else scopes  # of another API some are named in full
        asked = [scope for scope in bare if not scope.endswith(f"/{WHATEVER_IS_GRANTED}")]
        missing = tuple(scope for scope in asked if token.scopes and scope not in token.scopes)
        if missing:
            raise InsufficientScope(
                f"The sign-in lacks the scopes {' '.join(missing)}.",
                hint="Sign in for them first: `UserSession(..., scopes=...)`.",
                scopes=missing,
            )
        ends = time.time() + UNKNOWN if token.expires_at is None else token.expires_at
        return AccessTokenInfo(
            MaskedStr(token.bearer.reveal()),
            int(ends),
            refresh_on=None if token.refresh_at is None else int(token.refresh_at),
        )
