"""A kernel that a Jupyter server started, and its terminals."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any, Self

import requests
import websocket
from jupyter_client.blocking.client import BlockingKernelClient

from kernel.kernel_process import Kernel
from patience import PATIENCE, until
from server.jupyter_process import TOKEN, JupyterProcess

if TYPE_CHECKING:
    from pathlib import Path


def api(server: JupyterProcess, method: str, place: str, **body: Any) -> Any:
    """Call the server as a script with its token would."""
    with requests.Session() as http:
        http.trust_env = False
        headers = {"Authorization": f"token {TOKEN}"}
        url = f"{server.origin}{server.base_url}api/{place}"
        answer = http.request(method, url, json=body or None, headers=headers, timeout=PATIENCE)
    answer.raise_for_status()
    return answer.json() if answer.content else None


class ServerKernel(Kernel):
    """Started, restarted and ended through the server's own API; its channels are used directly."""

    def __init__(self, server: JupyterProcess) -> None:
        super().__init__()
        self._server = server

    def __enter__(self) -> Self:
        self.id = api(self._server, "POST", "kernels", name="python3")["id"]
        file = self._server.runtime / f"kernel-{self.id}.json"
        until(file.exists)
        self.client = BlockingKernelClient(connection_file=str(file))
        self.client.load_connection_file()
        # Not its process but its heart tells such a client whether a kernel lives.
        self.client.hb_channel.time_to_dead = PATIENCE
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.stop_channels()
        api(self._server, "DELETE", f"kernels/{self.id}")

    def restart(self) -> None:
        """What the restart button does."""
        api(self._server, "POST", f"kernels/{self.id}/restart")
        self.client.wait_for_ready(timeout=PATIENCE)


class ServerTerminal:
    """A terminal of JupyterLab; use it as a context manager."""

    def __init__(self, server: JupyterProcess) -> None:
        self._server = server
        self.said = ""

    def __enter__(self) -> Self:
        name = api(self._server, "POST", "terminals")["name"]
        origin = self._server.origin.replace("http", "ws", 1)
        place = f"{self._server.base_url}terminals/websocket/{name}"
        self._socket = websocket.create_connection(
            f"{origin}{place}?token={TOKEN}", timeout=PATIENCE, http_no_proxy=["127.0.0.1"]
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def type(self, line: str) -> None:
        self._socket.send(json.dumps(["stdin", f"{line}\r"]))

    def read(self, pattern: str) -> re.Match[str]:
        """Read on until that is there."""
        while not (found := re.search(pattern, self.said)):
            kind, *content = json.loads(self._socket.recv())
            self.said += content[0] if kind == "stdout" else ""
        return found


class TypedServer(JupyterProcess):
    """What a person starts by a line in a terminal of their first server; a context manager."""

    def __init__(self, first: JupyterProcess, terminal: ServerTerminal, **config: Any) -> None:
        super().__init__(first.home, base_url="/", **config)
        self._terminal = terminal

    def __enter__(self) -> Self:
        self._terminal.type(shlex.join(self.command()))
        self._terminal.read(self.ready)
        return self

    def __exit__(self, *_: object) -> None:
        api(self, "POST", "shutdown")
        self._terminal.read("Shutting down on /api/shutdown request")

    @property
    def connection_file(self) -> Path:
        (pid,) = (
            each.stem.removeprefix("jpserver-")
            for each in self.runtime.glob("jpserver-*.json")
            if json.loads(each.read_text())["port"] == self.port
        )
        (path,) = self.runtime.glob(f"jupyter_auth-{pid}-*.json")
        return path
