"""Zero to JupyterHub's own schema, configuration and KubeSpawner try the example of ``docs/hub``.

Collected by ``make z2jh Z2JH=DIRECTORY`` alone: that is a checkout of the chart.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from tornado.httpclient import AsyncHTTPClient

from hub.configuration.z2jh_example import VALUES, Load, check

CHART = Path(os.environ["Z2JH"]) / "jupyterhub"
CLUSTER = """
current-context: none
contexts: [{name: none, context: {cluster: none}}]
clusters: [{name: none, cluster: {server: "http://127.0.0.1:1"}}]
"""


def merged(under: Any, over: Any) -> Any:
    """As Helm merges values."""
    if isinstance(under, dict) and isinstance(over, dict):
        return under | {key: merged(under.get(key), value) for key, value in over.items()}
    return over


@pytest.fixture
def values() -> dict[str, Any]:
    defaults = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    values: dict[str, Any] = merged(defaults, VALUES)
    return values


def test_the_charts_schema_takes_the_values(values: dict[str, Any]) -> None:
    from jsonschema import Draft7Validator

    schema = yaml.safe_load((CHART / "values.schema.yaml").read_text(encoding="utf-8"))
    Draft7Validator(schema).validate(values)
    assert not Draft7Validator(schema).is_valid(merged(values, {"hub": {"extraport": 1}}))


@pytest.mark.usefixtures("secrets")
def test_in_the_charts_configuration_they_reach_the_pod(
    values: dict[str, Any], load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(CHART / "files/hub"))
    import z2jh  # type: ignore[import-not-found]  # the chart's

    monkeypatch.setattr(z2jh, "_load_config", lambda: values)
    monkeypatch.setattr(z2jh, "_get_config_value", lambda key: key)
    monkeypatch.setattr(z2jh, "get_secret_value", lambda _, default="0" * 64: default)
    monkeypatch.setattr(AsyncHTTPClient, "configure", lambda _: None)
    for name in ("HUB_SERVICE_PORT", "PROXY_API_SERVICE_PORT"):
        monkeypatch.setenv(name, "8081")
    Path("cluster").write_text(CLUSTER)
    monkeypatch.setenv("KUBECONFIG", "cluster")
    from kubespawner import KubeSpawner  # which reads that

    config = (CHART / "files/hub/jupyterhub_config.py").read_text(encoding="utf-8")
    hub = load(config)
    assert "environment" in hub.config.KubeSpawner, "what replaces that of Spawner"
    user = SimpleNamespace(name="ann", id=1, settings={}, url="/user/ann/")

    async def of_a_pod() -> dict[str, Any]:
        spawner = KubeSpawner(config=hub.config, _mock=True, user=user)
        expanded: dict[str, Any] = spawner._expand_env(spawner.environment)
        return expanded

    check(hub, asyncio.run(of_a_pod()))
    sys.modules.pop("z2jh")
