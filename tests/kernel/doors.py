"""The real kernel door in front of a real engine, in a thread of the test's own process."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import secrets
import signal
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlsplit

from patience import PATIENCE, eventually
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.secret import Secret
from jupyter_auth.server.broker.broker import Broker
from jupyter_auth.server.kernel_api.handlers import KeyGate, kernel_application
from jupyter_auth.server.kernel_api.socket import Connection, Door

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from providers.oidc import OidcProvider

    from jupyter_auth.core.engine import Engine
    from jupyter_auth.core.models import Login

KEY = "planted-key-0123456789-0123456789-0123456789"
CALLBACK = "http://127.0.0.1:8888/jupyter-auth/callback/idp"


class OpenDoor:
    """A broker that answers kernels; use it as a context manager. ``path``: connection file.

    ``default``: the provider that its administrator configured as the default one.
    """

    def __init__(self, engine: Engine, runtime_dir: Path, default: str | None = None) -> None:
        self.engine = engine
        self._default = default
        self._runtime_dir = runtime_dir
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(PATIENCE)

    @property
    def waiting(self) -> int:
        """How many wait for changes now."""
        return self._broker._bell._waiting

    def close_connections(self) -> None:
        """As a server does with those that lay idle for too long."""
        closing = self._door.close_connections()
        asyncio.run_coroutine_threadsafe(closing, self._loop).result(PATIENCE)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        broker = self._broker = Broker(
            self.engine, base_url="/base/", default_provider=self._default
        )
        door = self._door = self._open(broker)
        self.path = door.connection.path
        self.address = door.connection.address
        self._ready.set()
        try:
            await self._stop.wait()
        finally:
            door.close()
            await door.close_connections()
            broker.close()

    def _open(self, broker: Broker) -> Door:
        return Door.open(broker, self._runtime_dir)


class TcpDoor(OpenDoor):
    """The door as it is where there are no Unix sockets."""

    def _open(self, broker: Broker) -> Door:
        key, sockets = secrets.token_urlsafe(32), bind_sockets(0, "127.0.0.1")
        server = HTTPServer(kernel_application(KeyGate(broker, Secret(key))))
        server.add_sockets(sockets)
        address = f"tcp:127.0.0.1:{sockets[0].getsockname()[1]}"
        self._runtime_dir.mkdir(exist_ok=True)
        path = self._runtime_dir / "door.json"
        path.touch(0o600)
        path.write_text(json.dumps({"version": 1, "address": address, "key": key}))
        return Door(Connection(path, address, None), server)


def child(call: Callable[[], Any]) -> Any:
    """What ``call`` returns in a forked child of this process."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads and fork: what is tested
        pid = os.fork()
    if pid == 0:
        try:
            result: Any = call()
        except BaseException as error:  # noqa: BLE001
            result = f"{type(error).__name__}: {error}"
        os.write(writing, pickle.dumps(result))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        result = pickle.loads(pipe.read())  # noqa: S301
    os.waitpid(pid, 0)
    return result


@contextmanager
def interrupted(condition: Callable[[], bool]) -> Iterator[None]:
    """Press Ctrl-C as soon as that is true."""

    def press() -> None:
        if eventually(condition):
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def consenting(oidc: OidcProvider, **more: Any) -> dict[str, Any]:
    """The real provider as an administrator configures it who wants its person asked each time."""
    return {
        "issuer": oidc.issuer,
        "client_id": oidc.client_id,
        "scopes": "openid profile offline_access",
        "authorize_params": {"prompt": "consent"},
        "username_claim": "preferred_username",  # nobody can change their own there
    } | more


def sign_in(engine: Engine, provider, login: Login, **who) -> Login:
    """The browser's part of a login: ``provider`` is an ``OidcProvider`` or a ``RogueProvider``."""
    url, binding = engine.open(login.id, CALLBACK, "me")
    back = provider.login(url, **who) if hasattr(provider, "login") else provider.authorize(url)
    params = dict(parse_qsl(urlsplit(back).query))
    return engine.finish(
        plain(login.provider), params, {binding.name: binding.value}, "me", confirm_by=None
    )


@contextmanager
def person(engine, provider, act=None, **who):
    """Somebody who deals with the next login: signs in, unless ``act`` does something else."""
    done = []

    def live():
        if eventually(lambda: engine.logins() != []):
            login = engine.logins()[-1]
            done.append(act(login) if act else sign_in(engine, provider, login, **who))

    thread = threading.Thread(target=live)
    thread.start()
    try:
        yield done
    finally:
        thread.join(PATIENCE)


def written(path, mode=0o600, **changes):
    """A connection file of a door that is not there, or is wherever ``changes`` say."""
    content = {"version": 1, "address": "unix:/nowhere/door.sock", "key": KEY} | changes
    path.write_text(json.dumps(content))
    path.chmod(mode)
    return path
