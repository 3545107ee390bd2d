"""A long poll that the server has before it."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from jupyter_auth.server.broker.broker import MAX_WAIT
from server.jupyter_process import Kernel, UnixConnection


class Waiting:
    """A long poll that the server has before it. ``answer()`` is what it got."""

    wait = MAX_WAIT  # seconds

    def __init__(self, kernel: Kernel, since: int) -> None:
        self._connection = UnixConnection(kernel.path)
        headers = {"Authorization": f"Bearer {kernel.key}", "Jupyter-Auth-Version": "1"}
        route = f"/api/v1/changes?since={since}&wait={self.wait}"
        self._connection.request("GET", route, headers=headers)
        kernel.call("GET", "accounts")  # what came before that has been read

    def answer(self) -> Any:
        with contextlib.closing(self._connection):
            response = self._connection.getresponse()
            assert response.status == 200
            return json.loads(response.read())
