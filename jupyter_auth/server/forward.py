"""A single-user server's broker, which forwards all calls to the Hub service. It has no pages."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from jupyter_auth.core import wire
from jupyter_auth.core.common.backoff import Backoff
from jupyter_auth.core.common.routes import API, ROUTES
from jupyter_auth.core.errors import BrokerUnavailable, ConfigurationError
from jupyter_auth.core.secret import Secret
from jupyter_auth.server.broker import request_parsing
from jupyter_auth.server.broker.broker import MAX_WAIT, Wire
from jupyter_auth.server.broker.page_urls import PREFIX
from jupyter_auth.server.broker.redirect.hub import CONSENT, URL_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from jupyter_auth.core.common.routes import Route
    from jupyter_auth.server.broker.broker import NotebookOf
    from jupyter_auth.server.broker.redirect.hub import HubRedirect

TIMEOUT = 90.0  # seconds: longer than a refresh may take
CONNECTIONS = 600  # most of them long polls
PAUSE = 1.0  # seconds until a service that gave no answer is asked again
HTTP_ERROR = 400
CHANGES = ROUTES["changes"]


class RemoteBroker:
    """Forwards to the Hub service. ConfigurationError: ``url`` is not valid.

    ``notebook_of``: as in ``Broker``; None: the service does not ask which notebooks may.
    """

    public_origin = None

    def __init__(
        self,
        url: str,
        hub: HubRedirect,
        token: Secret,
        *,
        shared: bool = False,
        notebook_of: NotebookOf | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise ConfigurationError(
                f"{URL_VARIABLE} is not the address of this JupyterHub's sign-in service.",
                hint="`jupyter_auth.hub_config` sets it; elsewhere leave it out.",
            )
        self.hub = hub
        self._shared = shared
        self._notebook_of = notebook_of
        service = f"{hub.hub_prefix.removesuffix('hub/')}services/{PREFIX}"
        self.base_url = service.removesuffix(PREFIX)
        self._api = f"{parts.scheme}://{parts.netloc}{service}{API}"
        self._token = token
        self._client: AsyncHTTPClient | None = None
        self._listener: asyncio.Task[None] | None = None

    @classmethod
    def configured_for(
        cls,
        hub: HubRedirect | None,
        *,
        shared: bool = False,
        notebook_of: NotebookOf | None = None,
    ) -> RemoteBroker | None:
        """The one that the environment names, or None; without ``hub`` it is for another server."""
        if hub is None or not (url := os.environ.get(URL_VARIABLE)):
            return None
        token = Secret(os.environ.get("JUPYTERHUB_API_TOKEN", ""))
        notebook_of = notebook_of if os.environ.get(CONSENT) == "1" else None
        return cls(url, hub, token, shared=shared, notebook_of=notebook_of)

    async def of(self, user: Any) -> RemoteBroker:  # noqa: ARG002 (the owner, or refused)
        """This broker: the service knows the user by the token."""
        return self

    async def call(
        self,
        route: Route,
        *names: str,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        origin: str | None = None,
        gone: asyncio.Event | None = None,
    ) -> Wire:
        """Forward the call. The service refuses some routes."""
        del origin  # the service knows its own
        if route.call == "begin" and self._shared:
            body = {**(body or {}), "shared": True}
        if route.call in {"begin", "token"} and body and self._notebook_of:
            kernel = request_parsing.shown(body, "kernel")
            body = {**body, "notebook": await self._notebook_of(kernel) if kernel else None}
        asking = self._ask(route.method, route.address(*names, query=query), body)
        found = await (_unless(gone, asking) if gone else asking)
        if route.call == "examine" and not (query or {}).get("provider"):
            found["findings"] += map(wire.finding_to_wire, self.hub.findings())
        return found

    def listen(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after each change, by one long poll, until ``close``."""
        self._listener = asyncio.get_running_loop().create_task(self._listen(listener))

    async def _listen(self, listener: Callable[[], None]) -> None:
        since, tries = 0, Backoff()
        while True:
            try:
                found = await self.call(CHANGES, query={"since": since, "wait": MAX_WAIT})
                news = found["sequence"]
            except Exception as error:  # noqa: BLE001 (away, or another server answers)
                await asyncio.sleep(tries.pause(error))
                continue
            tries.reset()
            if news != since:
                since = news
                listener()

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Wire:
        """The service's answer, or the error in it."""
        if self._client is None:
            self._client = AsyncHTTPClient(force_instance=True, max_clients=CONNECTIONS)
        request = HTTPRequest(
            self._api + path,
            method,
            {
                "Authorization": f"Bearer {self._token.reveal()}",
                "Content-Type": "application/json",
                wire.VERSION_HEADER: str(wire.VERSION),
            },
            body=None if body is None else json.dumps(body),
            request_timeout=TIMEOUT,
            follow_redirects=False,
        )
        try:
            answer = await self._client.fetch(request, raise_error=False)
            data = json.loads(answer.body or b"null")
        except (OSError, ValueError):
            data = None
        if not isinstance(data, dict):
            raise BrokerUnavailable(
                "The Hub's sign-in service does not answer.",
                hint="You're still signed in. Try again shortly, or ask the Hub's administrator.",
                retry_after=PAUSE,
            )
        if answer.code >= HTTP_ERROR:
            raise wire.error_from_wire(data)
        return data

    async def drained(self) -> None:
        """Return at once: no poll waits in this process."""

    def close(self) -> None:
        """Close the connections."""
        if self._listener:
            self._listener.cancel()
        if self._client:
            self._client.close()


async def _unless(gone: asyncio.Event, asking: Coroutine[Any, Any, Wire]) -> Wire:
    """The answer, or ``{}`` once the client has disconnected."""
    task, leaving = asyncio.create_task(asking), asyncio.create_task(gone.wait())
    await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
    leaving.cancel()
    if task.done():
        return task.result()
    task.cancel()
    return {}
