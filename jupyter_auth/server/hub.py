"""The JupyterHub service: ``python -m jupyter_auth.server.hub``.

All users' accounts in one database, behind the Hub's own proxy at ``services/jupyter-auth/``. What
it needs comes from the environment that the Hub gives its services, and from
``JUPYTER_AUTH_DATABASE_URL``, ``JUPYTER_AUTH_CRYPT_KEYS`` and ``JUPYTER_AUTH_PROVIDERS`` (JSON), or
the files that they name with ``_FILE`` at the end, or systemd's credentials of those names; or what
can be set from a configuration file with ``c.JupyterAuth``, named as the only argument.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import json
import logging
import os
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tornado.httpserver import HTTPServer
from traitlets.config import Application

from jupyter_auth.core.common import blocked_addresses
from jupyter_auth.core.common.seldom import Seldom
from jupyter_auth.core.common.urls import require_secure
from jupyter_auth.core.errors import AuthError, ConfigurationError
from jupyter_auth.core.provider import client_credentials
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.server.broker.page_urls import PREFIX
from jupyter_auth.server.broker.poll_limit import Room
from jupyter_auth.server.broker.request_parsing import MAX_BODY
from jupyter_auth.server.config import read_settings
from jupyter_auth.server.database import Database
from jupyter_auth.server.hub_admin import sweep, watch_desk
from jupyter_auth.server.hub_brokers import HubBrokers
from jupyter_auth.server.hub_config import (
    ACCESS,
    NAME,
    SHARED_IDENTITIES,
    TRUSTED_DOWNSTREAM,
)
from jupyter_auth.server.hub_doctor import doctors_desk
from jupyter_auth.server.hub_doors import SharedOAuth, doors
from jupyter_auth.server.hub_listen import allow_files, listening
from jupyter_auth.server.hub_memory import BELIEVED
from jupyter_auth.server.hub_people import People, is_gone
from jupyter_auth.server.hub_start import Entrance, Place, needed, prefix_of
from jupyter_auth.server.hub_turns import Downstream
from jupyter_auth.server.hub_upkeep import again_and_again
from jupyter_auth.server.kernel_api.socket import MAX_HEADERS
from jupyter_auth.server.rotation import check_keys
from jupyter_auth.server.sqlstore import name_persons
from jupyter_auth.server.undumpable import close_process
from jupyter_auth.server.vault import VARIABLE as KEYS
from jupyter_auth.server.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_auth.server.config import Settings

DATABASE = "JUPYTER_AUTH_DATABASE_URL"
PROVIDERS = "JUPYTER_AUTH_PROVIDERS"
SWEEP = 300.0  # seconds
IDLE = 75.0  # seconds that a connection may lie idle: each is an open file
SIGNALS = (signal.SIGTERM, signal.SIGINT)

_log = logging.getLogger("jupyter_auth")


class Service:
    """Everything that a replica holds. AuthError: the configuration cannot work."""

    def __init__(
        self, environ: Mapping[str, str], config_file: str | None = None, room: Room | None = None
    ) -> None:
        blocked_addresses.guard()
        self.base_url = _base_url(prefix_of(environ))
        settings = _settings(environ, config_file, self.base_url)
        self.providers = Providers(
            settings.providers,
            allow_user_providers=False,
            environ=client_credentials.of_clients(settings.environ),
        )
        for name in settings.providers:
            _check_redirect(self.providers.get(name).redirect_uri, f"{self.base_url}{PREFIX}")
        if settings.public_origin:
            require_secure(settings.public_origin, "public_url")
        self.downstream = Downstream(settings.trusted_downstream)
        keys = client_credentials.secret_of(environ, KEYS)
        self.vault = Vault(keys.reveal() if keys else "")
        scopes = environ.get("JUPYTERHUB_OAUTH_ACCESS_SCOPES")
        self.hub_auth = SharedOAuth(
            api_token=needed(environ, "JUPYTERHUB_API_TOKEN"),
            base_url=f"{self.base_url}{PREFIX}",
            oauth_client_id=environ.get("JUPYTERHUB_CLIENT_ID") or f"service-{NAME}",
            access_scopes=set(json.loads(scopes)) if scopes else {ACCESS},
            cache_max_age=int(BELIEVED),
        )
        database = client_credentials.secret_of(environ, DATABASE)
        self.database = Database(database.reveal() if database else needed(environ, DATABASE))
        try:
            check_keys(self.database, self.vault)
            name_persons(self.database, self.vault)
            self.brokers = HubBrokers(
                settings,
                self.providers,
                self.database,
                self.vault,
                base_url=self.base_url,
                gone=functools.partial(is_gone, self.hub_auth),
                room=room,
            )
        except BaseException:
            self.database.close()
            raise

    async def run(self, people: People, stopped: asyncio.Event) -> None:
        """Keep it in order until it is ``stopped``."""
        sweeping = asyncio.create_task(
            again_and_again(
                functools.partial(sweep, self.database, people, self.brokers.revocations),
                SWEEP,
                Seldom("Records of deleted users stay for now"),
            )
        )
        self.brokers.start()
        await stopped.wait()
        sweeping.cancel()

    def close(self) -> None:
        """What still runs is not waited for."""
        self.brokers.close()
        self.database.close()


def _base_url(prefix: str) -> str:
    if not prefix.endswith(f"/{PREFIX}"):
        raise ConfigurationError(
            f"The service is called {prefix.strip('/').rpartition('/')[2]!r} on the Hub.",
            hint="Its name has to be jupyter-auth: paths and redirect URIs are made from it.",
        )
    return prefix.removesuffix(PREFIX)


def _settings(environ: Mapping[str, str], config_file: str | None, base_url: str) -> Settings:
    application = Application()
    if config_file:
        if not os.path.isfile(config_file):  # noqa: PTH113 (traitlets would say nothing)
            raise ConfigurationError(f"There is no configuration file {config_file}.")
        application.raise_config_file_errors = True
        try:
            application.load_config_file(config_file)
        except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever is in there)
            raise ConfigurationError(_failed(config_file, error)) from None
    settings = read_settings(application, f"{base_url}{PREFIX}")
    for problem in settings.problems:
        raise ConfigurationError(problem.message)
    try:
        said = client_credentials.secret_of(environ, PROVIDERS)
        given = json.loads(said.reveal() if said else "{}", object_pairs_hook=_without_twins)
        twice = sorted(given.keys() & settings.providers.keys())
    except (ValueError, AttributeError):
        raise ConfigurationError(
            f"{PROVIDERS} is not a JSON object of providers.",
            hint='It is like {"acme": {"issuer": "https://login.acme.example", "client_id": "x"}}.',
        ) from None
    if twice:
        raise ConfigurationError(
            f"There are two providers called {twice[0]!r}.",
            hint=f"One is in {PROVIDERS}, one in the configuration file: take one of them out.",
        )
    if not (providers := settings.providers | given):
        raise ConfigurationError(
            "No provider is configured.", hint="Give `hub_config(c, providers={...})` one."
        )
    return dataclasses.replace(
        settings,
        providers=providers,
        shared_identities=settings.shared_identities + _list(environ, SHARED_IDENTITIES),
        trusted_downstream=settings.trusted_downstream + _list(environ, TRUSTED_DOWNSTREAM),
    )


def _failed(config_file: str, error: BaseException) -> str:
    """What happened, without the words of the error: they may hold a value."""
    where = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in where if frame.filename == config_file]
    line = error.lineno if isinstance(error, SyntaxError) else (lines or [None])[-1]
    return f"{config_file} fails{f' in line {line}' if line else ''}: {type(error).__name__}."


def _list(environ: Mapping[str, str], variable: str) -> tuple[str, ...]:
    try:
        given = json.loads(environ.get(variable) or "[]")
    except ValueError:
        given = None
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise ConfigurationError(f'{variable} is no JSON list, such as ["one", "another"].')
    return tuple(given)


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON would silently take the last of two."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ConfigurationError(
                f"{PROVIDERS} has {name!r} twice.", hint="Take one of the two out."
            )
        found[name] = value
    return found


def _check_redirect(uri: str | None, prefix: str) -> None:
    if uri is None:
        return
    if not urlsplit(uri).path.startswith(f"{prefix}callback/"):
        raise ConfigurationError(
            f"The redirect URI {uri} does not lead to the service.",
            hint=f"Leave redirect_uri out, and register <the Hub's origin>{prefix}callback/<name>.",
        )
    require_secure(uri, "redirect_uri")


async def serve(place: Place, environ: Mapping[str, str], config_file: str | None) -> None:
    """Listen, and serve as soon as that can be done, until SIGTERM."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in SIGNALS:
        loop.add_signal_handler(number, os._exit, 0)  # nothing is under way yet
    entrance, room = Entrance(place), Room(allow_files())
    server = HTTPServer(
        entrance,
        xheaders=True,
        max_body_size=MAX_BODY,
        max_header_size=MAX_HEADERS,
        idle_connection_timeout=IDLE,
    )

    async def listen() -> None:
        server.add_sockets(listening(place.address.hostname or "", place.address.port or 80))

    async def start() -> tuple[Service, People]:
        os.environ.update(environ)  # an earlier try has taken secrets out of it
        service = await asyncio.to_thread(Service, environ, config_file, room)
        people = People(service.hub_auth, service.downstream)
        try:
            await people.check_scopes()
        except BaseException:
            service.close()
            raise
        return service, people

    await entrance.patiently(listen)
    service, people = await entrance.patiently(start)
    for number in SIGNALS:
        loop.add_signal_handler(number, stopped.set)
    with contextlib.closing(service):
        desk = [*watch_desk(service.database, people), doctors_desk(service, people)]
        entrance.open(doors(people, service.brokers, service.hub_auth, desk))
        _log.info("Sign-in for this Hub's users: serving at %s", place.address.netloc)
        await service.run(people, stopped)
        server.stop()
        await service.brokers.drain()
        await server.close_all_connections()


def main(arguments: list[str] | None = None) -> None:
    """Run the service. Where there is no place for it: one sentence on stderr, exit status 1."""
    given = sys.argv[1:] if arguments is None else arguments
    close_process()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        place = Place.of(os.environ)
    except AuthError as error:
        sys.exit(f"jupyter_auth's service does not start. {error}")
    asyncio.run(serve(place, dict(os.environ), given[0] if given else None))


if __name__ == "__main__":
    main()
