"""A browser without a window, at a running demo."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

from patience import PATIENCE

if TYPE_CHECKING:
    from jupyter_auth.demo.browser import Lab


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
