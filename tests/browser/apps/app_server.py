"""A notebook or script that another front end serves as an app, without a Jupyter server."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

import requests

from environments.front_ends import ABOVE
from kernel.kernel_process import environment
from patience import until
from processes import Server, free_port

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

# Each starts the app of a file, for the browsers of this machine.
COMMANDS = {
    "voila": "-m voila {file} --no-browser --Voila.ip=127.0.0.1 --port={port}",
    "marimo": "-m marimo run {file} --headless --host=127.0.0.1 --port={port} --no-token",
    "panel": "-m panel serve {file} --address=127.0.0.1 --port={port}",
    "solara": "-m solara run {file} --no-open --production --host=127.0.0.1 --port={port}",
}


class AppServer(Server):
    """The app ``file``, at ``url``, for somebody whose home and providers are in ``home``."""

    def __init__(self, front_end: str, file: Path, home: Path) -> None:
        port = free_port()
        self._command = COMMANDS[front_end].format(file=file.name, port=port).split()
        self._file, self._home = file, home
        self._log = home / f"{front_end}.log"
        self.url = f"http://127.0.0.1:{port}/{file.stem if front_end == 'panel' else ''}"

    def start(self) -> Self:
        here = environment(self._home) | ABOVE | {"BROWSER": "true"}  # one that goes nowhere
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self._command],
                cwd=self._file.parent,
                env=here,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until(self._answers)
        return self

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        try:
            return requests.get(self.url, timeout=60).ok
        except requests.ConnectionError:
            return False


def serve_anywidget(page: Page) -> None:
    """What Panel's pages load from a public host, they get here from the installed anywidget."""
    module = Path(sys.prefix) / "share" / "jupyter" / "nbextensions" / "anywidget" / "index.js"

    def answer(route: Route) -> None:
        if "/anywidget@" not in route.request.url:
            route.abort()
            return
        everyone = {"Access-Control-Allow-Origin": "*"}
        route.fulfill(path=module, content_type="text/javascript", headers=everyone)

    page.route(re.compile("^https:"), answer)
