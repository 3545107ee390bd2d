"""The peer of the Hub's bench: jupyterhub-tessera, a service of the same Hub.

It needs JupyterHub 5, so `make bench` gives it an environment of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import requests

from patience import until
from processes import free_port
from providers.rogue import RogueProvider

if TYPE_CHECKING:
    from hub.hub_process import Hub
    from providers.troubles import Proceed, Reply

PYTHON = str(Path(sys.prefix) / "tessera/bin/python")
API_TOKEN = "of-tessera-4b7d2c90e1"
SECRET = "of-its-client-93ab5f"
ANSWER_TIME = 0.02  # seconds that the provider takes

_SIGN_IN = """
import asyncio, json, sys
from tessera.config.loader import load_config
from tessera.store.store import TokenStore

async def main():
    async with TokenStore(load_config().store) as store:
        for user, refresh_token in json.load(sys.stdin).items():
            await store.save(user, "idp", refresh_token)

asyncio.run(main())
"""


class Tessera:
    """One process of it, and the provider that it asks for each token."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._rogue = RogueProvider()
        self._rogue.client_secret = SECRET
        self._rogue.script("token", _slow)

    @property
    def more(self) -> str:
        """What the Hub's configuration needs for it, at the end."""
        service = {"name": "tessera", "api_token": API_TOKEN}
        return f"""
c.JupyterHub.services.append({service!r})
for role in c.JupyterHub.load_roles:
    if role["name"] == "user":
        role["scopes"].append("access:services!service=tessera")
"""

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._rogue.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=30)
        self._rogue.__exit__(*exc_info)

    def start(self, hub: Hub, home: Path, users: list[str]) -> None:
        """Sign these users in, then serve them."""
        config = {
            "servers": {
                "idp": {
                    "provider": {"issuer": self._rogue.issuer},
                    "client_id": self._rogue.client_id,
                    "client_secret_env": "SECRET_OF_CLIENT",
                    "scopes": ["offline_access"],
                }
            },
            "store": {"db_location": str(home / "tessera.db"), "key_env": "KEY_OF_STORE"},
            "service": {"public_url": hub.url("").rstrip("/")},
        }
        file = home / "servers.yml"
        file.write_text(json.dumps(config))  # JSON is YAML
        environ = os.environ | {
            "TESSERA_CONFIG": str(file),
            "TESSERA_LOG_LEVEL": "ERROR",
            "SECRET_OF_CLIENT": SECRET,
            "KEY_OF_STORE": "of-its-store-5c1f",
            "JUPYTERHUB_API_TOKEN": API_TOKEN,
            "JUPYTERHUB_API_URL": hub.url("hub/api"),
            "JUPYTERHUB_BASE_URL": hub.prefix,
            "JUPYTERHUB_CLIENT_ID": "service-tessera",
            "JUPYTERHUB_SERVICE_NAME": "tessera",
            "JUPYTERHUB_SERVICE_PREFIX": f"{hub.prefix}services/tessera/",
            "JUPYTERHUB_SERVICE_URL": self._url,
        }
        held = json.dumps({user: self._refresh_token() for user in users})
        command = [PYTHON, "-c", _SIGN_IN]
        subprocess.run(command, input=held, text=True, env=environ, check=True, timeout=60)
        command = [PYTHON, "-m", "tessera.service"]
        self.process = subprocess.Popen(command, env=environ)
        until(self._answers)

    def _refresh_token(self) -> str:
        form = {
            "grant_type": "password",
            "username": self._rogue.username,
            "password": self._rogue.password,
            "client_id": self._rogue.client_id,
            "client_secret": SECRET,
            "scope": "offline_access",
        }
        answer = requests.post(f"{self._rogue.issuer}/token", form, timeout=10)
        return str(answer.json()["refresh_token"])

    def _answers(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self._url}/", timeout=5).status_code > 0
        return False


def _slow(proceed: Proceed) -> Reply:
    time.sleep(ANSWER_TIME)
    return proceed()
