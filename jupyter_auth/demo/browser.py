"""A browser without a window: follows the demo's login over HTTP, page by page."""

from __future__ import annotations

import json
import socket
import time
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import requests

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import Popen

    from jupyter_auth.demo.demo_server import DemoServer

TIMEOUT = 30.0  # seconds for one answer
POLL = 0.1  # seconds between attempts to reach a server that starts
LAST_LINE = 300  # characters of a server's log


class CheckFailed(Exception):
    """What failed, in one sentence."""


class Lab(NamedTuple):
    """A running JupyterLab. ``url`` ends with a slash."""

    url: str
    token: str


class Socket(NamedTuple):
    """What a browser sends to open a web socket."""

    url: str
    cookie: str
    origin: str


def wait_for_lab(server: Popen[bytes], demo: DemoServer, timeout: float) -> Lab:
    """The server, once it answers; ``CheckFailed`` after ``timeout`` seconds or if it ended."""
    deadline = time.monotonic() + timeout
    file = demo.runtime / f"jpserver-{server.pid}.json"
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise CheckFailed(f"JupyterLab did not start. It logged: {_last_line(demo.log)}")
        try:
            info = json.loads(file.read_text(encoding="utf-8"))
            # The file is written before the server listens.
            socket.create_connection(("127.0.0.1", info["port"]), TIMEOUT).close()
            return Lab(url=info["url"], token=info["token"])
        except (OSError, ValueError):
            time.sleep(POLL)
    raise CheckFailed(f"JupyterLab did not start within {timeout:.0f} seconds.")


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].strip()[:LAST_LINE] if lines else "nothing"


class Browser:
    """Cookies, pages and forms, as a browser has them. Its methods raise ``CheckFailed``."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._http = requests.Session()
        self._http.trust_env = False
        self._at = ""
        self._page = _Page()
        self._visit(f"{lab.url}lab/tree/demo.ipynb?token={lab.token}")

    # Jupyter

    def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The response of the Jupyter server's API, parsed."""
        answer = self._send(method, urljoin(self._lab.url, path), json=body)
        return answer.json() if answer.content else None

    def accounts(self) -> list[dict[str, Any]]:
        """The accounts that are signed in, from the server's API for its pages."""
        accounts: list[dict[str, Any]] = self.api("GET", "jupyter-auth/api/v1/accounts")["accounts"]
        return accounts

    def socket(self, path: str) -> Socket:
        """How to open a web socket to the Jupyter server."""
        url = urljoin(self._lab.url, path)
        where = urlsplit(url)
        cookie = "; ".join(f"{each.name}={each.value}" for each in self._http.cookies)
        origin = f"{where.scheme}://{where.netloc}"
        return Socket(url=url.replace("http", "ws", 1), cookie=cookie, origin=origin)

    # The login

    def open_login(self) -> str:
        """Follow the link of the pending login; the heading of its page."""
        logins = self.api("GET", "jupyter-auth/api/v1/logins")["logins"]
        if len(logins) != 1:
            raise CheckFailed(f"The cell began {len(logins)} logins, not one.")
        return self._visit(urljoin(self._lab.url, logins[0]["path"]))

    def leave(self) -> str:
        """Do what the script of the login page does; the heading of the provider's page."""
        answer = self._send("POST", self._at)
        heading = self._visit(answer.json()["url"])
        if "person" not in self._page.choices:
            raise CheckFailed(f"The provider's page offers no person to sign in as: {heading!r}.")
        return f"{heading} ({self._at.partition('?')[0]})"

    def choose(self, person: str) -> str:
        """Choose a person there, and follow the redirects; the heading of the last page."""
        form = self._page.hidden | {"person": person}
        return self._arrive(self._send("POST", self._at, data=form))

    # HTTP

    def _visit(self, url: str) -> str:
        return self._arrive(self._send("GET", url))

    def _arrive(self, answer: requests.Response) -> str:
        if "code=" in answer.url:
            raise CheckFailed("The last URL contains the authorization code.")
        self._at, self._page = answer.url, _Page()
        self._page.feed(answer.text)
        return " ".join(self._page.heading.split())

    def _send(self, method: str, url: str, **kwargs: Any) -> requests.Response:
        where = urlsplit(url)
        headers: dict[str, str] = {}
        if method == "GET" and self._at.startswith(f"{where.scheme}://{where.netloc}/"):
            headers = {"Sec-Fetch-Site": "same-origin", "Referer": self._at}
        elif method != "GET":
            headers = {
                "Origin": f"{where.scheme}://{where.netloc}",
                "X-XSRFToken": self._http.cookies.get("_xsrf") or "",
            }
        try:
            answer = self._http.request(method, url, headers=headers, timeout=TIMEOUT, **kwargs)
        except requests.Timeout:
            raise CheckFailed(f"{where.path} did not answer in {TIMEOUT:.0f} seconds.") from None
        except requests.RequestException:
            raise CheckFailed(f"{where.netloc} does not answer.") from None
        if not answer.ok:
            raise CheckFailed(f"{method} {where.path} answered {_problem(answer)}.")
        return answer


def _problem(answer: requests.Response) -> str:
    try:
        return f"{answer.status_code}: {answer.json()['message']}".rstrip(".")
    except (ValueError, KeyError, TypeError):
        page = _Page()
        page.feed(answer.text)
        return f"{answer.status_code} {' '.join(page.heading.split())}".strip()


class _Page(HTMLParser):
    """The heading and the form of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.heading = ""
        self.hidden: dict[str, str] = {}
        self.choices: set[str] = set()
        self._in_heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a heading, a hidden field or a button."""
        given = {name: value or "" for name, value in attrs}
        self._in_heading = self._in_heading or tag == "h1"
        if tag == "input" and given.get("type") == "hidden":
            self.hidden[given["name"]] = given.get("value", "")
        if tag == "button" and "name" in given:
            self.choices.add(given["name"])

    def handle_endtag(self, tag: str) -> None:
        """The end of a heading."""
        self._in_heading = self._in_heading and tag != "h1"

    def handle_data(self, data: str) -> None:
        """The heading's text."""
        if self._in_heading:
            self.heading += data
