"""A running demo, and the means to look at it from outside."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests
from patience import PATIENCE

from jupyter_auth.demo.browser import wait_for_lab
from jupyter_auth.demo.place import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_auth.demo.browser import Lab

REPOSITORY = Path(__file__).parents[2]


class Visitor:
    """A browser without a window; known to Jupyter where ``token`` is given."""

    def __init__(self, lab: Lab, token: str | None) -> None:
        self.lab = lab
        self.http = requests.Session()
        self.http.trust_env = False
        if token:
            assert self.get("lab", params={"token": token}).ok

    def url(self, path: str) -> str:
        return urljoin(self.lab.url, path)

    def get(self, path: str, **kwargs: Any) -> requests.Response:
        return self.http.get(self.url(path), allow_redirects=False, timeout=PATIENCE, **kwargs)

    def post(self, path: str, *, xsrf: bool = True, **kwargs: Any) -> requests.Response:
        where = urlsplit(self.lab.url)
        headers = {"Origin": f"{where.scheme}://{where.netloc}"}
        if xsrf:
            headers["X-XSRFToken"] = self.http.cookies.get("_xsrf", "")
        return self.http.post(
            self.url(path), headers=headers, allow_redirects=False, timeout=PATIENCE, **kwargs
        )

    def begin(self) -> dict[str, Any]:
        """A login, as a front end begins one."""
        body = {"provider": "demo", "session_key": os.urandom(8).hex()}
        answer = self.post("jupyter-auth/api/v1/logins", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def login(self, login_id: str) -> dict[str, Any]:
        return self.get(f"jupyter-auth/api/v1/logins/{login_id}").json()

    def leave(self, login: dict[str, Any]) -> str:
        """What the login page's script asks for, where a link in JupyterLab led there: the
        authorization URL.
        """
        link = {"Sec-Fetch-Site": "same-origin", "Referer": self.url("lab")}
        assert self.get(login["path"], headers=link).ok
        return self.post(login["path"]).json()["url"]


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """JupyterLab with the demo, under a path."""
    with Place(base_url="/some/base/") as place, place.log.open("wb") as log:
        yield wait_for_lab(place.start(log), place, 2 * PATIENCE)


@pytest.fixture
def visitor(lab: Lab) -> Visitor:
    return Visitor(lab, lab.token)


@pytest.fixture
def stranger(lab: Lab) -> Visitor:
    return Visitor(lab, None)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where a demo of this test finds its person's files, and the system's temporary ones."""
    for name in ("home", "tmp", "path"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    own = {"HOME": str(home / "home"), "TMPDIR": str(home / "tmp")}
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "XDG", "JPY"))}
    return kept | own | {"PYTHONPATH": str(home / "path")}


@pytest.fixture
def run_demo(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "jupyter_auth.cli", "demo", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run
