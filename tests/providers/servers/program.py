"""A third party's authorization server, as the tests hold it."""

from __future__ import annotations

import json
import subprocess
from typing import Any, Self

import requests

from patience import PATIENCE
from processes import Server
from providers.person import Person


class AuthorizationServer(Server):
    """One server with one confidential client and one person, known by its ``issuer``.

    ``api`` is a resource of its own that takes its access tokens. ``callbacks`` are the redirect
    URIs that are registered.
    """

    origin: str  # what its pages have in common
    issuer: str
    api: str
    client_id = "notebooks"
    client_secret = "third-party-secret-5f1e2d3c4b5a6978"
    username = "ada"
    password = "lovelace-1815"

    def __init__(self, callbacks: list[str]) -> None:
        self.callbacks = callbacks

    def login(self, url: str, *, consent: bool = True) -> str:
        """Sign in over HTTP as a browser would; the redirect URI with what came back."""
        return Person(self.username, self.password, consent=consent).visit(url, self.origin)

    def expire(self) -> None:
        """Every access token that was issued so far is refused from now on."""
        raise NotImplementedError

    def forget(self) -> None:
        """Every refresh token that was issued so far is refused from now on."""
        raise NotImplementedError


class Program(AuthorizationServer):
    """One that a small program of ours runs, with a desk for the tests at ``/_control/``.

    The program reads its settings as one line of JSON, prints ``{"port": ...}`` when it listens,
    and ends when its input does.
    """

    command: tuple[str, ...]
    settings: dict[str, Any]
    environment: dict[str, str] | None = None  # this process's

    def start(self) -> Self:
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=self.environment,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(self.settings) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise RuntimeError(f"{self.command} did not start: see what it printed")
        told = json.loads(line)
        self.origin = f"http://localhost:{told['port']}"
        self.listening(told)
        return self

    def listening(self, told: dict[str, Any]) -> None:
        """It does: sets ``issuer`` and ``api``. ``told`` is all that it has printed."""
        raise NotImplementedError

    def expire(self) -> None:
        self.control("expire")

    def forget(self) -> None:
        self.control("forget")

    def control(self, name: str) -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.post(f"{self.origin}/_control/{name}", timeout=PATIENCE).raise_for_status()

    def _dismiss(self, process: subprocess.Popen[Any]) -> None:
        assert process.stdin
        assert process.stdout
        process.stdin.close()  # its sign to leave
        process.stdout.close()
