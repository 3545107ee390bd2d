"""A real Jupyter server in a process of its own, the browser of a person, and a kernel's calls."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import requests

from patience import PATIENCE, until
from processes import Server, free_port

if TYPE_CHECKING:
    from pathlib import Path

START_TIMEOUT = 2 * PATIENCE  # two seconds are usual
TOKEN = "jupyter-token-5f1c90"


class JupyterProcess(Server):
    """``jupyter server`` with our extension, authentication and XSRF on, logging at debug."""

    ready = "extension was successfully started"  # logged when the loop runs: it listens

    def __init__(
        self, home: Path, *arguments: str, base_url: str = "/base/", **config: Any
    ) -> None:
        self.home = home
        self.base_url = base_url
        self.python = sys.executable
        self.extensions = {"jupyter_auth": True}
        self.port = free_port()
        self.lines: list[str] = []
        self._arguments = arguments
        self.config = config
        self.variables: dict[str, str] = {}  # more of its environment

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return "".join(self.lines)

    @property
    def runtime(self) -> Path:
        return self.home / "runtime"

    @property
    def connection_file(self) -> Path:
        assert self._process is not None
        (path,) = self.runtime.glob(f"jupyter_auth-{self._process.pid}-*.json")
        return path

    def command(self) -> list[str]:
        """What starts it, once its files are laid out."""
        self.home.mkdir(exist_ok=True)
        for name in ("config", "data", "runtime", "root"):
            (self.home / name).mkdir(mode=0o700, exist_ok=True)
        config = self.home / "config" / "test_config.json"
        config.write_text(json.dumps({"JupyterAuth": self.config}))
        command = [self.python, "-m", "jupyter_server", "--debug", "--allow-root"]
        command += ["--no-browser", "--ip=127.0.0.1", f"--port={self.port}"]
        command += ["--ServerApp.port_retries=0", f"--ServerApp.base_url={self.base_url}"]
        command += [f"--config={config}", f"--ServerApp.root_dir={self.home / 'root'}"]
        command += [f"--ServerApp.jpserver_extensions={self.extensions}"]
        if not any("token" in each or "password" in each for each in self._arguments):
            command.append(f"--IdentityProvider.token={TOKEN}")
        return [*command, *self._arguments]

    def start(self) -> Self:
        self._process = subprocess.Popen(
            self.command(),
            env=os.environ | self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        ready = threading.Event()
        threading.Thread(target=self._read, args=(self._process, ready), daemon=True).start()
        if not ready.wait(START_TIMEOUT) or self._process.poll() is not None:
            self.stop()
            raise RuntimeError("the Jupyter server did not start:\n" + self.log)
        return self

    def environment(self) -> dict[str, str]:
        """What is different for it, and for everything else that its person starts."""
        home = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "HOME": "home",
            "XDG_DATA_HOME": "share",
            "XDG_CONFIG_HOME": "user",
            "IPYTHONDIR": "ipython",
        }
        paths = {name: str(self.home / place) for name, place in home.items()}
        other = os.environ.get("JUPYTER_AUTH_CONNECTION", "/of/another/server")
        more = {"JUPYTER_NO_CONFIG": "1", "JUPYTER_AUTH_CONNECTION": other}
        return paths | more | self.variables

    def _read(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self.lines.append(line)
                if self.ready in line:
                    ready.set()
        process.wait()
        ready.set()

    def wait_for_log(self, text: str) -> None:
        """The log comes through a pipe: what was answered may not have been read yet."""
        until(lambda: text in self.log)

    def browser(self, *, host: str = "127.0.0.1", token: str | None = TOKEN) -> Browser:
        """A fresh browser, signed in to Jupyter where a token is given."""
        browser = Browser(f"http://{host}:{self.port}", self.base_url)
        if token:
            browser.get("api/me", params={"token": token}).raise_for_status()
        return browser

    def kernel(self) -> Kernel:
        """What a kernel of this server knows."""
        return Kernel(self.connection_file)


class Browser:
    """A cookie jar, and what the script of our pages does."""

    def __init__(self, origin: str, base_url: str) -> None:
        self.origin = origin
        self.base_url = base_url
        self.session = requests.Session()
        self.session.trust_env = False

    def url(self, path: str) -> str:
        return (
            path
            if path.startswith("http")
            else self.origin + self.base_url + path.removeprefix("/")
        )

    def get(self, path: str, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("allow_redirects", False)
        return self.session.get(self.url(path), timeout=PATIENCE, **kwargs)

    @property
    def xsrf(self) -> str:
        return self.session.cookies.get("_xsrf", path=self.base_url) or ""

    def send(self, method: str, path: str, data: Any = None, **headers: str) -> requests.Response:
        """A ``fetch`` of a page of ours, or of another ``Origin``. A header "" is left out."""
        if not self.xsrf:
            self.get("jupyter-auth/login/none")
        own = headers.get("Origin", self.origin) == self.origin
        given = {"Origin": self.origin, "X-XSRFToken": self.xsrf}
        given["Sec-Fetch-Site"] = "same-origin" if own else "cross-site"
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.request(
            method,
            self.url(path),
            json=data,
            headers={name: value for name, value in given.items() if value},
            timeout=PATIENCE,
            allow_redirects=False,
        )

    def open(self, login: dict[str, Any]) -> str:
        """Open a login's page and let its script leave: the provider's address."""
        page = self.get(self.origin + login["path"], headers=self.from_own_page)
        assert page.status_code == 200, page.text
        answer = self.send("POST", self.origin + login["path"])
        assert answer.status_code == 200, answer.text
        return answer.json()["url"]

    @property
    def bindings(self) -> list[Any]:
        """The cookies that bind this browser to the logins that it opened."""
        named = re.compile("jupyter-auth-[0-9a-f]{16}")
        return [each for each in self.session.cookies if named.fullmatch(each.name)]

    @property
    def from_own_page(self) -> dict[str, str]:
        """What a browser sends along that follows a link of the person's own JupyterLab."""
        return {"Sec-Fetch-Site": "same-origin", "Referer": f"{self.origin}{self.base_url}lab"}

    def say_yes(self, place: str) -> requests.Response:
        """Press the button of the page that asks whose account will be used by whom."""
        page = self.get(self.origin + place, headers={"Sec-Fetch-Dest": "document"}).text
        (yes,) = re.findall(r'name="yes" value="([0-9a-f]{64})"', page)
        return self.send("POST", self.origin + place, {"yes": yes})

    def arrive(self, address: str) -> str:
        """Follow the provider's redirect back: the path where our callback sends us."""
        answer = self.get(address, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 303, answer.text
        place = answer.headers["Location"]
        assert not urlsplit(place).query
        assert place.startswith(self.base_url + "jupyter-auth/")
        return place

    def page(self, place: str) -> str:
        """The text of a page, tags left out."""
        answer = self.get(self.origin + place)
        assert answer.status_code == 200
        return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text))


