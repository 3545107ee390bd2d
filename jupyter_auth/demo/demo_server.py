"""The demo's temporary directory: notebook, accounts and Jupyter's own directories.

The person's own configuration and accounts are neither read nor written.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Self

NOTEBOOK = Path(__file__).with_name("demo.ipynb")
STOP = 10.0  # seconds that a server may take to stop
WARNING = 30  # the level of Jupyter's log; its URL is always shown
# Variables that a server sets for processes such as this one.
FOREIGN = ("JUPYTER_AUTH", "JUPYTER_TOKEN", "JUPYTERHUB", "JUPYTERLAB", "JUPYTER_SERVER", "JPY_")


class DemoServer:
    """A temporary directory, and the server that runs in it.

    ``token_lifetime``: seconds; None: the default. ``port``: None: any free one.
    """

    def __init__(
        self,
        *,
        port: int | None = None,
        base_url: str = "/",
        open_browser: bool = False,
        token_lifetime: int | None = None,
    ) -> None:
        self._holder = tempfile.TemporaryDirectory(
            prefix="jupyter-auth-demo-", ignore_cleanup_errors=True
        )
        self.root = Path(self._holder.name).resolve()
        self.runtime = self.root / "runtime"
        self.log = self.root / "server.log"
        self.notebook = self.root / "jupyter-auth-demo" / NOTEBOOK.name
        self._server: subprocess.Popen[bytes] | None = None
        demo = {} if token_lifetime is None else {"token_lifetime": token_lifetime}
        self._lay_out(
            {
                "Application": {"log_level": WARNING},
                "ServerApp": {
                    "ip": "127.0.0.1",
                    "port": port or 0,
                    "port_retries": 0,
                    "base_url": base_url,
                    "root_dir": str(self.notebook.parent),
                    "open_browser": open_browser,
                    "allow_root": True,  # as in containers; it listens to this machine alone
                    "jpserver_extensions": {"jupyter_auth": True, "jupyter_auth.demo": True},
                },
                "LabApp": {"default_url": f"/lab/tree/{self.notebook.name}"},
                "LanguageServerManager": {"autodetect": False},
                "JupyterAuth": {"store_directory": str(self.root / "accounts")},
                "JupyterAuthDemo": demo,
            }
        )

    def _lay_out(self, config: dict[str, Any]) -> None:
        directory = self.root / "config"
        for each in (self.notebook.parent, self.runtime, directory / "labconfig"):
            each.mkdir(parents=True, mode=0o700)
        shutil.copyfile(NOTEBOOK, self.notebook)
        # Without it Lab asks whether it may fetch news; the demo is offline.
        page = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
        files = {"jupyter_server_config.json": config, "labconfig/page_config.json": page}
        for name, content in files.items():
            (directory / name).write_text(json.dumps(content), encoding="utf-8")

    def start(self, output: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
        """JupyterLab's process; it writes to ``output``, or to the terminal."""
        self._server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab"],
            cwd=self.notebook.parent,
            env=self._environment(),
            stdin=subprocess.DEVNULL if output else None,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
        )
        return self._server

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
        own = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "IPYTHONDIR": "ipython",
        }
        # The API is on this machine: a proxy cannot reach it.
        direct = ",".join(filter(None, [kept.get("NO_PROXY") or kept.get("no_proxy"), "127.0.0.1"]))
        return (
            kept
            | {name: str(self.root / directory) for name, directory in own.items()}
            | {"NO_PROXY": direct, "no_proxy": direct}
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._stop()
        finally:
            self._holder.cleanup()

    def _stop(self) -> None:
        if self._server is None or self._server.poll() is not None:
            return
        self._server.terminate()
        try:
            self._server.wait(STOP)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
