"""What the tests of the service do again and again, as its users, scripts and administrator."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from hub.hubs import KEYS, SECRET
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.server.config import Settings
from jupyter_auth.server.hub.admin import monitoring_routes
from jupyter_auth.server.hub.app import SharedOAuth, service_router
from jupyter_auth.server.hub.brokers import HubBrokers
from jupyter_auth.server.hub.storage.database import Database
from jupyter_auth.server.hub.storage.encryption import Encryption
from jupyter_auth.server.hub.users.users import HubUsers
from patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hub.hub_process import Hub, HubBrowser
    from providers.oidc import OidcProvider
    from server.jupyter_process import Kernel

PLACE = "services/jupyter-auth/"
TOKEN_ROUTE = f"{PLACE}api/v1/token"


def browser_of(hub: Hub, user: str) -> HubBrowser:
    """That user's browser, on the service's pages."""
    hub.server(user)
    return hub.browser(user).at(f"{hub.prefix}services/")


def signed_in(hub: Hub, oidc: OidcProvider, user: str) -> Kernel:
    """A kernel of that user, who is signed in."""
    kernel, browser = hub.server(user).kernel(), browser_of(hub, user)
    login = kernel.begin()
    assert login["path"].startswith(f"{hub.prefix}{PLACE}login/")
    assert browser.arrive(oidc.login(browser.open(login), user)) == login["path"]
    assert f"as {user}" in browser.page(login["path"])
    return kernel


def hub_token(hub: Hub, user: str) -> str:
    """A Hub API token of that user, with all that they may do."""
    token: str = hub.api("POST", f"users/{quote(user, safe='')}/tokens", {})["token"]
    return token


def call(
    hub: Hub, token: str, method: str, route: str, body: Any = None, **headers: str
) -> requests.Response:
    """A kernel route of the service, asked by a script with that Hub API token."""
    given = {"Authorization": f"Bearer {token}", "Jupyter-Auth-Version": "1"} | headers
    return requests.request(
        method, hub.url(f"{PLACE}api/v1/{route}"), headers=given, json=body, timeout=PATIENCE
    )


def ask(hub: Hub, token: str) -> dict[str, Any]:
    """What the service answers a script that asks for the token."""
    answer: dict[str, Any] = call(hub, token, "POST", "token", {"provider": "idp"}).json()
    return answer


def people_of(
    hub: Hub, api_url: str = "", clock: Callable[[], float] = time.monotonic, **options: Any
) -> HubUsers:
    """Who asks the Hub in a process of its own, or whoever answers at ``api_url``."""
    hub_auth = SharedOAuth(
        api_token=hub.api_token,
        api_url=api_url or hub.url("hub/api"),
        oauth_client_id="x",
        access_scopes={"access:services!service=jupyter-auth"},
    )
    return HubUsers(hub_auth, clock=clock, **options)


@contextlib.contextmanager
def serving(people: HubUsers, home: Path, issuer: str = "https://idp.example") -> Iterator[str]:
    """The service's routes in the test's own process, at an origin; nobody is signed in there."""
    idp = {"issuer": issuer, "client_id": "x"}
    providers = Providers({"idp": idp}, allow_user_providers=False)
    database = Database(f"sqlite:///{home / 'accounts.sqlite'}")
    brokers = HubBrokers(Settings(), providers, database, Encryption(KEYS), base_url="/services/")
    monitoring = monitoring_routes(database, people, brokers.counters)
    routes = service_router(people, brokers, people._hub_auth, monitoring)
    server = HTTPServer(routes, xheaders=True)
    bound, port = bind_unused_port()
    server.add_socket(bound)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()
        brokers.close()
        database.close()


def names(hub: Hub) -> list[str]:
    with sqlite3.connect(hub.home / "accounts.sqlite") as connection:
        found = connection.execute(
            "SELECT DISTINCT user_name FROM jupyter_auth_records WHERE kind = 'account' ORDER BY 1"
        )
        return [name for (name,) in found]


def environ_of_service(hub: Hub, oidc: OidcProvider) -> dict[str, str]:
    """That of another process of the service."""
    idp = {"issuer": oidc.issuer, "client_id": "served", "client_secret": SECRET}
    return os.environ | {
        "JUPYTERHUB_API_TOKEN": hub.api_token,
        "JUPYTERHUB_API_URL": hub.url("hub/api"),
        "JUPYTERHUB_CLIENT_ID": "service-jupyter-auth",
        "JUPYTERHUB_SERVICE_PREFIX": f"{hub.prefix}{PLACE}",
        "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:1",
        "JUPYTER_AUTH_DATABASE_URL": f"sqlite:///{hub.home / 'accounts.sqlite'}",
        "JUPYTER_AUTH_CRYPT_KEYS": KEYS,
        "JUPYTER_AUTH_PROVIDERS": json.dumps({"idp": idp}),
    }


def auth_hub(hub: Hub, oidc: OidcProvider, *words: str, status: int = 0, **changes: str) -> str:
    """What ``jupyter auth hub`` says in the environment of the service."""
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_auth.cli", "hub", *words],
        env=environ_of_service(hub, oidc) | changes,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=2 * PATIENCE,
    )
    assert done.returncode == status, done.stdout
    return done.stdout
