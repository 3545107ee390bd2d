"""Wrong environments that administrators meet, and what ``jupyter auth hub doctor`` says of each.

Each row is a process of its own, with a real provider and a real Hub.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from hub.doctor.doctor_process import Doctors
from hub.doctor.wrong_environments import HAND_MADE, OTHER_KEY, ROWS, Row, World, env, hub_file
from hub.hubs import KEYS, SECRET
from hub.service_client import PLACE
from patience import PATIENCE
from providers import certificates
from providers.rogue import RogueProvider

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hub.hub_process import Hub
    from providers.oidc import OidcProvider


@pytest.fixture(scope="module")
def doctors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doctors]:
    with Doctors(tmp_path_factory.mktemp("doctors")) as doctors:
        yield doctors


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RogueProvider]:
    made = certificates.make(tmp_path_factory.mktemp("tls"))
    with RogueProvider(certificate=made) as provider:
        yield provider


@pytest.fixture
def world(
    served: Hub, oidc: OidcProvider, rogue: RogueProvider, secure: RogueProvider, tmp_path: Path
) -> World:
    return World(served, oidc, rogue, secure, tmp_path)


def told(
    doctors: Doctors, world: World, row: Row, cwd: Path | None = None
) -> tuple[int, list[str]]:
    environ = world.environ() | row.change(world)
    status, output = doctors.run(["doctor", *row.words(world)], environ, row.files, cwd)
    secrets = [SECRET, KEYS, OTHER_KEY, "planted-pw", world.hub.api_token, world.hub.bare_token]
    assert not [each for each in secrets if each in output]
    return status, output.splitlines()


def test_there_are_as_many_as_were_asked_for() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS) >= 22


@pytest.mark.parametrize(
    "row",
    [pytest.param(row, marks=[pytest.mark.long] * row.long, id=row.name) for row in ROWS],
)
def test_it_is_found(doctors: Doctors, world: World, row: Row) -> None:
    status, lines = told(doctors, world, row)
    found = [n for n, line in enumerate(lines) if line[0] == row.mark and row.says in line]
    assert len(found) == 1, "\n".join(lines)
    (at,) = found
    assert lines[at + 1].startswith("    "), "what to do is not said"
    assert status == (row.mark == "✗"), lines


@pytest.mark.parametrize(
    "words",
    [
        lambda _: [],
        lambda w: ["--url", w.hub.url("")],
        lambda w: ["--url", w.hub.url("hub/home")],
        lambda w: ["--url", w.hub.url(PLACE)],
        hub_file(HAND_MADE),
        lambda w: ["--hub-config", str(w.hub.home / "jupyterhub_config.py")],
    ],
)
def test_where_nothing_is_wrong_it_says_so(doctors: Doctors, world: World, words: Any) -> None:
    status, lines = told(doctors, world, Row("", "", words=words), world.hub.home)
    assert status == 0, lines
    marked = [line for line in lines if line[0] in "✗·✓"]
    assert marked
    assert {line for line in marked if line[0] != "✓"} <= {x for x in marked if "Origins" in x}


def test_the_service_tells_administrators_alone(served: Hub) -> None:
    for token, status in ((served.api_token, 200), (served.bare_token, 403), ("wrong", 403)):
        headers = {"Authorization": f"token {token}"}
        answer = requests.get(served.url(f"{PLACE}doctor"), headers=headers, timeout=PATIENCE)
        assert answer.status_code == status
    assert requests.get(served.url(f"{PLACE}doctor"), timeout=PATIENCE).status_code == 403


def test_a_token_is_read_from_a_file(doctors: Doctors, world: World) -> None:
    file = world.home / "token"
    file.write_text(f"{world.hub.api_token}\n")
    words = ["--url", world.hub.url(""), "--token-file", str(file)]
    row = Row("", "", env("JUPYTERHUB_API_TOKEN", "wrong"), words=lambda _: words)
    assert told(doctors, world, row)[0] == 0
