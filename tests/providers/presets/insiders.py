"""Insiders for the tests: the real django-oauth-toolkit, at the addresses that are documented."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import requests

from patience import PATIENCE
from providers.person import Person

AUTHORIZATION_CODE, PASSWORD = "authorization-code", "password"
CALLBACK = "http://127.0.0.1:8888/jupyter-auth/callback/insiders"
CALLBACKS = f"{CALLBACK} http://127.0.0.1/callback/insiders http://127.0.0.1:8000/authorized/"


class Insiders:
    """One process; use it as a context manager. ``origin`` is where it listens.

    An application is registered for one grant alone: ``code_client`` and ``password_client``;
    ``changed_client`` for passwords too.
    """

    code_client = "ams-code"
    password_client = "ams-password"
    changed_client = "ams-changed"  # to passwords, by their support: its callback is still there
    client_secret = "ams-secret-5c0ffee"
    username = "john.doe@example.org"
    password = "mysecurepassword"

    def __enter__(self) -> Self:
        script = Path(__file__).with_name("insiders_server.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        code = {"authorization_grant_type": AUTHORIZATION_CODE, "redirect_uris": CALLBACKS}
        asked = {
            "users": {self.username: self.password, "jane": "also-secret"},
            "client_secret": self.client_secret,
            "applications": {
                self.code_client: code,
                self.password_client: {"authorization_grant_type": PASSWORD},
                self.changed_client: code | {"authorization_grant_type": PASSWORD},
            },
        }
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        self.origin = f"http://127.0.0.1:{json.loads(self._process.stdout.readline())['port']}"
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()  # its sign to leave
        self._process.wait(PATIENCE)
        self._process.stdout.close()

    def login(self, url: str, username: str | None = None, *, consent: bool = True) -> str:
        """Sign in over HTTP as a browser would; the redirect URI with what came back."""
        who = username or self.username
        password = self.password if who == self.username else "also-secret"
        return Person(who, password, consent=consent).visit(url, self.origin)

    # -- the control desk ------------------------------------------------------------------------

    def reset(self, **settings: Any) -> None:
        """The toolkit's settings as they come, but for these; no tokens, an empty journal."""
        self._control("reset", settings)

    def configure(self, **settings: Any) -> None:
        """The toolkit's settings with these changed; tokens stay."""
        self._control("configure", settings)

    def expire(self) -> None:
        """Every access token that was issued so far has run out."""
        self._control("expire", {})

    def alive(self, token: str) -> bool:
        """Whether it would still take this access or refresh token."""
        return bool(self._control("alive", {"token": token}))

    def journal(self, path: str = "/") -> list[dict[str, Any]]:
        """What arrived since the last reset at addresses that begin like that."""
        found: list[dict[str, Any]] = self._control("journal", {})
        return [each for each in found if each["path"].startswith(path)]

    def _control(self, name: str, body: Any) -> Any:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(f"{self.origin}/_control/{name}/", json=body, timeout=PATIENCE)
        answer.raise_for_status()
        return answer.json()
