"""What a user's own doctor says on a Hub: addresses that browsers have, and no port within it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from hub.service_client import PLACE
from jupyter_auth.server.kernel_api.socket import VARIABLE
from patience import PATIENCE

if TYPE_CHECKING:
    from hub.hub_process import Hub, UserServer

REDIRECT = "hub/user-redirect/jupyter-auth/callback/idp"


def uri(server: UserServer) -> dict[str, Any]:
    found = server.kernel().call("GET", "doctor?provider=idp")["findings"]
    (uri,) = [each for each in found if each["about"] == "Redirect URI"]
    return dict(uri)


def inner(server: UserServer) -> set[str]:
    """Hosts and ports that no browser comes to."""
    names = ("JUPYTERHUB_API_URL", "JUPYTERHUB_SERVICE_URL", "JUPYTER_AUTH_URL")
    urls = [server.environment.get(name, "") for name in names]
    return {urlsplit(url).netloc for url in urls if url}


@pytest.mark.parametrize("name", ["hub", "served"])
def test_no_port_within_the_hub_is_shown(request: pytest.FixtureRequest, name: str) -> None:
    hub: Hub = request.getfixturevalue(name)
    server, path = hub.server("ursula"), f"{PLACE}callback/idp" if hub.served else REDIRECT
    found = uri(server)
    assert found["says"].startswith(f"Register <your JupyterHub's address>{hub.prefix}{path} (")
    assert (found["state"], "your browser's own address before" in found["fix"]) == ("note", True)

    (port,) = [urlsplit(server.environment["JUPYTERHUB_SERVICE_URL"]).port]
    (file,) = (server.place / "runtime").glob("jupyter_auth-*.json")
    known = server.environment | {VARIABLE: str(file)}
    known["JUPYTER_SERVER_URL"] = f"http://127.0.0.1:{port}{server.base_url}"  # in its terminals
    told = subprocess.run(
        [sys.executable, "-m", "jupyter_auth.cli", "doctor"],
        env=os.environ | known,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=2 * PATIENCE,
    ).stdout
    assert f"A terminal of the Jupyter server at {server.base_url}" in told
    assert f"address>{hub.prefix}{path}" in "".join(told.split())  # lines are wrapped
    assert not [each for each in inner(server) if each in told]


def test_it_is_the_address_where_the_browser_was(hub: Hub) -> None:
    server = hub.server("ursula")
    hub.browser("ursula").open(server.kernel().begin())
    found = uri(server)
    assert found["state"] == "ok"
    assert f"Register {hub.url(REDIRECT)} (a browser was at that address)" in found["says"]
