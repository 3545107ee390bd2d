"""``docs/hub/z2jh.yaml``, and what a Hub that has loaded it tells its users' servers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from jupyter_auth.server.hub.config import KERNEL_URL, PORT, SAME_PERSON

if TYPE_CHECKING:
    from jupyterhub.app import JupyterHub

ROOT = Path(__file__).parents[3]
RECIPES = ROOT / "docs/hub"
VALUES: dict[str, Any] = yaml.safe_load((RECIPES / "z2jh.yaml").read_text(encoding="utf-8"))
FILES = VALUES["hub"]["extraEnv"]
EXTRA = VALUES["hub"]["extraConfig"]["jupyter-auth"]
KERNELS = PORT + 1
SPAWNER = """
from jupyterhub.spawner import SimpleLocalProcessSpawner
class KubeSpawner(SimpleLocalProcessSpawner): pass
c.JupyterHub.spawner_class = KubeSpawner
"""

Load = "Callable[..., JupyterHub]"


def environment(hub: JupyterHub) -> dict[str, Any]:
    """That of users' servers."""
    given: dict[str, Any] = hub.spawner_class(config=hub.config).environment
    return given


def check(hub: JupyterHub, environment: dict[str, Any]) -> None:
    (service,) = [each for each in hub.services if each["name"] == "jupyter-auth"]
    assert service["url"] == f"http://hub:{PORT}"
    assert environment["JUPYTER_AUTH_URL"] == f"http://hub:{KERNELS}"
    assert service["environment"][KERNEL_URL] == f"http://hub:{KERNELS}"
    assert FILES.items() <= service["environment"].items()
    assert not FILES.keys() & environment.keys()
    assert json.loads(environment[SAME_PERSON]) == {}
    assert "jupyter-auth" in [each["name"] for each in hub.load_roles]
