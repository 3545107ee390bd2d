"""The service's door in the test's own process, and a Hub's hooks that knock at it."""

from __future__ import annotations

import asyncio
import functools
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from jupyterhub.app import JupyterHub
from tornado import web
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from core.sign_in import exchanged, party_at
from hub.storage.databases import ALICE, BOB
from jupyter_auth.server.hub.take_login.door import hub_login_route

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from jupyter_auth.server.hub.brokers import HubBrokers
    from jupyter_auth.server.hub.storage.database import Owner
    from providers.rogue import RogueProvider

TOKEN = "the-service's-own-token"
PREFIX = "/services/jupyter-auth/"


def on_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """The test, run by pytest."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class People:
    """Whom the Hub knows, by name."""

    async def owner(self, name: str) -> Owner | None:
        return {each.name: each for each in (ALICE, BOB)}.get(name)


@contextmanager
def door(replica: HubBrokers) -> Iterator[str]:
    """Its URL. It is that of the service of the Hub in this process."""
    users: Any = People()
    path, handler, given = hub_login_route(users, replica, TOKEN)
    server = HTTPServer(web.Application([(PREFIX.rstrip("/") + path, handler, given)]))
    bound, port = bind_unused_port()
    server.add_socket(bound)
    url = f"http://127.0.0.1:{port}"
    service: Any = SimpleNamespace(url=url, prefix=PREFIX, api_token=TOKEN)
    JupyterHub.clear_instance()
    JupyterHub.instance()._service_map = {"jupyter-auth": service}
    try:
        yield url + PREFIX.rstrip("/") + path
    finally:
        JupyterHub.clear_instance()
        server.stop()


def refresh_token(rogue: RogueProvider) -> str:
    """That of a login to the Hub."""
    token = exchanged(party_at(rogue), rogue).refresh_token
    assert token is not None
    return token.reveal()


class User:
    """A user of the Hub, with the state of their login as the Hub keeps it."""

    def __init__(self, refresh_token: str, name: str = "alice") -> None:
        self.name = name
        self.saved: list[Any] = []
        self.state: Any = login(refresh_token)

    async def get_auth_state(self) -> Any:
        return self.state

    async def save_auth_state(self, state: Any) -> None:
        self.saved.append(state)
        self.state = state


def login(refresh_token: str) -> dict[str, Any]:
    """As OAuthenticator has it."""
    response = {"access_token": "theirs", "token_type": "Bearer", "refresh_token": refresh_token}
    return {"access_token": "theirs", "refresh_token": refresh_token, "token_response": response}
