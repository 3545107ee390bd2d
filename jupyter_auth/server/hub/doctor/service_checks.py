"""Checks of a Hub service, for ``jupyter auth hub doctor`` and at ``<service>/doctor``.

The latter takes a Hub API token with the scope ``admin:users``. Nothing in a finding is secret.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import resource
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from tornado import web

from jupyter_auth.core.common.finding import Finding, wrong
from jupyter_auth.core.doctor.client_checks import obtained
from jupyter_auth.core.doctor.provider_checks import checkup
from jupyter_auth.core.doctor.registration_checks import registration
from jupyter_auth.core.errors import AuthError, BrokerUnavailable
from jupyter_auth.core.login.shared_redirect_uris import must_name_issuer, others_at
from jupyter_auth.core.protocol.discovery import Discovery
from jupyter_auth.core.protocol.http import no_auth
from jupyter_auth.core.protocol.parties import Party
from jupyter_auth.core.wire import finding_to_wire
from jupyter_auth.server.broker.page_urls import PREFIX
from jupyter_auth.server.broker.redirect.uri import separate_hub_origin
from jupyter_auth.server.http_errors import refuse
from jupyter_auth.server.hub.config import KERNEL_URL
from jupyter_auth.server.hub.environment import SCOPE
from jupyter_auth.server.hub.storage.key_rotation import sample_of_each_key
from jupyter_auth.server.hub.users.users import HubUsers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    from jupyter_auth.server.hub.admin import HandlerSpec
    from jupyter_auth.server.hub.service import HubService

FEW_FILES = 4096  # of one process: each user's server that waits takes one
ANSWER_TIMEOUT = 5.0  # seconds
AT_ONCE = 8  # providers
UNKNOWN = "<the Hub's origin>"
FOR_SERVERS, FOR_PROXY = "Address for users' servers", "Address for the Hub's proxy"


async def examine(service: HubService, visited: str | None = None) -> list[Finding]:
    """All findings. ``visited``: the origin at which the service was asked."""
    pool = ThreadPoolExecutor(AT_ONCE)  # separate: a provider that hangs takes no other's thread

    def asked(look: Callable[..., Iterable[Finding]], *given: Any) -> Awaitable[list[Finding]]:
        return asyncio.get_running_loop().run_in_executor(pool, lambda: list(look(*given)))

    try:
        parts = await asyncio.gather(
            asked(_database, service),
            _hub(HubUsers(service.hub_auth)),
            asked(_place, service),
            *(asked(_provider, service, each.name, visited) for each in service.providers.all()),
        )
    finally:
        pool.shutdown(wait=False)
    return [each for part in parts for each in part]


def _database(service: HubService) -> Iterator[Finding]:
    if not service.database.answers():
        yield Finding(
            about="Database",
            says="It does not answer.",
            fix="Check that it runs. The service continues by itself once it answers.",
            state="wrong",
        )
        return
    if relative := service.database.relative:
        yield Finding(
            about="Database",
            says=f"{relative} depends on the directory in which the service starts, now"
            f" {Path.cwd()}.",
            fix="Give the full path: sqlite://// and the path after the first slash.",
            state="wrong",
        )
    else:
        yield Finding(about="Database", says="It answers, with the schema of this version.")
    try:
        yield from sample_of_each_key(service.database, service.cipher)
    except AuthError as error:
        yield wrong("Keys", error)


async def _hub(users: HubUsers) -> list[Finding]:
    try:
        await users.check_scopes()
    except AuthError as error:
        return [wrong("Hub", error)]
    return [Finding(about="Hub", says="It answers, and the service's role has its scopes.")]


def _place(service: HubService) -> Iterator[Finding]:
    for name, about in (("JUPYTERHUB_SERVICE_URL", FOR_PROXY), (KERNEL_URL, FOR_SERVERS)):
        if url := os.environ.get(name):
            only = not os.environ.get(KERNEL_URL)
            yield reached(url.rstrip("/"), service.base_url, FOR_SERVERS if only else about)
    yield from _open_files()
    yield origins(separate_hub_origin())


def reached(url: str, base_url: str, about: str = FOR_SERVERS) -> Finding:
    """Whether it answers at ``url`` from here: if not, then no user's server reaches it either."""
    try:
        with requests.Session() as http:
            http.trust_env = False  # within the Hub's own network
            http.auth = no_auth
            health = f"{url}{base_url}{PREFIX}health"
            answer = http.get(health, timeout=ANSWER_TIMEOUT, allow_redirects=False)
    except requests.exceptions.SSLError:
        return _other_than(about, url)
    except (requests.RequestException, UnicodeError):
        return _unreached(about, url)
    if answer.ok:
        return Finding(about=about, says=f"The service answers at {url}.")
    return Finding(
        about=about,
        says=f"The answer at {url} is not the service's: HTTP {answer.status_code}.",
        fix="Check `url` of `hub_config`: it leads to the service itself, not to the Hub.",
        state="wrong",
    )


