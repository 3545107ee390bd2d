"""Who is who on the Hub. The Hub alone says it, and is believed for a minute at most."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote

import requests
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.web import HTTPError

from jupyter_auth.core.errors import BrokerUnavailable, ConfigurationError, Throttled
from jupyter_auth.server.database import Owner

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jupyterhub.services.auth import HubAuth
    from tornado.httputil import HTTPServerRequest

T = TypeVar("T")

BELIEVED = 60.0  # seconds; also how long a deleted user is still served
REMEMBERED = 20_000  # tokens
FAILURES = 30  # unknown tokens of one address within that time, before the Hub is not asked
PAGE = 200  # users
ANSWER_TIMEOUT = 10.0  # seconds
NEEDED_SCOPES = ("list:users", "read:users")
NOT_FOUND = 404
FORBIDDEN = 403
_TOKEN = re.compile(r"(?:bearer|token) +(\S+)", re.IGNORECASE)


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
        raise BrokerUnavailable("This door takes a Hub API token.")
    return given[1]


def peer_of(request: HTTPServerRequest) -> str:
    """The address that this connection comes from, whatever the request's headers say."""
    connection: Any = request.connection
    return str(connection.context.address[0])


class Remembered(Generic[T]):
    """What was looked up, for some seconds. Those who ask at once share one look-up."""

    def __init__(self, seconds: float = BELIEVED, most: int = REMEMBERED) -> None:
        self._seconds, self._most = seconds, most
        self._found: OrderedDict[str, tuple[float, asyncio.Future[T]]] = OrderedDict()

    async def get(self, key: str, look_up: Callable[[], Awaitable[T]]) -> T:
        """What ``look_up`` returns or raises; what it raises is not remembered."""
        until, found = self._found.get(key, (0.0, None))
        if found is None or until < time.monotonic():
            found = asyncio.ensure_future(look_up())
            self._found[key] = time.monotonic() + self._seconds, found
            self._found.move_to_end(key)
            while len(self._found) > self._most:
                self._found.popitem(last=False)
        try:
            return await asyncio.shield(found)
        except Exception:
            if self._found.get(key, (0.0, None))[1] is found:
                del self._found[key]
            raise


class People:
    """The Hub's users, asked for with the service's own token."""

    def __init__(self, hub_auth: HubAuth) -> None:
        self._hub_auth = hub_auth
        self._client = AsyncHTTPClient(force_instance=True, max_clients=32)
        self._owners: Remembered[Owner] = Remembered()
        self._met: OrderedDict[str, None] = OrderedDict()  # tokens that the Hub knew
        self._failures: dict[str, tuple[float, int]] = {}

    async def of_token(self, token: str, address: str) -> Owner:
        """The user whose Hub API token that is, if it may use this service.

        BrokerUnavailable: nobody's, a service's, or without the scope. Throttled: ``address`` sent
        too many unknown ones.
        """
        return await self._owners.get(_digest(token), lambda: self._identified(token, address))

    async def of_cookie(self, token: str, name: str) -> Owner:
        """The user who has just been identified by this OAuth token of a browser."""
        return await self._owners.get(_digest("cookie", token), lambda: self._owner(name))

    async def has_scope(self, token: str, address: str, scope: str) -> bool:
        """Whether this Hub API token has it. Raises as ``of_token`` where the Hub knows it not."""
        model = await self._model(token, address)
        return bool(self._hub_auth.check_scopes({scope}, model))

    async def _identified(self, token: str, address: str) -> Owner:
        model = await self._model(token, address)
        if model["kind"] != "user":
            raise BrokerUnavailable("Only users have accounts here, services have none.")
        if not self._hub_auth.check_scopes(self._hub_auth.access_scopes, model):
            raise BrokerUnavailable(
                f"The Hub does not let this token of {model['name']} use the sign-in service.",
                hint="Its role lacks access:services!service=jupyter-auth; `hub_config` adds it.",
            )
        return await self._owner(str(model["name"]))

    async def _model(self, token: str, address: str) -> dict[str, Any]:
        """What the Hub says of the token. Those it knew before are not held up by a flood."""
        digest = _digest(token)
        if digest not in self._met:
            self._check_failures(address)
        try:
            model = await self._hub_auth.user_for_token(token, use_cache=False, sync=False)
        except HTTPError:
            raise _hub_gone() from None
        if model is None:
            self._met.pop(digest, None)
            self._count_failure(address)
            raise BrokerUnavailable(
                "The Hub does not know this token.", hint="Was the server stopped meanwhile?"
            )
        self._met[digest] = None
        self._met.move_to_end(digest)
        while len(self._met) > REMEMBERED:
            self._met.popitem(last=False)
        return dict(model)

    async def _owner(self, name: str) -> Owner:
        user = await self._ask(f"users/{quote(name, safe='')}")
        if user is None:
            raise BrokerUnavailable("The Hub has no such user (any more).")
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

    async def _ask(self, path: str) -> Any:
        """What the Hub's API answers; None: there is no such thing. BrokerUnavailable."""
        headers = {
            "Authorization": f"token {self._hub_auth.api_token}",
            "Accept": "application/jupyterhub-pagination+json",
        }
        try:
            url = f"{self._hub_auth.api_url.rstrip('/')}/{path}"
            return json.loads((await self._client.fetch(url, headers=headers)).body)
        except HTTPClientError as error:
            if error.code == NOT_FOUND:
                return None
            if error.code == FORBIDDEN:
                raise ConfigurationError(
                    "The Hub refuses the service's API token.",
                    hint="Is JUPYTERHUB_API_TOKEN the one in the Hub's configuration?",
                ) from None
            raise _hub_gone() from None
        except (OSError, ValueError):
            raise _hub_gone() from None

    def _check_failures(self, address: str) -> None:
        until, count = self._failures.get(address, (0.0, 0))
        if count >= FAILURES and until > time.monotonic():
            raise Throttled("Too many unknown tokens came from this address.")

    def _count_failure(self, address: str) -> None:
        now = time.monotonic()
        if len(self._failures) >= REMEMBERED:
            self._failures = {a: (t, c) for a, (t, c) in self._failures.items() if t > now}
        until, count = self._failures.get(address, (0.0, 0))
        self._failures[address] = (until, count + 1) if until > now else (now + BELIEVED, 1)


def _digest(*words: str) -> str:
    return hashlib.sha256("\n".join(words).encode("utf-8", "surrogatepass")).hexdigest()


def _hub_gone() -> BrokerUnavailable:
    return BrokerUnavailable("The Hub does not answer.", hint="Try again in a moment.")
