"""JupyterLab as a person would run it, in a process and a home of its own.

Authentication (a token) and XSRF are on, the log is at DEBUG, and the extension is enabled by the
file that the wheel brings. Nothing of the machine's own Jupyter is read or written.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import nbformat
import requests

from patience import PATIENCE
from processes import Server

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
START_TIMEOUT = 2 * PATIENCE  # three seconds are usual
# JupyterLab's own defaults, but for what a test has to see or to switch.
SETTINGS = {
    # Widgets' state goes into the saved notebook: what a token in a synced trait would leak by.
    "@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": True},
    # All cells are in the page, also those out of sight.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    # The browser's colour scheme decides: a context is light or dark.
    "@jupyterlab/apputils-extension:themes": {"adaptive-theme": True},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
}


class Lab(Server):
    """One JupyterLab, from ``start()`` (or ``with``) to ``stop()``, with its files in ``home``.

    ``auth`` is what its configuration file sets as ``c.JupyterAuth``, ``more`` is Python at the end
    of that file, and ``environment`` is for the server alone. ``python`` runs it and its kernels.
    """

    def __init__(
        self,
        home: Path,
        auth: Mapping[str, Any],
        more: str = "",
        environment: Mapping[str, str] | None = None,
        python: Path | str = sys.executable,
    ) -> None:
        self.home = home
        self.token = secrets.token_hex(24)
        self.url = ""
        self.log_file = home / "server.log"
        self._auth = dict(auth)
        self._more = more
        self._environment = dict(environment or {})
        self._python = str(python)
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers["Authorization"] = f"token {self.token}"

    # -- life ------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Start the process and wait until it answers. Raises RuntimeError if it does not."""
        environment = self._lay_out()
        command = [self._python, "-m", "jupyterlab", "--config", self._configuration()]
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.notebooks,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_TIMEOUT
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError("JupyterLab did not start:\n" + self.log()[-4000:])
            time.sleep(0.05)
        return self

    def stop(self) -> None:
        """End it, and its kernels with it."""
        self._http.close()
        super().stop()

    def _lay_out(self) -> dict[str, str]:
        """Every place that Jupyter reads or writes lies in ``home``; the rest is inherited."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("JUPYTER", "JPY_", "IPYTHON", "XDG_"))
        }
        places = {
            "HOME": "",
            "IPYTHONDIR": "ipython",
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "XDG_CACHE_HOME": "xdg/cache",
            "XDG_CONFIG_HOME": "xdg/config",
            "XDG_DATA_HOME": "xdg/data",
        }
        for place in [*places.values(), "notebooks"]:
            (self.home / place).mkdir(parents=True, exist_ok=True)
        self._enable_extension()
        self._write("config/labconfig/default_setting_overrides.json", SETTINGS)
        self._write(
            "config/labconfig/page_config.json",
            {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}},
        )
        self._write("data/kernels/python3/kernel.json", _kernel_spec(self._python))
        own = {name: str(self.home / place) for name, place in places.items()}
        own["JUPYTER_PREFER_ENV_PATH"] = "0"  # our kernel, not the environment's
        return inherited | own | self._environment

    def _enable_extension(self) -> None:
        """An editable install leaves the wheel's data file out."""
        file = ROOT / "jupyter_auth" / "server" / "jupyter_auth.json"
        self._write(
            "config/jupyter_server_config.d/jupyter_auth.json", json.loads(file.read_text())
        )

    def _configuration(self) -> str:
        settings = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": 0,
            "ServerApp.port_retries": 0,
            "ServerApp.root_dir": str(self.notebooks),
            "ServerApp.allow_root": True,
            "ServerApp.local_hostnames": ["localhost", "notebooks.example"],
            "ServerApp.open_browser": False,
            "ServerApp.log_level": "DEBUG",
            "IdentityProvider.token": self.token,
            "LabApp.expose_app_in_browser": True,
            "JupyterNotebookApp.expose_app_in_browser": True,
            "LanguageServerManager.autodetect": False,
            "KernelSpecManager.ensure_native_kernel": False,
            **{f"JupyterAuth.{name}": value for name, value in self._auth.items()},
        }
        file = self.home / "lab_config.py"
        lines = [f"c.{name} = {value!r}" for name, value in settings.items()]
        file.write_text("\n".join(["c = get_config()", *lines, self._more]))
        return str(file)

    def _write(self, name: str, content: Any) -> Path:
        file = self.home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content))
        return file

    def _answers(self) -> bool:
        """The port is the system's choice; the server tells it when it listens."""
        assert self._process is not None
        try:
            said = (self.home / f"runtime/jpserver-{self._process.pid}.json").read_text()
            self.url = f"http://127.0.0.1:{json.loads(said)['port']}"
            return self._http.get(f"{self.url}/api/status", timeout=PATIENCE).ok
        except (OSError, ValueError):
            return False

    # -- what a test needs -----------------------------------------------------------------------

    @property
    def notebooks(self) -> Path:
        """The folder that JupyterLab shows."""
        return self.home / "notebooks"

    def notebook(self, name: str, *cells: str) -> Path:
        """Write a notebook with these code cells."""
        content = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
        content.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        file = self.notebooks / f"{name}.ipynb"
        nbformat.write(content, file)
        return file

    def log(self) -> str:
        """What the server and its kernels have logged."""
        return self.log_file.read_text(errors="replace")

    def api(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """Call the server as a script with its token would; the JSON it answers."""
        url = f"{self.url}/{path}"
        answer = self._http.request(method, url, params=query, json=body, timeout=PATIENCE)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def accounts(self) -> list[dict[str, Any]]:
        return self.api("GET", "jupyter-auth/api/v1/accounts")["accounts"]

    def logins(self) -> list[dict[str, Any]]:
        """Those that wait for a person."""
        return self.api("GET", "jupyter-auth/api/v1/logins")["logins"]

    def begin(self, provider: str = "idp", **asked: Any) -> str:
        """Begin a login as the UI does; the address of its page."""
        login = self.api("POST", "jupyter-auth/api/v1/logins", {"provider": provider, **asked})
        return self.url + login["path"]

    @property
    def away(self) -> str:
        """Its address as browsers on other machines have it."""
        return self.url.replace("127.0.0.1", "notebooks.example")

    @property
    def own_providers(self) -> Path:
        """The folder of what its person has written down."""
        return self.home / "xdg" / "config" / "jupyter_auth"

    def tidy(self) -> None:
        """End all kernels, then all logins, sign everybody out, and forget typed registrations."""
        for session in self.api("GET", "api/sessions"):
            self.api("DELETE", f"api/sessions/{session['id']}")
        for login in self.logins():
            self.api("DELETE", f"jupyter-auth/api/v1/logins/{login['id']}")
        known = self.api("GET", "jupyter-auth/api/v1/accounts")
        for account in known["accounts"]:
            names = {name: account[name] for name in ("provider", "session_key")}
            self.api("DELETE", "jupyter-auth/api/v1/accounts", **names)
        shutil.rmtree(self.own_providers, ignore_errors=True)


def _kernel_spec(python: str) -> dict[str, Any]:
    """This Python; at DEBUG a kernel logs every message it gets and sends."""
    argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--debug"]
    return {"argv": argv, "display_name": "Python 3", "language": "python"}
