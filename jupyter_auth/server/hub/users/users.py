"""Who is who on the Hub. The Hub alone says it, and is believed for a minute at most."""

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
CONNECTIONS = 32  # to the Hub: far more than look-ups of tokens that nobody knows yet
NEEDED_SCOPES = ("list:users", "read:users")
OK = 200
NOT_FOUND = 404
FORBIDDEN = 403
_TOKEN = re.compile(r"(?:bearer|token) +([!-~]+)", re.IGNORECASE)


def is_gone(hub_auth: HubAuth, owner: Owner) -> bool:
    """Whether the Hub has deleted that user, or made another one under the name. Blocks.

    False where the Hub itself does not say so: whoever is there still is not to be left out, and
    loses nothing. A 404 of a proxy in front of it is no answer of the Hub.
    """
    url = f"{hub_auth.api_url.rstrip('/')}/users/{quote(owner.name, safe='')}"
    headers = {"Authorization": f"token {hub_auth.api_token}"}
    try:
        with requests.Session() as http:
            http.trust_env = False  # as everywhere within the Hub's own network
            answer = http.get(url, headers=headers, timeout=ANSWER_TIMEOUT, allow_redirects=False)
        said = answer.json()
        if answer.status_code == NOT_FOUND:
            return bool(said["status"] == NOT_FOUND)
        return bool(said["created"] != owner.created)
    except (requests.RequestException, ValueError, KeyError, TypeError):
        return False


def token_of(request: HTTPServerRequest) -> str:
    """The Hub API token in its header. BrokerUnavailable: there is none."""
    given = _TOKEN.fullmatch(request.headers.get("Authorization", ""))
    if given is None:
        raise BrokerUnavailable("A JupyterHub API token is required.")
    return given[1]


@dataclass(frozen=True)
class TokenOwner:
    """Whose a token is. ``owner`` None: it is a service's, or lacks the scope for this service."""

    model: Mapping[str, Any]  # name, kind and scopes, as the Hub says them
    owner: Owner | None


class HubUsers:
    """The Hub's users, asked for with the service's own token. ``clock``: in seconds."""

    def __init__(
        self,
        hub_auth: HubAuth,
        downstream: TrustedProxies | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hub_auth = hub_auth
        self._downstream = downstream or TrustedProxies()
        self._client = AsyncHTTPClient(force_instance=True, max_clients=CONNECTIONS)
        self._turns = LookupTurns()
        self._holders: KnownTokens[TokenOwner] = KnownTokens(REMEMBERED, clock)
        self._browsers: KnownTokens[TokenOwner] = KnownTokens(REMEMBERED, clock)

    async def of_request(self, request: HTTPServerRequest) -> Owner:
        """The user whose Hub API token it carries, if that may use this service.

        BrokerUnavailable: nobody's, a service's, or without the scope; or, with ``retry_after``,
        the Hub cannot say it now.
        """
        return await self.of_token(token_of(request), self._downstream.source_of(request))

    async def of_token(self, token: str, source: str) -> Owner:
        """As ``of_request``, for a token that waits in that line where it is new."""
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
        """Whether the Hub API token that it carries has it. Raises as ``of_request``."""
        source = self._downstream.source_of(request)
        holder = await self._holder(token_of(request), source)
        return bool(self._hub_auth.check_scopes({scope}, holder.model))

    async def of_cookie(self, token: str, session: str) -> TokenOwner | None:
        """Of a browser's OAuth token, in that session at the Hub; None: the Hub knows it not.

        The Hub has given it to this service, for the cookie is sealed: it has a line of its own.
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
        """What the Hub says of the token. One that it knew before waits in no line.

        Whose it is never changes, so who that is is asked once. Its scopes may, and users' names.
        """
        async with contextlib.nullcontext() if before else self._turns.of(source):
            said = await self._ask("user", token)
        if said is None:
            raise BrokerUnavailable(
                "The Hub does not know this token.",
                hint="The server may have been stopped meanwhile.",
            )
        model = {name: said[name] for name in ("name", "kind", "scopes")}  # of many fields
        if model["kind"] != "user":
            return TokenOwner(model, None)
        if not self._hub_auth.check_scopes(self._hub_auth.access_scopes, model):
            return TokenOwner(model, None)
        if before and before.owner and before.owner.name == model["name"]:
            return TokenOwner(model, before.owner)
        return TokenOwner(model, await self._owner(str(model["name"])))

    async def _owner(self, name: str) -> Owner:
        user = await self._ask(f"users/{quote(name, safe='')}")
        if user is None:
            raise BrokerUnavailable("The Hub has no such user.")
        return Owner(str(user["name"]), str(user["created"]))

    async def is_gone(self, owner: Owner) -> bool:
        """As the function, in a thread."""
        return await asyncio.to_thread(is_gone, self._hub_auth, owner)

    async def all(self) -> set[str]:
        """The owner's id of every user there is. BrokerUnavailable: the Hub does not answer.

        Some may be missing: pages are counted by offset, and a user who is deleted meanwhile moves
        those behind to the page before.
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
        """ConfigurationError: the service's own role does not let it see the Hub's users."""
        me = await self._ask("user")
        lacking = [s for s in NEEDED_SCOPES if s not in (me or {}).get("scopes", ())]
        if lacking:
            raise ConfigurationError(
                f"The service's role on the Hub lacks the scope {lacking[0]}.",
                hint="`jupyter_auth.hub_config(c, providers=...)` adds the roles that it needs.",
            )

    async def _ask(self, path: str, token: str = "") -> Any:
        """What the Hub's API answers; None: there is no such thing, or it does not know ``token``.

        Without one, the service asks with its own. BrokerUnavailable: no answer of the Hub's.
        """
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
