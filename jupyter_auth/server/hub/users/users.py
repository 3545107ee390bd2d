"""Asks the Hub who its users are. Answers are cached for a minute at most."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests
from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from jupyter_auth.core.errors import BrokerUnavailable, ConfigurationError
from jupyter_auth.server.hub.storage.database import Owner
from jupyter_auth.server.hub.users.known_tokens import PAUSE, REMEMBERED, KnownTokens
from jupyter_auth.server.hub.users.lookup_turns import LookupTurns, TrustedProxies

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyterhub.services.auth import HubAuth
    from tornado.httputil import HTTPServerRequest

PAGE = 200  # users
ANSWER_TIMEOUT = 10.0  # seconds
CONNECTIONS = 32  # to the Hub: far more than look-ups of unknown tokens
NEEDED_SCOPES = ("list:users", "read:users")
OK = 200
NOT_FOUND = 404
FORBIDDEN = 403
_TOKEN = re.compile(r"(?:bearer|token) +([!-~]+)", re.IGNORECASE)


def is_gone(hub_auth: HubAuth, owner: Owner) -> bool:
    """Whether the Hub has deleted that user, or recreated the name. Blocks.

    False unless the Hub itself says so: a 404 of a proxy in front of it does not count.
    """
    url = f"{hub_auth.api_url.rstrip('/')}/users/{quote(owner.name, safe='')}"
    headers = {"Authorization": f"token {hub_auth.api_token}"}
    try:
        with requests.Session() as http:
            http.trust_env = False  # within the Hub's own network
            answer = http.get(url, headers=headers, timeout=ANSWER_TIMEOUT, allow_redirects=False)
        said = answer.json()
        if answer.status_code == NOT_FOUND:
            return bool(said["status"] == NOT_FOUND)
        return bool(said["created"] != owner.created)
    except (requests.RequestException, ValueError, KeyError, TypeError):
        return False


def token_of(request: HTTPServerRequest) -> str:
    """The Hub API token in the header. BrokerUnavailable: there is none."""
    given = _TOKEN.fullmatch(request.headers.get("Authorization", ""))
    if given is None:
        raise BrokerUnavailable("A JupyterHub API token is required.")
    return given[1]


@dataclass(frozen=True)
class TokenOwner:
    """A token's owner. None: it is a service's, or lacks the scope for this service."""

    model: Mapping[str, Any]  # name, kind and scopes, from the Hub
    owner: Owner | None


class HubUsers:
    """Looks up users at the Hub, with the service's own token. ``groups``: their groups too."""

    def __init__(
        self,
        hub_auth: HubAuth,
        downstream: TrustedProxies | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        groups: bool = False,
    ) -> None:
        self._hub_auth = hub_auth
        self._groups = groups
        self._downstream = downstream or TrustedProxies()
        self._client = AsyncHTTPClient(force_instance=True, max_clients=CONNECTIONS)
        self._turns = LookupTurns()
        self._holders: KnownTokens[TokenOwner] = KnownTokens(REMEMBERED, clock)
        self._browsers: KnownTokens[TokenOwner] = KnownTokens(REMEMBERED, clock)

    def address_of(self, request: HTTPServerRequest) -> str:
        """As in ``TrustedProxies``."""
        return self._downstream.address_of(request)

    async def of_request(self, request: HTTPServerRequest) -> Owner:
        """The user of the request's Hub API token.

        Raises:
            BrokerUnavailable: the token is unknown, a service's, or lacks the scope; or, with
                ``retry_after``, the Hub does not answer now.
        """
        return await self.of_token(token_of(request), self._downstream.source_of(request))

    async def of_token(self, token: str, source: str) -> Owner:
        """As ``of_request``; an unknown token waits for a turn of ``source``."""
        holder = await self._holder(token, source)
        if holder.owner:
            return holder.owner
        if holder.model["kind"] != "user":
            raise BrokerUnavailable("Only users have accounts here; services have none.")
        raise BrokerUnavailable(
            f"The Hub does not allow this token of {holder.model['name']} to use the sign-in"
            " service.",
            hint="Its role lacks access:services!service=jupyter-auth; `hub_config` adds it.",
        )

    async def has_scope(self, request: HTTPServerRequest, scope: str) -> bool:
        """Whether the request's Hub API token has ``scope``. Raises as ``of_request``."""
        source = self._downstream.source_of(request)
        holder = await self._holder(token_of(request), source)
        return bool(self._hub_auth.check_scopes({scope}, holder.model))

    async def of_cookie(self, token: str, session: str) -> TokenOwner | None:
        """The owner of a browser's OAuth token in a session at the Hub, or None if unknown.

        It comes from an encrypted cookie, so it is one that the Hub issued: it is its own source.
        """
        look_up = functools.partial(self._found, token, _digest(token))
        try:
            return await self._browsers.get(_digest(session, token), look_up)
        except BrokerUnavailable as error:
            if error.retry_after:
                raise
            return None

    async def _holder(self, token: str, source: str) -> TokenOwner:
        look_up = functools.partial(self._found, token, source)
        return await self._holders.get(_digest(token), look_up)

    async def _found(self, token: str, source: str, before: TokenOwner | None) -> TokenOwner:
        """What the Hub says of the token. One that it knew before does not wait for a turn.

        A token's user never changes and is asked for once; its scopes, and users' names and groups,
        may change.
        """
        async with contextlib.nullcontext() if before else self._turns.of(source):
            said = await self._ask("user", token)
        if said is None:
            raise BrokerUnavailable(
                "The Hub does not know this token.", hint="The server may have been stopped."
            )
        model = {name: said[name] for name in ("name", "kind", "scopes")}  # of many fields
        if model["kind"] != "user":
            return TokenOwner(model, None)
        if not self._hub_auth.check_scopes(self._hub_auth.access_scopes, model):
            return TokenOwner(model, None)
        known = before.owner if before else None
        if known and known.name == model["name"] and not self._groups:
            return TokenOwner(model, known)
        if (owner := await self.owner(str(model["name"]))) is None:
            raise BrokerUnavailable("The Hub has no such user.")
        return TokenOwner(model, owner)

    async def owner(self, name: str) -> Owner | None:
        """The user of that name now. BrokerUnavailable: the Hub is away."""
        user = await self._ask(f"users/{quote(name, safe='')}")
        if user is None:
            return None
        groups = frozenset(user["groups"]) if self._groups else frozenset()
        return Owner(str(user["name"]), str(user["created"]), groups)

    async def is_gone(self, owner: Owner) -> bool:
        """As the function ``is_gone``, in a thread."""
        return await asyncio.to_thread(is_gone, self._hub_auth, owner)

    async def all(self) -> set[str]:
        """The owner ids of all users.

        Some may be missing: if a user is deleted between two pages, the next ones move up a page.
        """
        found: set[str] = set()
        offset: int | None = 0
        while offset is not None:
            page = await self._ask(f"users?limit={PAGE}&offset={offset}")
            if page is None:
                raise _hub_gone()
            found.update(Owner(str(u["name"]), str(u["created"])).id for u in page["items"])
            following = page["_pagination"]["next"]
            offset = following["offset"] if following else None
        return found

    async def check_scopes(self) -> None:
        """Raise ConfigurationError if the service's role lacks a scope."""
        me = await self._ask("user")
        lacking = [s for s in NEEDED_SCOPES if s not in (me or {}).get("scopes", ())]
        if lacking:
            raise ConfigurationError(
                f"The service's role on the Hub lacks the scope {lacking[0]}.",
                hint="`jupyter_auth.hub_config(c, providers=...)` adds the roles that it needs.",
            )

    async def _ask(self, path: str, token: str = "") -> Any:
        """The Hub API's answer, or None: not found, or ``token`` (default: our own) is unknown."""
        headers = {
            "Authorization": f"token {token or self._hub_auth.api_token}",
            "Accept": "application/jupyterhub-pagination+json",
        }
        try:
            answer = await self._client.fetch(
                f"{self._hub_auth.api_url.rstrip('/')}/{path}",
                headers=headers,
                connect_timeout=ANSWER_TIMEOUT,
                request_timeout=ANSWER_TIMEOUT,
                follow_redirects=False,
                raise_error=False,
            )
            said = json.loads(answer.body)
            own = answer.code == OK or said["status"] == answer.code  # no error page of a proxy's
        except (OSError, ValueError, TypeError, KeyError, HTTPClientError):
            raise _hub_gone() from None
        if own and answer.code == OK:
            return said
        if own and answer.code == (FORBIDDEN if token else NOT_FOUND):
            return None
        if own and answer.code == FORBIDDEN:
            raise ConfigurationError(
                "The Hub rejected the service's API token.",
                hint="Check that JUPYTERHUB_API_TOKEN is the one in the Hub's configuration.",
            )
        raise _hub_gone()


def _digest(*words: str) -> str:
    return hashlib.sha256("\n".join(words).encode("utf-8", "surrogatepass")).hexdigest()


def _hub_gone() -> BrokerUnavailable:
    return BrokerUnavailable(
        "The Hub does not answer.", hint="Try again in a moment.", retry_after=PAUSE
    )
