"""A process of the service by itself, in the environment of a Hub's own one but for changes."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import requests

from hub.hub_process import START_TIMEOUT, answers
from hub.service_client import environ_of_service
from patience import PATIENCE, until
from processes import Server, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from hub.hub_process import Hub
    from providers.oidc import OidcProvider

COMMAND = (sys.executable, "-m", "jupyter_auth.server.hub")
FRESH = "It has just started."


class Service(Server):
    """One that may not be able to serve. ``shell`` is done before it starts."""

    def __init__(self, environ: Mapping[str, str], log: Path, shell: str = "") -> None:
        self.port = free_port()
        origin = f"http://127.0.0.1:{self.port}"
        self._environ = dict(environ) | {"JUPYTERHUB_SERVICE_URL": origin}
        self._place = origin + self._environ["JUPYTERHUB_SERVICE_PREFIX"]
        self._log = log
        self._shell = shell

    def start(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", f'{self._shell} exec "$0" "$@"', *COMMAND],
                env=self._environ,
                stdout=log,
                stderr=log,
            )
        try:
            until(self._listens, START_TIMEOUT)
            assert self.ask("health").json() == {"status": "ok"}
        except BaseException:
            self.stop()
            raise
        return self

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def ask(self, path: str, method: str = "GET", **more: Any) -> requests.Response:
        return requests.request(
            method, self._place + path, timeout=PATIENCE, allow_redirects=False, **more
        )

    def reason(self) -> str:
        """What ``/ready`` says."""
        until(lambda: self.ask("ready").json()["status"] != FRESH)
        answer = self.ask("ready")
        assert answer.status_code == 503
        return str(answer.json()["status"])

    def ready(self) -> bool:
        return answers(self._place + "ready")

    def terminate(self) -> int:
        """The exit status after SIGTERM."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(PATIENCE)

    def lines(self) -> list[str]:
        return self._log.read_text().splitlines()


@contextmanager
def another(
    served: Hub, oidc: OidcProvider, log: Path, shell: str = "", **changes: str
) -> Iterator[Service]:
    """The service in the environment of this Hub's but for changes."""
    with Service(environ_of_service(served, oidc) | changes, log, shell) as service:
        yield service
