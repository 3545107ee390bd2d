"""A running demo, and the means to look at it from outside."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from demo.visitor import Visitor
from jupyter_auth.demo.browser import wait_for_lab
from jupyter_auth.demo.demo_server import DemoServer
from patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jupyter_auth.demo.browser import Lab


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """JupyterLab with the demo, under a path."""
    with DemoServer(base_url="/some/base/") as demo, demo.log.open("wb") as log:
        yield wait_for_lab(demo.start(log), demo, 2 * PATIENCE)


@pytest.fixture
def visitor(lab: Lab) -> Visitor:
    return Visitor(lab, lab.token)


@pytest.fixture
def stranger(lab: Lab) -> Visitor:
    return Visitor(lab, None)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where a demo of this test finds its person's files, and the system's temporary ones."""
    for name in ("home", "tmp", "path"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    own = {"HOME": str(home / "home"), "TMPDIR": str(home / "tmp")}
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "XDG", "JPY"))}
    return kept | own | {"PYTHONPATH": str(home / "path")}


@pytest.fixture
def run_demo(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "jupyter_auth.cli", "demo", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run
