"""One user's engine behind HTTP: asynchronous and bounded.

Each method that ``core.common.routes`` names is one route: a mapping in is a JSON body or a query,
a mapping out is JSON. Every call runs in a thread of the provider's own pool.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from jupyter_auth.core import wire
from jupyter_auth.core.common.codec import to_wire
from jupyter_auth.core.common.finding import wrong
from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.common.urls import origin_of
from jupyter_auth.core.consent.consents import GRANT as CONSENT
from jupyter_auth.core.consent.consents import Asker
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.models import AccountKey
from jupyter_auth.core.provider.definitions import provider_from_mapping, provider_to_mapping
from jupyter_auth.core.provider.info import default_provider
from jupyter_auth.server.broker import request_parsing
from jupyter_auth.server.broker.device_polling import DevicePolling
from jupyter_auth.server.broker.forwards import Forwards
from jupyter_auth.server.broker.known_browsers import KnownBrowsers
from jupyter_auth.server.broker.login_pages import LoginPages, pool_of
from jupyter_auth.server.broker.long_poll import WAITS, LongPoll, WaitLimit
from jupyter_auth.server.broker.page_urls import Visits
from jupyter_auth.server.broker.thread_pools import FINDING, THREADS, Pools

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from jupyter_auth.core.common.routes import Route
    from jupyter_auth.core.engine import Engine
    from jupyter_auth.core.models import Change, Login, Logout
    from jupyter_auth.server.broker.redirect.hub import HubRedirect
    from jupyter_auth.server.broker.thread_pools import UserPools

MAX_WAIT = 30.0  # seconds
USAGE_PAUSE = 1.0  # seconds within which all reports of kernels count as one change

Wire: TypeAlias = dict[str, Any]
NotebookOf: TypeAlias = "Callable[[str], Awaitable[str | None]]"


class Broker(LoginPages):
    """The broker of one user. ``shared``: several people use this server together.

    ``pools`` are the user's threads of a process that serves several; None: its own. ``neighbour``:
    as ``forward`` of ``LocalAccounts``. ``notebook_of``: which notebook a kernel has, by its id, as
    Jupyter knows it; None: kernels say it themselves.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        base_url: str,
        public_origin: str | None = None,
        default_provider: str | None = None,
        hub: HubRedirect | None = None,
        known_browsers: KnownBrowsers | None = None,
        listening: Callable[[], str | None] = lambda: None,
        shared: bool = False,
        pools: UserPools | None = None,
        waits: WaitLimit = WAITS,
        neighbour: Callable[[str, str, str], bool] = lambda *_: False,
        notebook_of: NotebookOf | None = None,
    ) -> None:
        self._own_pools = Pools(share=THREADS)
        pools = pools or self._own_pools.of("")
        super().__init__(engine, pools, neighbour, base_url, public_origin, hub)
        self.known_browsers = known_browsers or KnownBrowsers.of_server("", {}, confirm=None)
        self._default = default_provider
        self._listening = listening
        self._shared = shared
        self._notebook_of = notebook_of
        self.visits = Visits()
        self.forwards = Forwards(self, listening)
        self._telling: asyncio.TimerHandle | None = None
        self._device_polling = DevicePolling(engine, self._pools, self._polled)
        self._long_poll = LongPoll(engine, self._pools, self._device_polling, waits)

    async def of(self, user: Any) -> Broker:  # noqa: ARG002 (any user of this server)
        """This broker: a server has one user."""
        return self

    @property
    def reached_at(self) -> tuple[str | None, bool]:
        """As configured, else where a browser was, a program, or where this server listens."""
        if sure := self.public_origin or self.visits.browser:
            return sure, False
        listening = None if self.on_hub else self._listening()
        found = self.visits.program or (listening and origin_of(listening)) or None
        return found, found is not None

    async def call(self, route: Route, *names: str, **given: Any) -> Wire:
        """Call the route's method."""
        return dict(await getattr(self, route.call)(*names, **given))

    async def providers(self, query: Mapping[str, Any]) -> Wire:
        """All providers, the names of the built-in ones, and that of the default.

        ``arrive``: the pages on which a browser that has just come is signed in silently.
        """
        listed = partial(self._engine.providers, unregistered=query.get("unregistered") == "1")
        infos = await self._pools.run(None, listed)
        known = [wire.info_to_wire(info) for info in infos]
        return {
            "providers": known,
            "presets": self._engine.presets(),
            "default": self._default or default_provider(infos),
            "arrive": {name: self.arrive_path(name) for name in await self.silent()},
        }

    async def silent(self) -> list[str]:
        """The silent providers where no account is signed in and healthy; none if each account
        takes a click here.
        """
        infos = await self._pools.run(None, self._engine.providers)
        names = [info.name for info in infos if info.silent]
        if not names or self.known_browsers.confirm:
            return []
        now, found = time.time(), await self._pools.run(None, self._engine.accounts)
        healthy = [each for each in found if not each.trouble and not each.over(now)]
        here = {each.provider for each in healthy if each.session_key == DEFAULT_KEY}
        return [name for name in names if name not in here]

    async def provider(self, name: str) -> Wire:
        """One provider."""
        return wire.info_to_wire(await self.provider_info(name))

    async def configuration(self, name: str) -> Wire:
        """All fields but client secrets: for a kernel with a client secret of its own."""
        return provider_to_mapping(await self.configured(name), secrets=False)

    async def register(self, name: str, body: Mapping[str, Any]) -> Wire:
        """Register a kernel's own provider: the name in the answer is its handle."""
        if body.get("name", name) != name:
            raise ConfigurationError("The provider in the request has another name.")
        provider = provider_from_mapping(name, dict(body))
        info = await self._pools.run(pool_of(name), self._engine.register, provider)
        return wire.info_to_wire(info)

    async def configure(self, name: str, fields: Mapping[str, Any]) -> None:
        """Add a provider that another extension of this server defines."""
        self._engine.configure(provider_from_mapping(name, dict(fields)))

    async def add(self, body: Mapping[str, Any]) -> Wire:
        """Save a provider to the user's own file: for kernels only."""
        name = request_parsing.required(body, "name")
        fields = {key: value for key, value in body.items() if key not in {"name", "replace"}}
        add = partial(self._engine.add, replace=request_parsing.flag(body, "replace"))
        return wire.info_to_wire(await self._pools.run(None, add, name, fields))

    async def find(self, body: Mapping[str, Any]) -> Wire:
        """The provider for an API's address, found and kept."""
        address = request_parsing.required(body, "address")
        return wire.info_to_wire(await self._pools.run(FINDING, self._engine.find, address))

    async def remove(self, name: str) -> Wire:
        """Forget a provider of the user's own: sign out there, and delete its registration."""
        return dict(to_wire(await self._pools.run(pool_of(name), self._engine.remove, name)))

    async def examine(self, query: Mapping[str, Any], origin: str | None = None) -> Wire:
        """Check this server, or one provider. ``origin``: that of the browser that asks."""
        name = request_parsing.text(query, "provider")
        found = await self._pools.run(pool_of(name or ""), self._engine.examine, name)
        visited = origin or self._visited or self.visits.browser
        here = self.known_origins(visited, self._listening())
        if name:
            configured = await self.configured(name)
            if not await self._pools.run(pool_of(name), self._engine.obtains_client, name):
                found.insert(1, here.redirect_uri(configured, self.redirect_path(name)))
            if obstacle := await self._obstacle(name):
                found.insert(1, wrong("Return to Jupyter", obstacle))
        elif conflict := here.ipv6_conflict():
            found.insert(0, conflict)
        found += self.hub.findings() if self.hub and not name else []
        return {"findings": [wire.finding_to_wire(each) for each in found]}

    async def accounts(self) -> Wire:
        """The signed-in accounts, those in trouble included."""
        infos = await self._pools.run(None, self._engine.accounts)
        return {"accounts": [wire.info_to_wire(info) for info in infos]}

    async def logout(self, query: Mapping[str, Any]) -> Wire:
        """Sign out: here first, then at the provider, unless ``revoke=0``."""
        return await self._log_out(self._engine.logout, query)

    async def _log_out(self, call: Callable[..., Logout], query: Mapping[str, Any]) -> Wire:
        name = request_parsing.required(query, "provider")
        key, revoke = request_parsing.session_key(query), query.get("revoke", "1") != "0"
        return dict(to_wire(await self._pools.run(pool_of(name), call, name, key, revoke=revoke)))

    async def consents(self) -> Wire:
        """What notebooks may use; nothing where they are not asked."""
        kept = self._engine.consents
        return {
            "consents": [x.to_wire() for x in await self._pools.run(None, kept.all)] if kept else []
        }

    async def revoke_consent(self, query: Mapping[str, Any]) -> Wire:
        """End a notebook's consents; ``notebook`` is empty for programs."""
        key = AccountKey(
            request_parsing.required(query, "provider"), request_parsing.session_key(query)
        )
        kept, notebook = self._engine.consents, request_parsing.text(query, "notebook") or ""
        return {"removed": bool(kept and await self._pools.run(None, kept.revoke, key, notebook))}

    async def token(self, body: Mapping[str, Any]) -> Wire:
        """An access token: for kernels only."""
        name, key = request_parsing.required(body, "provider"), request_parsing.session_key(body)
        if grant := request_parsing.text(body, "grant"):
            if grant != wire.CLIENT_CREDENTIALS:
                raise ConfigurationError("'grant' can only be client_credentials here.")
            return await self._client_token(name, key, body)
        pool, need = pool_of(name), request_parsing.need(body)
        # A provider that hangs fills its own pool, not the one for tokens that are still valid.
        token = await self._pools.run(None, self._engine.token_at_hand, name, key, need)
        if token is None:
            token = await self._pools.run(pool, self._engine.token, name, key, need)
        if consents := self._engine.consents:
            asker = await self._asker(body)
            await self._pools.run(None, consents.require, AccountKey(name, key), token, asker)
        answer = wire.token_to_wire(token)
        if request_parsing.flag(body, "id_token"):
            id_token = await self._pools.run(pool, self._engine.id_token, name, key)
            answer["id_token"] = id_token.reveal() if id_token else None
        return answer

    async def _asker(self, body: Mapping[str, Any]) -> Asker:
        """Who asks. What Jupyter knows of a kernel's notebook counts, not what the kernel says."""
        kernel, notebook = (request_parsing.shown(body, name) for name in ("kernel", "notebook"))
        if self._notebook_of:
            notebook = await self._notebook_of(kernel) if kernel else None
        return Asker(notebook or "", kernel)

    async def _client_token(self, name: str, key: str, body: Mapping[str, Any]) -> Wire:
        token = await self._pools.run(
            pool_of(name),
            self._engine.client_token,
            name,
            key,
            request_parsing.need(body),
            request_parsing.words(body, "scopes") or (),
        )
        return wire.token_to_wire(token)

    async def client_logout(self, query: Mapping[str, Any]) -> Wire:
        """Forget a service account's tokens, then revoke them, unless ``revoke=0``."""
        return await self._log_out(self._engine.client_logout, query)

    async def import_accounts(self, body: Mapping[str, Any]) -> Wire:
        """Import the sign-ins that another package keeps in this user's files."""
        name = request_parsing.required(body, "provider")
        found = await self._pools.run(pool_of(name), self._engine.import_accounts, name)
        return {"imported": [to_wire(each) for each in found]}

    async def usage(self, body: Mapping[str, Any]) -> Wire:
        """Report what a kernel saw of an API's limits; returns what all kernels saw."""
        found = await self._pools.run(None, self._engine.usage, request_parsing.limits(body))
        if self._telling is None:
            loop = asyncio.get_running_loop()
            self._telling = loop.call_later(USAGE_PAUSE, self._tell_usage)
        return dict(to_wire(found))

    def _tell_usage(self) -> None:
        self._telling = None
        self._engine.tell_usage()

    async def limits(self) -> Wire:
        """What kernels saw of all APIs' limits."""
        found = await self._pools.run(None, self._engine.limits)
        return {"limits": [to_wire(each) for each in found]}

    async def logins(self) -> Wire:
        """The pending logins."""
        found = await self._pools.run(None, self._engine.logins)
        return {"logins": [self._login_to_wire(login) for login in found]}

    async def begin(self, body: Mapping[str, Any]) -> Wire:
        """Begin a login, or join the pending one for the same account."""
        asked = request_parsing.login(body)
        name = asked.provider
        outline = await self.outline(name)
        if outline.exchange:  # then it is its source that a person signs in to
            outline = await self.outline(outline.exchange.source)
        obstacle = self.hub.obstacle_to_begin(outline) if self.hub else None
        grant = asked.grant or ("device_code" if obstacle else None)
        shared = (self._shared or asked.shared) and grant != CONSENT
        asked = dataclasses.replace(asked, grant=grant, shared=shared)
        if self._engine.consents:
            asked = dataclasses.replace(asked, notebook=(await self._asker(body)).notebook or None)
        try:
            login = await self._pools.run(pool_of(name), self._engine.begin, asked)
        except ConfigurationError as error:
            raise obstacle or error from None
        return self._login_to_wire(login)

    async def login(self, login_id: str) -> Wire:
        """One login's state."""
        login = await self.login_info(login_id)
        self._device_polling.ask(login)
        return self._login_to_wire(login)

    def _polled(self, login: Login) -> None:
        """Called with a device login after each poll."""

    async def end(self, login_id: str, query: Mapping[str, Any]) -> Wire:
        """Cancel a login for all who wait for it, or with ``leave=1`` for one of them."""
        call = self._engine.leave if query.get("leave") == "1" else self._engine.cancel
        return self._login_to_wire(await self._pools.run(None, call, login_id))

    async def forward(self, body: Mapping[str, Any]) -> Wire:
        """Send the browser of a script's login on, which comes back to this server."""
        redirect_uri, to = (request_parsing.required(body, name) for name in ("redirect_uri", "to"))
        self.forwards.add(redirect_uri, request_parsing.text(body, "binding"), to)
        return {}

    async def changes(self, query: Mapping[str, Any], gone: asyncio.Event) -> Wire:
        """What happened after ``since``, waiting up to ``wait`` seconds for it."""
        since = int(request_parsing.number(query.get("since"), "since", 2**53))
        wait = request_parsing.number(query.get("wait"), "wait", MAX_WAIT)
        found = await self._long_poll.changes(since, wait, gone)
        placed = tuple(self._place_change(each) for each in found.changes)
        return wire.changes_to_wire(dataclasses.replace(found, changes=placed))

    def listen(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` on this event loop after each change, until ``close``."""
        self._long_poll.listen(listener)

    @property
    def busy(self) -> bool:
        """Whether a poll waits, or anything is in memory only."""
        return self._long_poll.busy or self._engine.busy

    def answer_polls(self) -> None:
        """Answer all polls, now and from now on."""
        self._long_poll.close()

    async def drained(self) -> None:
        """Return once all polls are answered, after ``close``."""
        await self._long_poll.drained()

    def close(self) -> None:
        """Answer all polls, take no more calls, close the engine."""
        self.loopback_callbacks.close()
        if self._telling:
            self._telling.cancel()
        self._long_poll.close()
        self._device_polling.close()
        self._own_pools.close()
        self._engine.close()

    def _place_change(self, change: Change) -> Change:
        login = self.placed(change.login) if change.login else None
        return dataclasses.replace(change, login=login)

    def _login_to_wire(self, login: Login) -> Wire:
        return wire.login_to_wire(self.placed(login))
