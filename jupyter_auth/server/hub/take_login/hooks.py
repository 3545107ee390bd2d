"""The Hub's side, in its own process: each refresh token goes to the service, which alone keeps it.

A rotating refresh token has one holder: two would end each other's sign-in (RFC 9700 4.14.2).
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import logging
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from tornado.httpclient import AsyncHTTPClient, HTTPError

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH = "/hub-login"  # below the service's prefix
TIMEOUT = 20.0  # seconds: the provider is asked meanwhile
CONNECTIONS = 32
REFRESH_TOKEN = "refresh_token"  # noqa: S105 (its name)
TAKEN = "jupyter_auth"  # in the ``auth_state`` of a login that the service has taken over

_log = logging.getLogger("jupyter_auth")


class HubLogins:
    """The hooks of one Hub for its ``provider``; ``service`` is the service's name there.

    Each takes the configured hook of its kind first. The user's ``auth_state`` is read again under
    a lock: several servers may start at once.
    """

    def __init__(self, provider: str, service: str) -> None:
        self.provider = provider
        self._service = service
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def __deepcopy__(self, memo: dict[int, Any]) -> HubLogins:
        """The same: traitlets copies what it configures for each spawner, and the lock is one."""
        return self

    def put(self, c: Any) -> None:
        """Chain the hooks into a Hub's configuration. Doing it twice is harmless."""
        c.Authenticator.enable_auth_state = True
        for base, trait, ours in (
            ("Authenticator", "post_auth_hook", self.post_auth),
            ("OAuthenticator", "refresh_user_hook", self.refresh_user),
            ("Spawner", "auth_state_hook", self.auth_state),
        ):
            # A class's own hook replaces that of its base.
            own = [each for each in c if each[:1].isupper() and trait in c[each]]
            for section in {base, *own}:
                found = c[section].get(trait)
                if of_others(found) is found:
                    c[section][trait] = functools.partial(ours, found if callable(found) else None)

    async def post_auth(
        self, theirs: Any, authenticator: Any, handler: Any, authentication: Any
    ) -> Any:
        """``Authenticator.post_auth_hook``: a known user's token is never stored at the Hub.

        The service asks the Hub for the user: a new one is there only afterwards.
        """
        if theirs:
            authentication = await _result(theirs(authenticator, handler, authentication))
        if authentication and (state := authentication.get("auth_state")):
            name = authentication["name"]
            async with self._lock(name):
                state, _ = await self._handed_over(name, state)
            authentication = {**authentication, "auth_state": state}
        return authentication

    async def refresh_user(
        self, theirs: Any, authenticator: Any, user: Any, auth_state: Any
    ) -> Any:
        """``OAuthenticator.refresh_user_hook``: how the service's account stands.

        The authenticator's own refresh, which would spend the token, runs only where there is none.
        """
        settled, standing = await self._settled(user)
        if auth_state and settled:  # it goes on with this very dict
            auth_state.update(settled)
        said = await _result(theirs(authenticator, user, settled)) if theirs else None
        if standing == "ended" and (settled or {}).get(TAKEN):  # else it is of an earlier login
            return False
        return True if said is None and standing in {"fresh", "unavailable"} else said

    async def auth_state(self, theirs: Any, spawner: Any, auth_state: Any) -> None:
        """``Spawner.auth_state_hook``: the configured one gets no refresh token."""
        if _token_in(auth_state):
            auth_state, _ = await self._settled(spawner.user)
        if theirs:
            await _result(theirs(spawner, without_token(auth_state)))

    async def _settled(self, user: Any) -> tuple[Any, str]:
        """The user's ``auth_state``, saved without its token once that is the service's."""
        async with self._lock(user.name):
            before = await user.get_auth_state()
            after, standing = await self._handed_over(user.name, before)
            if after is not before:
                await user.save_auth_state(after)
        return after, standing

    async def _handed_over(self, name: str, state: Any) -> tuple[Any, str]:
        asked = {"user": name, "provider": self.provider}
        if token := _token_in(state):
            asked[REFRESH_TOKEN] = token
        said = await self._ask(asked)
        if said.get("taken"):
            state = {**without_token(state), TAKEN: True}
        return state, str(said.get("state"))

    async def _ask(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """The service's ``Standing``. Without an answer users stay logged in, and tokens here."""
        from jupyterhub.app import JupyterHub

        service = JupyterHub.instance()._service_map[self._service]  # noqa: SLF001 (with its token)
        try:
            answer = await self._client.fetch(
                f"{service.url.rstrip('/')}{service.prefix.rstrip('/')}{PATH}",
                method="POST",
                headers={"Authorization": f"token {service.api_token}"},
                body=json.dumps(asked),
                connect_timeout=TIMEOUT,
                request_timeout=TIMEOUT,
                follow_redirects=False,
            )
            return dict(json.loads(answer.body))
        except (OSError, ValueError, TypeError, HTTPError) as error:
            _log.warning("The sign-in service does not answer the Hub: %s", error)
            return {"state": "unavailable"}

    @functools.cached_property
    def _client(self) -> AsyncHTTPClient:
        """One of our own: the Hub's would have no connections left while the service hangs."""
        return AsyncHTTPClient(force_instance=True, max_clients=CONNECTIONS)

    def _lock(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())


def _token_in(auth_state: Any) -> str:
    return str((auth_state or {}).get(REFRESH_TOKEN) or "")


def without_token(auth_state: Any) -> Any:
    """A copy without a refresh token. The key stays, with None, as OAuthenticator has it."""
    if not auth_state:
        return auth_state
    kept = {**auth_state, REFRESH_TOKEN: None}
    if isinstance(response := kept.get("token_response"), dict):
        kept["token_response"] = {k: v for k, v in response.items() if k != REFRESH_TOKEN}
    return kept


async def _result(said: Any) -> Any:
    return await said if inspect.isawaitable(said) else said


def of_others(hook: Any) -> Any:
    """The hook that was configured, without what ``HubLogins`` added to it."""
    added = getattr(getattr(hook, "func", None), "__self__", None)
    return hook.args[0] if isinstance(added, HubLogins) else hook


def added_to(c: Any) -> str | None:
    """The provider of the hooks that a configuration has, or None."""
    hook = c.Authenticator.get("post_auth_hook")
    return None if of_others(hook) is hook else str(hook.func.__self__.provider)
