"""The demo notebook's cells, run by a kernel of the demo's own server."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import websocket

from jupyter_auth.demo.browser import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from jupyter_auth.demo.browser import Browser
    from jupyter_auth.demo.place import DemoServer

START = 60.0  # seconds that a kernel may take to start
RUN = 40.0  # seconds that a cell may take
LOOK = 1.0  # seconds between two looks at the time


@dataclass(frozen=True)
class Cell:
    """A code cell. ``id`` is the notebook's own name for it."""

    id: str
    source: str


class Cells:
    """The notebook's code cells and the kernel that runs them, over JupyterLab's own channel."""

    def __init__(self, browser: Browser, place: DemoServer) -> None:
        name = place.notebook.name
        self._cells = _code(json.loads(place.notebook.read_text(encoding="utf-8")))
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
            # Shorter than the server's pings are apart: each of them would start it anew.
            self._socket.settimeout(LOOK)
        except (OSError, websocket.WebSocketException):
            raise CheckFailed("The kernel does not answer.") from None
        # Answered as soon as the kernel is ready.
        self._await(self._ask("kernel_info_request", {}), "The start of the kernel", START, [])

    def __iter__(self) -> Iterator[Cell]:
        return iter(self._cells)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up; the server ends the kernel when it ends."""
        self._socket.close()

    def run(self, cell: Cell, *, attended: bool) -> str:
        """What the cell shows as text. CheckFailed: it raised, or did not end.

        ``attended``: somebody is there whom it can ask, as in JupyterLab.
        """
        shown: list[str] = []
        what = f"The cell {cell.id!r}"
        request = self._ask("execute_request", {"code": cell.source, "allow_stdin": attended})
        content = self._await(request, what, RUN, shown)
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

    def _await(self, request: str, what: str, timeout: float, shown: list[str]) -> dict[str, Any]:
        """The reply's content, when all output has come too: the kernel is idle after that."""
        deadline = time.monotonic() + timeout
        late = f"{what} did not come to an end within {timeout:.0f} seconds."
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
                raise CheckFailed("The connection to the kernel was cut off.") from None
            return message
        raise CheckFailed(late)


def _code(notebook: dict[str, Any]) -> list[Cell]:
    return [
        Cell(each["id"], "".join(each["source"]))
        for each in notebook["cells"]
        if each["cell_type"] == "code"
    ]
