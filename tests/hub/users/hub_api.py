"""A Hub's API as the service reaches it: each call is counted, and can be held up or cut off."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

import requests

from patience import PATIENCE
from providers.sockets import SocketServer
from providers.troubles import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.hub_process import Hub
    from providers.sockets import Request


class HubApi:
    """In front of a Hub, from ``with`` on. ``holds``: the tokens that wait for ``let_go``."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.calls: list[str] = []  # paths below the API
        self.held: list[str] = []  # tokens
        self.holds: Callable[[str], bool] = lambda _: False
        self._free = threading.Event()
        self._socket = SocketServer(self._answer)
        self.url = f"http://127.0.0.1:{self._socket.port}{hub.prefix}hub/api"

    def __enter__(self) -> Self:
        self._socket.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.let_go()
        self._socket.stop()

    def let_go(self) -> None:
        """Whatever is held, and what would be."""
        self._free.set()

    def cut(self) -> None:
        """Nothing listens any more."""
        self._socket.stop()

    def mend(self) -> None:
        self._socket.start()

    def _answer(self, request: Request) -> Reply:
        headers = {
            name: request.headers[name]
            for name in ("authorization", "accept")
            if name in request.headers
        }
        self.calls.append(request.target.partition("/hub/api/")[2])
        token = headers.get("authorization", "").partition(" ")[2]
        if self.holds(token) and not self._free.is_set():
            self.held.append(token)
            self._free.wait(PATIENCE)
        answer = requests.request(
            request.method, f"{self._hub.origin}{request.target}", headers=headers, timeout=PATIENCE
        )
        kind = {"Content-Type": answer.headers["Content-Type"]}
        return Reply(answer.status_code, answer.content, kind)
