"""The files of ``docs/hub``: what can be known of them without a cluster or a container engine.

``test_chart`` holds the example for Zero to JupyterHub against the chart itself.
"""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.configuration.z2jh_example import (
    EXTRA,
    FILES,
    KERNELS,
    RECIPES,
    ROOT,
    SPAWNER,
    VALUES,
    Load,
    check,
    environment,
)
from hub.hub_process import Hub
from hub.replicas.cluster import Replica
from jupyter_auth.server.hub.config import KERNEL_URL, PORT
from jupyter_auth.server.hub.starting import ListenAddress

COMPONENT = "app.kubernetes.io/component"
REPLICA = {"JUPYTERHUB_SERVICE_NAME": "jupyter-auth"}
SERVICE = [*yaml.safe_load_all((RECIPES / "service.yaml").read_text(encoding="utf-8"))]


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("users", ["{}", "{'TZ': 'Europe/Oslo'}"])
def test_its_values_reach_the_pod_where_the_chart_has_set_the_spawners_environment(
    load: Load, users: str
) -> None:
    """As its configuration does: each of these is assigned, then the example is run."""
    hub = load(
        f"{SPAWNER}c.KubeSpawner.environment = {users}\n"
        "c.JupyterHub.services = []\nc.JupyterHub.load_roles = []\n"
        f"for code in [{EXTRA!r}]: exec(code)\n"
    )
    check(hub, environment(hub))


def opened(policies: dict[str, Any]) -> set[tuple[str, int]]:
    """The components to which egress is open, with the ports."""
    return {
        (to["podSelector"]["matchLabels"][COMPONENT], port["port"])
        for each in policies["networkPolicy"]["egress"]
        for to in each["to"]
        for port in each["ports"]
    }


def test_each_policy_opens_the_port_that_is_needed_and_no_other() -> None:
    """Users' servers reach the one for tokens, the proxy that for pages, and the Hub both."""
    hub = VALUES["hub"]
    extra = [(each["port"], each["targetPort"]) for each in hub["service"]["extraPorts"]]
    assert extra == [(PORT, PORT), (KERNELS, KERNELS)]
    pages, tokens = hub["networkPolicy"]["ingress"]
    assert (pages["ports"], tokens["ports"]) == ([{"port": PORT}], [{"port": KERNELS}])
    own = {"podSelector": {"matchLabels": {COMPONENT: "hub"}}}
    proxy = {"podSelector": {"matchLabels": {COMPONENT: "proxy"}}}
    users = {"podSelector": {"matchLabels": {"hub.jupyter.org/network-access-hub": "true"}}}
    assert (pages["from"], tokens["from"]) == ([proxy, own], [users, own])
    assert opened(hub) == {("hub", PORT), ("hub", KERNELS)}
    assert opened(VALUES["singleuser"]) == {("hub", KERNELS)}
    assert opened(VALUES["proxy"]["chp"]) == {("hub", PORT)}


def test_each_secret_is_a_file_of_the_volume() -> None:
    (volume,), (mount,) = VALUES["hub"]["extraVolumes"], VALUES["hub"]["extraVolumeMounts"]
    assert (volume["name"], volume["secret"]["defaultMode"]) == (mount["name"], 0o400)
    text = (RECIPES / "z2jh.yaml").read_text(encoding="utf-8")
    for name, path in FILES.items():
        assert name.endswith("_FILE")
        place, _, key = path.rpartition("/")
        assert place == mount["mountPath"]
        assert f"--from-literal={key}=" in text


# -- the images ------------------------------------------------------------------------------------


def instructions(file: Path) -> list[tuple[str, str]]:
    text = file.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


@pytest.mark.parametrize("name", ["service.Dockerfile", "k8s-hub.Dockerfile"])
def test_an_image_has_the_wheel_runs_as_nobody_special_and_holds_no_secret(name: str) -> None:
    steps = instructions(RECIPES / name)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wheel = f"{project['name'].replace('-', '_')}-*.whl"
    assert [source for step, source in steps if step in {"COPY", "ADD"}] == [f"{wheel} /tmp/"]
    (run,) = [command for step, command in steps if step == "RUN"]
    assert f'pip install --no-cache-dir "$(ls /tmp/{wheel})[hub]"' in run
    assert [user for step, user in steps if step == "USER"][-1] == "1000"
    assert not [step for step, _ in steps if step == "ENV"]
    assert [value for step, value in steps if step == "ARG"] in ([], ["CHART"])


def test_the_services_image_runs_the_service() -> None:
    steps = dict(instructions(RECIPES / "service.Dockerfile"))
    python, option, module = json.loads(steps["ENTRYPOINT"])
    assert (python, option, steps["EXPOSE"]) == ("python", "-m", str(PORT))
    assert importlib.util.find_spec(module)
    minimum, given = "3.11", steps["FROM"].removeprefix("python:").removesuffix("-slim")
    assert [*map(int, given.split("."))] >= [*map(int, minimum.split("."))]


# -- the service beside the Hub --------------------------------------------------------------------


def table() -> set[str]:
    """The variables that the documentation names for a replica."""
    text = (RECIPES / "production.md").read_text(encoding="utf-8")
    part = text.partition("## The environment of a replica")[2].partition("\n#")[0]
    return set(re.findall(r"`(JUPYTER[A-Z_<>]*?)(?:_FILE)?`", part))


def test_what_a_replica_is_told_is_documented() -> None:
    (container,) = SERVICE[0]["spec"]["template"]["spec"]["containers"]
    given = {each["name"].removesuffix("_FILE") for each in container["env"]}
    known = table()
    assert {"JUPYTERHUB_SERVICE_NAME", "JUPYTERHUB_API_TOKEN", "JUPYTERHUB_API_URL"} <= known
    assert {each.replace("_ACME_", "_<NAME>_") for each in given} <= known


def test_the_replicas_of_the_tests_know_no_more_than_that(tmp_path: Path) -> None:
    hub = Hub(tmp_path, prefix="/campus/")
    replica = Replica(hub, {"JUPYTER_AUTH_PROVIDERS": "{}"}, tmp_path / "log")
    assert replica._environ.keys() <= table()


def test_the_deployment_fits_together() -> None:
    deployment, service, policy = SERVICE
    pod = deployment["spec"]["template"]
    labels = pod["metadata"]["labels"].items()
    for selector in (
        deployment["spec"]["selector"]["matchLabels"],
        service["spec"]["selector"],
        policy["spec"]["podSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels
    (container,) = pod["spec"]["containers"]
    ports = [PORT, KERNELS]
    assert [each["containerPort"] for each in container["ports"]] == ports
    assert [each["port"] for each in service["spec"]["ports"]] == ports
    assert [each["ports"] for each in policy["spec"]["ingress"]] == [[{"port": x}] for x in ports]
    (address,) = [each["value"] for each in container["env"] if each["name"] == KERNEL_URL]
    assert ListenAddress.of(REPLICA | {KERNEL_URL: address}).kernels.port == KERNELS
    for probe, route in (("readinessProbe", "ready"), ("livenessProbe", "health")):
        asked = container[probe]["httpGet"]
        assert asked == {"path": f"/services/jupyter-auth/{route}", "port": PORT}
    (mount,), values = (
        container["volumeMounts"],
        [each.get("value", "") for each in container["env"]],
    )
    files = [value for value in values if value.startswith("/")]
    assert len(files) == 3
    assert all(Path(file).parent == Path(mount["mountPath"]) for file in files)
