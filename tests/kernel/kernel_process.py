"""A real kernel, driven as a front end drives it: outputs are kept and rewritten in place."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from jupyter_client.manager import KernelManager

from patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass
class Ran:
    """What one cell did. ``outputs`` are those of nbformat, as they look now."""

    status: str
    outputs: list[dict[str, Any]] = field(default_factory=list)

    def text(self, mime: str = "text/plain") -> str:
        """What the outputs say in that MIME type; streams and errors count as plain text."""
        said = []
        for output in self.outputs:
            if mime == "text/plain" and "text" in output:
                said.append(output["text"])
            elif mime == "text/plain" and "traceback" in output:
                said.append("\n".join(output["traceback"]))
            elif mime in output.get("data", {}):
                said.append(output["data"][mime])
        return "\n".join(said)


class Kernel:
    """An ipykernel process; use it as a context manager.

    ``directory`` holds all that it writes; ``connection_file`` is that of its broker. ``env``
    is its environment instead of one made of these.
    """

    def __init__(
        self,
        directory: Path | None = None,
        connection_file: Path | None = None,
        env: dict[str, str] | None = None,
    ) -> None:
        self._manager = KernelManager(kernel_name="python3")
        self._env = environment(directory, connection_file) if directory else dict(env or {})
        self.comms: list[dict[str, Any]] = []  # all comm messages, as they came
        self._displays: dict[str, list[dict[str, Any]]] = {}

    def __enter__(self) -> Self:
        self._manager.start_kernel(env=self._env)
        self.client = self._manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()

    def interrupt(self) -> None:
        """What the stop button does."""
        self._manager.interrupt_kernel()

    def send(self, code: str, *, allow_stdin: bool = True) -> str:
        """Run a cell without waiting. The id is for ``result``."""
        return self.client.execute(code, allow_stdin=allow_stdin)

    def run(self, code: str, *, allow_stdin: bool = True) -> Ran:
        """Run a cell and wait until it is done."""
        return self.result(self.send(code, allow_stdin=allow_stdin))

    def ok(self, code: str) -> Ran:
        """Run a cell that has to succeed."""
        ran = self.run(code)
        assert ran.status == "ok", ran.text()
        return ran

    def result(self, message_id: str, until: Callable[[Ran], bool] | None = None) -> Ran:
        """The outputs of a cell when it is done, or as soon as ``until`` is true of them."""
        ran = Ran("busy")
        while not (until and until(ran)):
            message = self._next()
            if message["parent_header"].get("msg_id") != message_id:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                ran.status = self._reply(message_id)["status"]
                return ran
            self._collect(ran, kind, content)
        return ran

    def wait(self, until: Callable[[], bool]) -> None:
        """Take in what the kernel says by itself, until that is true."""
        while not until():
            self._next()

    def tell(self, comm_id: str, content: Any) -> None:
        """What a widget's view sends."""
        data = {"method": "custom", "content": content}
        message = self.client.session.msg("comm_msg", {"comm_id": comm_id, "data": data})
        self.client.shell_channel.send(message)

    def answer(self, text: str) -> str:
        """Type that where the kernel asks for something; its question, and whether in secret."""
        asked = self.client.get_stdin_msg(timeout=PATIENCE)["content"]
        self.client.input(text)
        return f"{asked['prompt']}{' (secret)' if asked['password'] else ''}"

    def _next(self) -> dict[str, Any]:
        message: dict[str, Any] = self.client.get_iopub_msg(timeout=PATIENCE)
        if message["msg_type"].startswith("comm_"):
            self.comms.append(message)
        elif message["msg_type"] == "update_display_data":
            self._update(message["content"])
        return message

    def _reply(self, message_id: str) -> dict[str, Any]:
        while True:
            reply = self.client.get_shell_msg(timeout=PATIENCE)
            if reply["parent_header"].get("msg_id") == message_id:
                return reply["content"]

    def _collect(self, ran: Ran, kind: str, content: dict[str, Any]) -> None:
        if kind not in {"stream", "display_data", "execute_result", "error"}:
            return
        output = {"output_type": kind, **content}
        if shown := content.get("transient", {}).get("display_id"):
            self._displays.setdefault(shown, []).append(output)
        ran.outputs.append(output)

    def _update(self, content: dict[str, Any]) -> None:
        for output in self._displays.get(content["transient"]["display_id"], []):
            output["data"] = content["data"]


def environment(directory: Path, connection_file: Path | None = None) -> dict[str, str]:
    """An environment in which nothing of this machine's user is read or written."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    own = {
        "HOME": "home",
        "XDG_CONFIG_HOME": "config",
        "XDG_DATA_HOME": "data",
        "IPYTHONDIR": "ipython",
    }
    changed = {name: str(directory / place) for name, place in own.items()}
    return (
        kept
        | changed
        | ({"JUPYTER_AUTH_CONNECTION": str(connection_file)} if connection_file else {})
    )
