"""A real JupyterHub with its proxy, in processes and a home of their own."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlsplit

import requests
from jupyterhub import orm

from patience import PATIENCE, until
from processes import Server, free_port
from server.jupyter_process import Browser, Kernel

if TYPE_CHECKING:
    from collections.abc import Mapping

PROXY = Path(__file__).parents[1] / "providers/node_modules/configurable-http-proxy"
START_TIMEOUT = 3 * PATIENCE  # five seconds are usual
PASSWORD = "of-everybody"
SOME = 200  # users that are made with one call


class Hub(Server):
    """JupyterHub on loopback, from ``start()`` (or ``with``) to ``stop()``.

    ``auth`` is ``c.JupyterAuth`` of the users' servers; ``more`` is Python at the end of the Hub's
    own configuration. Authentication and XSRF are on as they always are.
    """

    def __init__(
        self,
        home: Path,
        auth: Mapping[str, Any] | None = None,
        more: str = "",
        *,
        prefix: str = "/",
        served: bool = False,
        python: str = sys.executable,
    ) -> None:
        self.home = home
        self.prefix = prefix
        self.served = served
        self.python = python
        self.api_token = secrets.token_hex(24)
        self.bare_token = secrets.token_hex(24)
        self.origin = f"http://127.0.0.1:{free_port()}"
        self.log_file = home / "hub.log"
        self._auth = dict(auth or {})
        self._more = more
        self._http = self.session(self.api_token)

    # -- life ------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Start Hub and proxy and wait until both answer. RuntimeError: they do not."""
        self.home.mkdir(parents=True, exist_ok=True)
        config = self.home / "jupyterhub_config.py"
        config.write_text(self._configuration())
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [self.python, "-m", "jupyterhub", "-f", str(config)],
                cwd=self.home,
                env=_clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            until(self._answers, START_TIMEOUT)
        except AssertionError:
            self.stop()
            raise RuntimeError("JupyterHub did not start:\n" + self.log()[-4000:]) from None
        return self

    def _configuration(self) -> str:
        settings = {
            "JupyterHub.bind_url": f"{self.origin}{self.prefix}",
            "JupyterHub.hub_bind_url": f"http://127.0.0.1:{free_port()}",
            "JupyterHub.db_url": f"sqlite:///{self.home / 'hub.sqlite'}",
            "JupyterHub.log_level": "DEBUG",
            "JupyterHub.spawner_class": "simple",
            "JupyterHub.authenticator_class": "dummy",
            "JupyterHub.allow_named_servers": True,
            "JupyterHub.services": [
                {"name": "tests", "api_token": self.api_token},
                {"name": "bare", "api_token": self.bare_token},  # which no role names
            ],
            "JupyterHub.load_roles": [
                {
                    "name": "tests",
                    "services": ["tests"],
                    "scopes": [
                        "admin:users",
                        "admin:servers",
                        "admin:groups",
                        "tokens",
                        "access:servers",
                        "access:services",
                        "shares",
                        "read:metrics",
                    ],
                }
            ],
            "ConfigurableHTTPProxy.command": [
                _node(),
                str(PROXY / "bin/configurable-http-proxy"),
            ],
            "ConfigurableHTTPProxy.api_url": f"http://127.0.0.1:{free_port()}",
            "DummyAuthenticator.password": PASSWORD,
            "Authenticator.allow_all": True,
            "Authenticator.admin_users": {"root"},
            "SimpleLocalProcessSpawner.home_dir_template": str(self.home / "users/{username}"),
            "Spawner.cmd": [self.python, "-m", "jupyterhub.singleuser"],
            "Spawner.start_timeout": START_TIMEOUT,
            "Spawner.http_timeout": START_TIMEOUT,
            "Spawner.default_url": "/api/status",
        }
        lines = [f"c.{name} = {value!r}" for name, value in settings.items()]
        user = {
            "ServerApp": {"allow_root": True, "jpserver_extensions": {"jupyter_auth": True}},
            "JupyterAuth": self._auth,
        }
        (self.home / "server.json").write_text(json.dumps(user))
        return "\n".join(
            ["c = get_config()", *lines, _SPAWN % {"home": str(self.home)}, self._more]
        )

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "it ended"
        return answers(self.url("hub/api/"))

    # -- what a test needs -------------------------------------------------------------------------

    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def url(self, path: str) -> str:
        return f"{self.origin}{self.prefix}{path}"

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Call the Hub's API as its administrator."""
        answer = self._http.request(
            method, self.url(f"hub/api/{path}"), json=body, timeout=PATIENCE
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def session(self, token: str) -> requests.Session:
        """What a script with that Hub API token uses."""
        session = requests.Session()
        session.trust_env = False
        session.headers["Authorization"] = f"token {token}"
        return session

    def newcomers(self, names: list[str]) -> dict[str, tuple[str, str]]:
        """Make users of these names: when each was created, and a Hub API token of theirs.

        The tokens are written down all at once: the API takes minutes for thousands.
        """
        made = []
        for start in range(0, len(names), SOME):
            made += self.api("POST", "users", {"usernames": names[start : start + SOME]})
        with orm.new_session_factory(f"sqlite:///{self.home / 'hub.sqlite'}")() as session:
            ids = {user.name: user.id for user in session.query(orm.User)}
            tokens = {name: orm.new_token() for name in names}
            for name, value in tokens.items():
                token = orm.APIToken(client_id="jupyterhub", scopes=["inherit"], user_id=ids[name])
                token.token = value
                session.add(token)
            session.commit()
            session.get_bind().dispose()
        return {user["name"]: (user["created"], tokens[user["name"]]) for user in made}

    def server(self, user: str, name: str = "") -> UserServer:
        """A running server of that user, started where it does not run."""
        who = self.url(f"hub/api/users/{_part(user)}")
        self._http.post(who, timeout=PATIENCE)  # 409: there already
        place = (
            f"users/{_part(user)}/servers/{_part(name)}" if name else f"users/{_part(user)}/server"
        )
        answer = self._http.post(self.url(f"hub/api/{place}"), timeout=PATIENCE)
        assert answer.status_code in {201, 202, 400}, answer.text
        until(lambda: self.runs(user, name), START_TIMEOUT)
        return UserServer(self, user, name)

    def runs(self, user: str, name: str = "") -> bool:
        servers = self.api("GET", f"users/{_part(user)}")["servers"]
        return bool(servers.get(name, {}).get("ready"))

    def browser(self, user: str) -> HubBrowser:
        """A fresh browser in which that user is signed in to the Hub."""
        browser = HubBrowser(self, user)
        browser.get(self.url("hub/login"))
        form = {"username": user, "password": PASSWORD, "_xsrf": browser.session.cookies["_xsrf"]}
        answer = browser.session.post(
            self.url("hub/login"), data=form, timeout=PATIENCE, allow_redirects=False
        )
        assert answer.status_code == 302, answer.text
        return browser.visit() if self.runs(user) else browser


class UserServer:
    """One running server of a user, and what its kernels know."""

    def __init__(self, hub: Hub, user: str, name: str) -> None:
        self.hub = hub
        self.user = user
        self.place = hub.home / "servers" / (quote(user, safe="") + "--" + name)
        self.base_url = f"{hub.prefix}user/{_part(user)}/" + (f"{_part(name)}/" if name else "")

    def kernel(self) -> Kernel:
        until(lambda: bool(list((self.place / "runtime").glob("jupyter_auth-*.json"))))
        (file,) = (self.place / "runtime").glob("jupyter_auth-*.json")
        return Kernel(file)

    @property
    def environment(self) -> dict[str, str]:
        """What the Hub gave it: among others its API token."""
        environment: dict[str, str] = json.loads((self.place / "environment.json").read_text())
        return environment


class HubBrowser(Browser):
    """A person's browser at the Hub: pages are navigated to, through the Hub's own bounces."""

    def __init__(self, hub: Hub, user: str) -> None:
        super().__init__(hub.origin, f"{hub.prefix}user/{_part(user)}/")
        self.hub = hub
        self.user = user

    def get(self, path: str, **kwargs: Any) -> requests.Response:
        """Navigate; redirects are followed, but not to the provider."""
        kwargs.setdefault("allow_redirects", True)
        headers = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
        kwargs["headers"] = headers | kwargs.pop("headers", {})
        answer = self.session.get(self.url(path), timeout=PATIENCE, **kwargs)
        if "oauth2/authorize" in answer.url and answer.status_code == 200:
            answer = self._confirm(answer)  # a guest's first visit
        return answer

    @property
    def xsrf(self) -> str:
        path = self.base_url + ("jupyter-auth/" if self.hub.served else "")
        return self.session.cookies.get("_xsrf", path=path) or ""

    def visit(self) -> Self:
        """Let the pages know this browser: those of the user's server, or of the service."""
        base_url = f"{self.hub.prefix}services/" if self.hub.served else self.base_url
        assert self.get(f"{self.origin}{base_url}jupyter-auth/login/none").status_code == 200
        return self

    def _confirm(self, page: requests.Response) -> requests.Response:
        xsrf = self.session.cookies.get("_xsrf", path=f"{self.hub.prefix}hub/")
        form = {"_xsrf": xsrf, "scopes": page.text.split('name="scopes" value="')[1].split('"')[0]}
        headers = {"Origin": self.origin, "Referer": page.url}
        return self.session.post(page.url, data=form, headers=headers, timeout=PATIENCE)

    def at(self, base_url: str) -> HubBrowser:
        """The same browser, on pages elsewhere at the Hub."""
        other = HubBrowser(self.hub, self.user)
        other.session, other.base_url = self.session, base_url
        return other

    def send(self, method: str, path: str, data: Any = None, **headers: str) -> requests.Response:
        return super().send(method, path, data, **{"Sec_Fetch_Mode": "cors"} | headers)

    def arrive(self, address: str) -> str:
        """Follow the provider's redirect back, all the way, and say yes: the path where it ends."""
        answer = self.get(address, headers={"Sec-Fetch-Site": "cross-site"})
        parts = urlsplit(answer.url)
        assert answer.status_code == 200, answer.text
        assert not parts.query, "the code is still in the address bar"
        if "Is this you?" in answer.text:
            assert self.say_yes(parts.path).status_code == 200
        return parts.path


def answers(url: str) -> bool:
    """Whether it does, and well."""
    with requests.Session() as http, contextlib.suppress(requests.RequestException):
        http.trust_env = False
        return http.get(url, timeout=PATIENCE).ok
    return False


def _part(name: str) -> str:
    """As the Hub escapes a name in a path."""
    return quote(name, safe="@~")


def _node() -> str:
    found = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")
    assert found, "run `make setup`"
    return found


def _clean_environment() -> dict[str, str]:
    mine = ("JUPYTER", "JPY_", "IPYTHON", "XDG_", "CONFIGPROXY")
    return {name: value for name, value in os.environ.items() if not name.startswith(mine)}


# Each user has a home, each of their servers a place for what lives as long as it does.
_SPAWN = """
import json, pathlib, urllib.parse

def places(spawner):
    home = pathlib.Path(%(home)r)
    name = urllib.parse.quote(spawner.user.name, safe="")
    place = home / "servers" / (name + "--" + spawner.name)
    own = home / "users" / name
    for directory in (place / "runtime", place / "config", own / "share"):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    (place / "config" / "jupyter_server_config.json").write_text((home / "server.json").read_text())
    spawner.environment |= {
        "HOME": str(own),
        "XDG_DATA_HOME": str(own / "share"),
        "XDG_CONFIG_HOME": str(own / "config"),
        "JUPYTER_RUNTIME_DIR": str(place / "runtime"),
        "JUPYTER_CONFIG_DIR": str(place / "config"),
        "JUPYTER_DATA_DIR": str(own / "jupyter"),
        "IPYTHONDIR": str(own / "ipython"),
        "JUPYTERHUB_SINGLEUSER_APP": "jupyter_server.serverapp.ServerApp",
    }
    seen = {k: v for k, v in spawner.get_env().items() if isinstance(v, str)}
    (place / "environment.json").write_text(json.dumps(seen))

c.Spawner.pre_spawn_hook = places
"""
