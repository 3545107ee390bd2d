"""Several processes of the service behind one address, as a cluster would have them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlsplit

import requests

from hub.hub_process import START_TIMEOUT, Hub, answers
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.login.login_store import AuthorizationResponse
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.protocol.discovery import Discovery
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.server.hub.storage.database import Database, Owner
from jupyter_auth.server.hub.storage.encryption import Encryption
from jupyter_auth.server.hub.storage.identities import Identities
from jupyter_auth.server.hub.storage.sql_store import SqlLoginStore, SqlStore
from patience import PATIENCE, until
from processes import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hub.storage.postgres import Postgres
    from providers.rogue import RogueProvider

API_TOKEN = "of-the-service-shared-by-its-replicas-1f0e"
NOBODY = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Replica:
    """One process of the service."""

    def __init__(self, hub: Hub, environ: Mapping[str, str], log: Path) -> None:
        self.port = free_port()
        self._environ = {
            "JUPYTERHUB_API_TOKEN": API_TOKEN,
            "JUPYTERHUB_API_URL": hub.url("hub/api"),
            "JUPYTERHUB_BASE_URL": hub.prefix,
            "JUPYTERHUB_SERVICE_NAME": "jupyter-auth",
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{self.port}",
        } | dict(environ)
        self._ready = f"http://127.0.0.1:{self.port}{hub.prefix}services/jupyter-auth/ready"
        self._log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyter_auth.server.hub"],
                env=os.environ | self._environ,
                stdout=log,
                stderr=log,
            )
        try:
            until(self._answers, START_TIMEOUT)
        except AssertionError:
            self.kill()
            raise
        return self

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self._log.read_text()[-3000:]
        return answers(self._ready)

    def kill(self) -> None:
        """``kill -9``."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=60)


class Balancer:
    """Each connection to the next replica that answers."""

    def __init__(self) -> None:
        self.port = free_port()
        self.ports: list[int] = []
        self._turn = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        opening = asyncio.start_server(self._connected, "127.0.0.1", self.port, backlog=1024)
        self._server = asyncio.run_coroutine_threadsafe(opening, self._loop).result(PATIENCE)
        return self

    def __exit__(self, *exc_info: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        under_way = asyncio.all_tasks() - {asyncio.current_task()}
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(len(self.ports)):
            port = self.ports[next(self._turn) % len(self.ports)]
            with contextlib.suppress(OSError):
                there, back = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(_pipe(reader, back), _pipe(there, writer))
                return
        with contextlib.suppress(OSError):
            writer.write(NOBODY)  # a Hub that starts waits half a minute for any answer
            await writer.drain()
        writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


class Cluster:
    """A Hub whose service is two replicas, and a provider that minds reuse."""

    def __init__(
        self, home: Path, database_url: str, keys: str, rogue: RogueProvider, more: str = ""
    ) -> None:
        self.balancer = Balancer()
        self.postgres: Postgres | None = None
        self.database_url = database_url
        self.keys = keys
        self.rogue = rogue
        self.provider = {
            "issuer": rogue.issuer,
            "client_id": rogue.client_id,
            "scopes": ["openid", "offline_access"],
        }
        config = f"""
import jupyter_auth
jupyter_auth.hub_config(
    c, {{"idp": {self.provider!r}}}, url={self.balancer.url!r}, api_token={API_TOKEN!r}
)
"""
        self.hub = Hub(home / "hub", more=config + more, prefix="/campus/", served=True)
        self.log = home / "replicas.log"
        self.replicas: list[Replica] = []

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.balancer)
            stack.enter_context(self.hub)
            stack.callback(lambda: [replica.stop() for replica in self.replicas])
            for _ in range(2):
                self.add()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    def add(self, database_url: str | None = None, **more: str) -> Replica:
        """One more replica, with ``more`` in its environment."""
        environ = {
            "JUPYTER_AUTH_DATABASE_URL": database_url or self.database_url,
            "JUPYTER_AUTH_CRYPT_KEYS": self.keys,
            "JUPYTER_AUTH_PROVIDERS": json.dumps({"idp": self.provider}),
            "JUPYTER_AUTH_SHARED_IDENTITIES": '["idp"]',  # the provider has one person
        } | more
        replica = Replica(self.hub, environ, self.log).start()
        self.replicas.append(replica)
        self.balancer.ports.append(replica.port)
        return replica

    def remove(self, replica: Replica) -> None:
        """Take it from the balancer, then end it: a rolling restart."""
        self.balancer.ports.remove(replica.port)
        replica.stop()
        self.replicas.remove(replica)

    def users(self, names: list[str]) -> dict[str, str]:
        """Their Hub API tokens. Each is signed in at the provider."""
        made = self.hub.newcomers(names)
        self.complete_login([Owner(name, created) for name, (created, _) in made.items()])
        return {name: token for name, (_, token) in made.items()}

    def sign_in(self, names: list[str], database_url: str) -> None:
        """Sign users of the Hub in, in that database too."""
        created = [self.hub.api("GET", f"users/{name}")["created"] for name in names]
        self.complete_login([*map(Owner, names, created)], database_url)

    def complete_login(self, owners: list[Owner], database_url: str | None = None) -> None:
        sign_in(
            database_url or self.database_url,
            self.keys,
            owners,
            {"idp": (self.rogue, self.provider)},
        )

    def token(self, hub_token: str) -> tuple[int, dict[str, Any]]:
        """What a kernel of that user is answered, by whichever replica. OSError: by none."""
        headers = {"Authorization": f"Bearer {hub_token}", "Jupyter-Auth-Version": "1"}
        answer = requests.post(
            f"{self.balancer.url}{self.hub.prefix}services/jupyter-auth/api/v1/token",
            headers=headers | {"Connection": "close"},
            json={"provider": "idp"},
            timeout=120,
        )
        return answer.status_code, answer.json()


def sign_in(
    database_url: str,
    keys: str,
    owners: list[Owner],
    rogues: Mapping[str, tuple[RogueProvider, dict[str, Any]]],
) -> None:
    """Sign these users in at all these providers, each of which has one person."""
    database, cipher, discovery = Database(database_url), Encryption(keys), Discovery(time.time)
    configured = {name: provider for name, (_, provider) in rogues.items()}
    providers = Providers(configured, allow_user_providers=False)
    identities = Identities(database, cipher, shared=set(rogues))
    for owner in owners:
        login_store = SqlLoginStore(database, cipher, owner)
        store = SqlStore(database, cipher, owner, identities)
        engine = Engine(providers, store, login_store=login_store, discovery=discovery)
        for name, (rogue, _) in rogues.items():
            complete_login(engine, name, rogue)
    database.close()


def complete_login(engine: Engine, provider: str, rogue: RogueProvider) -> None:
    """A whole login, without a browser."""
    login = engine.begin(LoginRequest(provider))
    back = f"http://127.0.0.1:1/callback/{provider}"
    url, binding = engine.open(login.id, back, "anybody")
    params = dict(parse_qsl(urlsplit(rogue.authorize(url)).query))
    done = engine.finish(
        AuthorizationResponse(
            provider, params, {binding.name: binding.value}, "anybody", confirm_by=None
        )
    )
    assert done.status == "complete", done.error
