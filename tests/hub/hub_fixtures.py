"""JupyterHubs for each of the two ways in: fixtures of whatever suite attacks or uses them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hub.hubs import plain_hub, served_hub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.hub_process import Hub
    from providers.oidc import OidcProvider

ROOT = Path(__file__).parents[2]
OLDER = ("jupyterhub==5.5.*", "oauthenticator==17.*", "ipykernel")


@pytest.fixture(scope="session")
def hub(oidc: OidcProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with plain_hub(oidc, tmp_path_factory.mktemp("hub")) as hub:
        yield hub


@pytest.fixture(scope="session")
def served(oidc: OidcProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with served_hub(oidc, tmp_path_factory.mktemp("served")) as hub:
        yield hub


@pytest.fixture(scope="session")
def older(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python of an environment with JupyterHub 5.5, the older line that has to work."""
    place = tmp_path_factory.mktemp("older") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    subprocess.run(
        [place / "bin/pip", "install", "--quiet", "--editable", f"{ROOT}[hub]", *OLDER],
        env=os.environ | {"SKIP_JUPYTER_BUILDER": "1"},
        check=True,
    )
    return str(place / "bin/python")
