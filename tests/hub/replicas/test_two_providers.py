"""One provider hangs: whoever uses another one notices nothing."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from hub.hubs import KEYS
from hub.replicas.cluster import Replica, sign_in
from hub.service_client import TOKEN_ROUTE
from jupyter_auth.server.broker.thread_pools import THREADS
from jupyter_auth.server.hub.storage.database import Owner
from patience import PATIENCE, until
from providers.rogue import RogueProvider
from providers.troubles import Gate

if TYPE_CHECKING:
    from hub.hub_process import Hub

pytestmark = pytest.mark.long

USERS = 100
BOTH = 4  # of them, at whom the two are used


def test_users_of_another_provider_notice_nothing(served: Hub, tmp_path: Path) -> None:
    """All tokens of either have run out: each that is asked for is a refresh."""
    with RogueProvider() as hanging, RogueProvider() as good:
        rogues = {"hanging": hanging, "good": good}
        configured = {
            name: {"issuer": rogue.issuer, "client_id": rogue.client_id, "scopes": ["openid"]}
            for name, rogue in rogues.items()
        }
        hanging.access_token_ttl = good.access_token_ttl = 1
        url = f"sqlite:///{tmp_path / 'accounts.sqlite'}"
        made = served.newcomers([f"patient-{number}" for number in range(USERS)])
        owners = [Owner(name, created) for name, (created, _) in made.items()]
        given = {name: (rogue, configured[name]) for name, rogue in rogues.items()}
        sign_in(url, KEYS, owners, {"hanging": given["hanging"]})
        sign_in(url, KEYS, owners[:BOTH], {"good": given["good"]})
        environ = {
            "JUPYTERHUB_API_TOKEN": served.api_token,
            "JUPYTER_AUTH_DATABASE_URL": url,
            "JUPYTER_AUTH_CRYPT_KEYS": KEYS,
            "JUPYTER_AUTH_PROVIDERS": json.dumps(configured),
        }
        replica = Replica(served, environ, tmp_path / "replica.log")
        tokens = [token for _, token in made.values()]

        def ask(token: str, provider: str) -> int:
            answer = requests.post(
                f"http://127.0.0.1:{replica.port}{served.prefix}{TOKEN_ROUTE}",
                headers={"Authorization": f"Bearer {token}", "Jupyter-Auth-Version": "1"},
                json={"provider": provider},
                timeout=5 * PATIENCE,
            )
            return answer.status_code

        gate = hanging.script("refresh", Gate(dribble=True))
        with ThreadPoolExecutor(USERS) as pool:
            try:
                replica.start()
                idle = open_files(replica)
                asked = [pool.submit(ask, token, "hanging") for token in tokens]
                until(lambda: open_files(replica) >= idle + USERS and gate.arrived.is_set())
                assert [ask(token, "good") for token in tokens[:BOTH]] == [200] * BOTH
                answered = sum(1 for each in asked if each.done())
                assert answered <= 2 * THREADS, "they came after those who wait for the other one"
            finally:
                hanging.behave()
                until(lambda: all(each.done() for each in asked), 5 * PATIENCE)
                replica.stop()
        assert {each.result() for each in asked} <= {200, 503}


def open_files(replica: Replica) -> int:
    assert replica.process is not None
    return len(list(Path(f"/proc/{replica.process.pid}/fd").iterdir()))