class Kernel:
    """Calls to the kernel API, made by hand: every header can be wrong."""

    def __init__(self, connection_file: Path) -> None:
        data = json.loads(connection_file.read_text())
        self.path = data["address"].removeprefix("unix:")
        self.key = data["key"]

    def call(self, method: str, route: str, body: Any = None, **headers: str) -> Any:
        status, data = self.ask(method, route, body, **headers)
        assert status < 400, data
        return data

    def ask(self, method: str, route: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON. A header given as "" is left out."""
        given = {"Authorization": f"Bearer {self.key}", "Jupyter-Auth-Version": "1"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        given = {name: value for name, value in given.items() if value}
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body else None
        connection = UnixConnection(self.path)
        try:
            connection.request(method, f"/api/v1/{route}", content, given)
            response = connection.getresponse()
            assert response.headers["Jupyter-Auth-Version"] == "1"
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def register(self, name: str, fields: dict[str, Any]) -> str:
        """Bring a provider along: what it goes by."""
        return self.call("PUT", f"providers/{name}", fields)["name"]

    def begin(self, provider: str = "idp", **wanted: Any) -> dict[str, Any]:
        return self.call("POST", "logins", {"provider": provider, **wanted})

    def token(self, provider: str = "idp", **wanted: Any) -> dict[str, Any]:
        return self.call("POST", "token", {"provider": provider, **wanted})


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
