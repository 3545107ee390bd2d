"""The JupyterHub service: ``python -m jupyter_auth.server.hub [CONFIG_FILE]``.

It serves all users' accounts at ``services/jupyter-auth/``. Its settings are the environment that
the Hub gives its services, ``c.JupyterAuth`` in the configuration file, and
``JUPYTER_AUTH_DATABASE_URL``, ``JUPYTER_AUTH_CRYPT_KEYS`` and ``JUPYTER_AUTH_PROVIDERS`` (JSON), or
files that these name with ``_FILE`` at the end, or systemd's credentials of those names.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING

from tornado.httpserver import HTTPServer

from jupyter_auth.core.errors import AuthError
from jupyter_auth.server.broker.long_poll import PollLimit
from jupyter_auth.server.broker.request_parsing import MAX_BODY
from jupyter_auth.server.hub.admin import monitoring_routes
from jupyter_auth.server.hub.app import service_router
from jupyter_auth.server.hub.doctor.service_checks import doctor_route
from jupyter_auth.server.hub.listen import allow_files, listening
from jupyter_auth.server.hub.service import HubService
from jupyter_auth.server.hub.starting import ListenAddress, StartingApp, port_of
from jupyter_auth.server.hub.take_login.door import hub_login_route
from jupyter_auth.server.hub.users.users import HubUsers
from jupyter_auth.server.kernel_api.socket import MAX_HEADERS
from jupyter_auth.server.undumpable import close_process

if TYPE_CHECKING:
    from collections.abc import Mapping

IDLE = 75.0  # seconds that a connection may be idle: each is an open file
SIGNALS = (signal.SIGTERM, signal.SIGINT)

_log = logging.getLogger("jupyter_auth")


async def serve(place: ListenAddress, environ: Mapping[str, str], config_file: str | None) -> None:
    """Listen, and serve as soon as possible, until SIGTERM."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in SIGNALS:
        loop.add_signal_handler(number, os._exit, 0)  # nothing to finish yet
    app, poll_limit = StartingApp(place), PollLimit(allow_files())
    server = HTTPServer(
        app,
        xheaders=True,
        max_body_size=MAX_BODY,
        max_header_size=MAX_HEADERS,
        idle_connection_timeout=IDLE,
    )

    async def listen() -> None:
        for address in filter(None, (place.address, place.kernels)):
            server.add_sockets(listening(address.hostname or "", port_of(address)))

    async def start() -> tuple[HubService, HubUsers]:
        os.environ.update(environ)  # an earlier attempt has taken secrets out of it
        service = await asyncio.to_thread(HubService, environ, config_file, poll_limit)
        groups = service.providers.names_groups
        users = HubUsers(service.hub_auth, service.downstream, groups=groups)
        try:
            await users.check_scopes()
        except BaseException:
            service.close()
            raise
        return service, users

    await app.retry(listen)
    service, users = await app.retry(start)
    for number in SIGNALS:
        loop.add_signal_handler(number, stopped.set)
    with contextlib.closing(service):
        counters = service.brokers.counters
        monitoring = monitoring_routes(service.database, users, counters)
        routes = [*monitoring, doctor_route(service, users)]
        routes.append(hub_login_route(users, service.brokers, service.hub_auth.api_token))
        port = port_of(place.kernels) if place.kernels else None
        app.open(service_router(users, service.brokers, service.hub_auth, routes, port))
        _log.info("Sign-in for this Hub's users: serving at %s", place.address.netloc)
        await service.run(users, stopped)
        server.stop()
        await service.brokers.drain()
        await server.close_all_connections()


def main(arguments: list[str] | None = None) -> None:
    """Run the service. Exits with status 1 if it is not told where to listen."""
    given = sys.argv[1:] if arguments is None else arguments
    close_process()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        place = ListenAddress.of(os.environ)
    except AuthError as error:
        sys.exit(f"jupyter_auth's service does not start. {error}")
    asyncio.run(serve(place, dict(os.environ), given[0] if given else None))


if __name__ == "__main__":
    main()
