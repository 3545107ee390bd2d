"""The demo notebook's cells, run by a kernel of the demo's server."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

import websocket

from jupyter_auth.demo.browser import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    from jupyter_auth.demo.browser import Browser
    from jupyter_auth.demo.demo_server import DemoServer

START = 60.0  # seconds that a kernel may take to start
RUN = 40.0  # seconds that a cell may take
LOOK = 1.0  # seconds between checks of the time


class Cell(NamedTuple):
    """A code cell, with its ``id`` in the notebook."""

    id: str
    source: str


class Cells:
    """The notebook's code cells and the kernel that runs them, over JupyterLab's web socket."""

    def __init__(self, browser: Browser, demo: DemoServer) -> None:
        name = demo.notebook.name
        cells = json.loads(demo.notebook.read_text(encoding="utf-8"))["cells"]
        code = [each for each in cells if each["cell_type"] == "code"]
        self._cells = [Cell(each["id"], "".join(each["source"])) for each in code]
        session = browser.api(
            "POST",
            "api/sessions",
            {"path": name, "name": name, "type": "notebook", "kernel": {"name": "python3"}},
        )
        self._session = uuid.uuid4().hex
        kernel = session["kernel"]["id"]
        where = browser.socket(f"api/kernels/{kernel}/channels?session_id={self._session}")
        try:
            self._socket = websocket.create_connection(
                where.url,
                timeout=START,
                cookie=where.cookie,
                origin=where.origin,
                http_no_proxy=["127.0.0.1"],
            )
            # Shorter than the interval of the server's pings: each of them restarts it.
            self._socket.settimeout(LOOK)
        except (OSError, websocket.WebSocketException):
            raise CheckFailed("The kernel does not answer.") from None
        # The reply comes once the kernel is ready.
        self._await(self._ask("kernel_info_request", {}), "The start of the kernel", START, [])

    def __iter__(self) -> Iterator[Cell]:
        return iter(self._cells)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect; the kernel ends with the server."""
        self._socket.close()

    def run(self, cell: Cell, person: Callable[[], None] | None = None) -> str:
        """The text that the cell shows; ``CheckFailed`` if it raised or did not end.

        ``person``: does what the cell asks for when it first shows something. Without, no one can
        be asked.
        """
        shown: list[str] = []
        what = f"The cell {cell.id!r}"
        code = {"code": cell.source, "allow_stdin": person is not None}
        request = self._ask("execute_request", code)
        content = self._await(request, what, RUN, shown, person)
        if content["status"] != "ok":
            raise CheckFailed(f"{what} raised {content.get('ename')}: {content.get('evalue')}")
        return "".join(shown).strip()

    def _ask(self, kind: str, content: dict[str, Any]) -> str:
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": kind,
            "session": self._session,
            "username": "",
            "version": "5.3",
        }
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        self._socket.send(json.dumps(message | {"channel": "shell"}))
        return header["msg_id"]

    def _await(
        self,
        request: str,
        what: str,
        timeout: float,
        shown: list[str],
        person: Callable[[], None] | None = None,
    ) -> dict[str, Any]:
        """The content of the reply, once the kernel is idle: after all output."""
        deadline = time.monotonic() + timeout
        late = f"{what} did not end within {timeout:.0f} seconds."
        reply: dict[str, Any] | None = None
        idle = False
        while reply is None or not idle:
            message = self._receive(deadline, late)
            if message["parent_header"].get("msg_id") != request:
                continue
            content = message["content"]
            match message["msg_type"]:
                case "stream":
                    shown.append(content["text"])
                case "display_data" | "execute_result":
                    shown.append(content["data"].get("text/plain", "") + "\n")
                    if person:
                        person()
                        person = None
                case "execute_reply" | "kernel_info_reply":
                    reply = content
                case "status":
                    idle = content["execution_state"] == "idle"
                case "input_request":
                    raise CheckFailed(f"{what} asks for input.")
        return reply

    def _receive(self, deadline: float, late: str) -> dict[str, Any]:
        while time.monotonic() < deadline:
            try:
                message: dict[str, Any] = json.loads(self._socket.recv())
            except websocket.WebSocketTimeoutException:
                continue
            except (OSError, ValueError, websocket.WebSocketException):
                raise CheckFailed("The connection to the kernel was lost.") from None
            return message
        raise CheckFailed(late)