def _unreached(about: str, url: str) -> Finding:
    parts = urlsplit(url)
    place = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
    try:
        socket.getaddrinfo(*place)
    except (OSError, UnicodeError):
        return Finding(
            about=about,
            says=f"The host {place[0]} is not known here.",
            fix="Check `url` of `hub_config`: users' servers ask for tokens there.",
            state="wrong",
        )
    try:
        socket.create_connection(place, ANSWER_TIMEOUT).close()
    except OSError:
        return Finding(
            about=about,
            says=f"Nothing answers at {url} now.",
            fix="Where the service runs, check JUPYTERHUB_SERVICE_URL and the network between.",
            state="note",
        )
    return _other_than(about, url)


def _other_than(about: str, url: str) -> Finding:
    kind = "https with a trusted certificate" if url.startswith("https:") else "http"
    return Finding(
        about=about,
        says=f"The server at {url} does not speak {kind}.",
        fix="The service speaks http. Give `hub_config` an http address within the Hub's own"
        " network, or have a proxy with a certificate there.",
        state="wrong",
    )


def _open_files() -> Iterator[Finding]:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY or most >= FEW_FILES:
        yield Finding(about="Open files", says="As many as needed.")
        return
    yield Finding(
        about="Open files",
        says=f"At most {most}: each user's server that waits for changes uses one.",
        fix="Raise the limit where the service is started: LimitNOFILE=65536 for systemd, `ulimit"
        " -n` in a shell.",
        state="note",
    )


def origins(hub_host: str) -> Finding:
    """Whether users' servers share the Hub's origin; ``hub_host``: the Hub's, if they do not."""
    if hub_host:
        return Finding(about="Origins", says="Each user's server has a host of its own.")
    return Finding(
        about="Origins",
        says="All users' servers share one origin with the Hub and this service. A page of one"
        " user's server can act as another user whose browser opens it. Confirming each sign-in by"
        " a click stops planted cookies and links, but a page that runs there can click unseen.",
        fix="Set c.JupyterHub.subdomain_host to an https address, with DNS and a certificate for"
        " all names below it.",
        state="note",
    )


def _provider(service: HubService, name: str, visited: str | None) -> Iterator[Finding]:
    for each in _asked(service, name, visited):
        about = f"Provider {name}" if each.about == "Provider" else f"{each.about} of {name}"
        yield dataclasses.replace(each, about=about)


def _asked(service: HubService, name: str, visited: str | None) -> Iterator[Finding]:
    try:
        provider = service.providers.get(name)
    except AuthError as error:
        yield wrong("Provider", error)
        return
    known = service.brokers.public_origin
    path = f"{service.base_url}{PREFIX}callback/{name}"
    uri = provider.redirect_uri or f"{known or visited or UNKNOWN}{path}"
    sure = bool(provider.redirect_uri or known)
    guess = "" if sure or not visited else ", if that is the address in users' browsers"
    party: Party | None = None
    own: list[Finding] = []
    with contextlib.suppress(AuthError):  # which the checkup reports
        party = _party(service, name)
        own += obtained(party, service.brokers.clients, uri if sure else "")
    if not own:
        yield Finding(about="Redirect URI", says=f"Register {uri} there{guess}.")
    yield from checkup(provider, service.database.clock, own)
    if party is None:
        return
    try:
        yield from _same_redirect_uri(service, party, uri)
    except AuthError:
        return
    if own:  # the client, or none yet, is known there
        return
    if sure or visited:
        yield from registration(party, uri, sure=sure)
        return
    yield Finding(
        about="Redirect URI at the provider",
        says="Not checked: the Hub's public address is not known here.",
        fix="Set public_url, or ask the service itself: `jupyter auth hub doctor --url <the Hub's"
        " address>`.",
        state="note",
    )


def _party(service: HubService, name: str) -> Party:
    provider = service.providers.get(name)
    endpoints = Discovery(service.database.clock).endpoints(provider)
    return Party(provider=provider, endpoints=endpoints)


def _same_redirect_uri(service: HubService, party: Party, uri: str) -> Iterator[Finding]:
    """The check at sign-in for two providers with one redirect URI."""

    def other(name: str) -> Party | None:
        try:
            return _party(service, name)
        except AuthError:
            return None

    others = others_at(service.providers, party.provider.name, uri)
    try:
        must_name_issuer(party, [other(each) for each in others], uri)
    except AuthError as error:
        yield wrong("Redirect URI", error)


class DoctorHandler(web.RequestHandler):
    """``GET``: the findings, for administrators of the Hub's users."""

    def initialize(self, service: HubService, users: HubUsers, one: asyncio.Lock) -> None:
        """``one`` lets one request at a time ask the providers."""
        self._service, self._users, self._one = service, users, one

    async def get(self) -> None:
        """Answer the findings, or 403 if the token lacks the scope."""
        try:
            if not await self._users.has_scope(self.request, SCOPE):
                raise BrokerUnavailable(
                    f"This token lacks the scope {SCOPE}.",
                    hint="An administrator can create one on the Hub's token page.",
                )
        except AuthError as error:
            refuse(self, error)
            self.finish(error.to_wire())
            return
        async with self._one:
            found = await examine(self._service, f"{self.request.protocol}://{self.request.host}")
        self.finish({"findings": [finding_to_wire(each) for each in found]})


def doctor_route(service: HubService, users: HubUsers) -> HandlerSpec:
    """The route of ``DoctorHandler``, below the service's prefix."""
    given = {"service": service, "users": users, "one": asyncio.Lock()}
    return "/doctor", DoctorHandler, given
