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
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tornado.httpserver import HTTPServer
from traitlets.config import Application

from jupyter_auth.core import addresses, credentials
from jupyter_auth.core.errors import AuthError, BrokerUnavailable, ConfigurationError
from jupyter_auth.core.providers import Providers
from jupyter_auth.core.urls import LOOPBACK_HOSTS, require_secure
from jupyter_auth.server.config import read_settings
from jupyter_auth.server.database import Database
from jupyter_auth.server.door import MAX_HEADERS
from jupyter_auth.server.hub_admin import sweep, watch_desk
from jupyter_auth.server.hub_brokers import HubBrokers
from jupyter_auth.server.hub_config import (
    ACCESS,
    NAME,
    PORT,
    SHARED_IDENTITIES,
    TRUSTED_DOWNSTREAM,
)
from jupyter_auth.server.hub_doctor import doctors_desk
from jupyter_auth.server.hub_doors import SharedOAuth, doors
from jupyter_auth.server.hub_memory import BELIEVED
from jupyter_auth.server.hub_people import People, is_gone
from jupyter_auth.server.hub_turns import Downstream
from jupyter_auth.server.inputs import MAX_BODY
from jupyter_auth.server.places import PREFIX
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
HUB_TIMEOUT = 90.0  # seconds that the Hub is given to answer at start

_log = logging.getLogger("jupyter_auth")


class Service:
    """Everything that a replica holds. AuthError: the configuration cannot work."""

    def __init__(self, environ: Mapping[str, str], config_file: str | None = None) -> None:
        addresses.guard()
        self.base_url = _base_url(_prefix(environ))
        settings = _settings(environ, config_file, self.base_url)
        self.providers = Providers(
            settings.providers,
            allow_user_providers=False,
            environ=credentials.of_clients(settings.environ),
        )
        for name in settings.providers:
            _check_redirect(self.providers.get(name).redirect_uri, f"{self.base_url}{PREFIX}")
        if settings.public_origin:
            require_secure(settings.public_origin, "public_url")
        self.downstream = Downstream(settings.trusted_downstream)
        keys = credentials.secret_of(environ, KEYS)
        self.vault = Vault(keys.reveal() if keys else "")
        database = credentials.secret_of(environ, DATABASE)
        self.database = Database(database.reveal() if database else _needed(environ, DATABASE))
        check_keys(self.database, self.vault)
        name_persons(self.database, self.vault)
        scopes = environ.get("JUPYTERHUB_OAUTH_ACCESS_SCOPES")
        self.hub_auth = SharedOAuth(
            api_token=_needed(environ, "JUPYTERHUB_API_TOKEN"),
            base_url=f"{self.base_url}{PREFIX}",
            oauth_client_id=environ.get("JUPYTERHUB_CLIENT_ID") or f"service-{NAME}",
            access_scopes=set(json.loads(scopes)) if scopes else {ACCESS},
            cache_max_age=int(BELIEVED),
        )
        self.address = urlsplit(environ.get("JUPYTERHUB_SERVICE_URL") or f"http://:{PORT}")
        self.brokers = HubBrokers(
            settings,
            self.providers,
            self.database,
            self.vault,
            base_url=self.base_url,
            gone=functools.partial(is_gone, self.hub_auth),
        )

    async def run(self) -> None:
        """Serve until SIGTERM. AuthError: the Hub does not let it."""
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        people = People(self.hub_auth, self.downstream)
        await _patiently(people)
        desk = [*watch_desk(self.database, people), doctors_desk(self, people)]
        server = HTTPServer(
            doors(people, self.brokers, self.hub_auth, desk),
            xheaders=True,
            max_body_size=MAX_BODY,
            max_header_size=MAX_HEADERS,
        )
        host = self.address.hostname or ""
        # A name that other machines use may lead to a balancer: then listen at every address.
        server.listen(self.address.port or 80, host if host in LOOPBACK_HOSTS else "")
        _log.info("Sign-in for this Hub's users: listening at %s", self.address.netloc)
        sweeping = asyncio.create_task(self._sweep(people))
        self.brokers.start()
        await stopped.wait()
        sweeping.cancel()
        server.stop()
        await self.brokers.drain()
        await server.close_all_connections()

    async def _sweep(self, people: People) -> None:
        while True:
            try:
                await sweep(self.database, people, self.brokers.revocations)
            except AuthError as error:
                _log.warning("Records of deleted users stay for now: %s", error.message)
            await asyncio.sleep(SWEEP)


def _needed(environ: Mapping[str, str], name: str) -> str:
    if value := environ.get(name):
        return value
    raise ConfigurationError(
        f"{name} is not set.",
        hint="This runs as a service of a JupyterHub: see `jupyter_auth.hub_config`.",
    )


def _prefix(environ: Mapping[str, str]) -> str:
    """Where the Hub's proxy has the service: a replica elsewhere knows it from the name alone."""
    if environ.get("JUPYTERHUB_SSL_KEYFILE"):
        raise ConfigurationError(
            "The service does not work on a JupyterHub with internal_ssl.",
            hint="Switch c.JupyterHub.internal_ssl off, or use jupyter_auth without the service.",
        )
    name, base = environ.get("JUPYTERHUB_SERVICE_NAME"), environ.get("JUPYTERHUB_BASE_URL", "")
    if name and not environ.get("JUPYTERHUB_SERVICE_PREFIX"):
        return f"{base.rstrip('/')}/services/{name}/"
    return _needed(environ, "JUPYTERHUB_SERVICE_PREFIX")


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
        application.load_config_file(config_file)
    settings = read_settings(application, f"{base_url}{PREFIX}")
    for problem in settings.problems:
        raise ConfigurationError(problem.message)
    try:
        said = credentials.secret_of(environ, PROVIDERS)
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


async def _patiently(people: People) -> None:
    """A Hub that starts its services does not answer at once."""
    deadline = asyncio.get_running_loop().time() + HUB_TIMEOUT
    while True:
        try:
            return await people.check_scopes()
        except BrokerUnavailable as error:
            if asyncio.get_running_loop().time() > deadline:
                raise ConfigurationError(
                    "The Hub does not answer.", hint="Check JUPYTERHUB_API_URL."
                ) from error
        await asyncio.sleep(0.2)


def main(arguments: list[str] | None = None) -> None:
    """Run the service; what cannot work is one sentence on stderr, and exit status 1."""
    given = sys.argv[1:] if arguments is None else arguments
    close_process()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        service = Service(os.environ, given[0] if given else None)
        with contextlib.closing(service.database), contextlib.closing(service.brokers):
            asyncio.run(service.run())
    except AuthError as error:
        sys.exit(f"jupyter_auth's service does not start. {error}")


if __name__ == "__main__":
    main()
