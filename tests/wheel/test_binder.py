"""The demo on Binder: a fresh clone, made ready by `binder/` as repo2docker does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import venv
from pathlib import Path
from types import SimpleNamespace

import pytest

from jupyter_auth.demo.browser import Browser, Lab, wait_for_lab
from jupyter_auth.demo.cells import Cells
from jupyter_auth.demo.check import _go_through
from jupyter_auth.demo.page import PATH
from patience import PATIENCE

ROOT = Path(__file__).parents[2]
MADE = (".git", ".venv", "node_modules", "dist", "lib", "screenshots", "__pycache__", ".*_cache")
LIFETIME = 4  # seconds of an access token: its end is waited for

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """What a clone holds, and nothing that was made in this one since."""
    place = tmp_path_factory.mktemp("binder") / "repository"
    shutil.copytree(ROOT, place, ignore=shutil.ignore_patterns(*MADE), symlinks=True)
    return place


@pytest.fixture(scope="module")
def env(clone, tmp_path_factory):
    """Binder's: an environment of its own, a new home, and what its Hub tells each server."""
    home = tmp_path_factory.mktemp("home")
    prefix = home / "environment"
    venv.create(prefix, with_pip=True)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "JPY", "XDG"))}
    config = home / ".jupyter" / "jupyter_server_config.json"
    config.parent.mkdir()
    config.write_text(
        json.dumps(
            {
                "JupyterAuthDemo": {"token_lifetime": LIFETIME},
                "LanguageServerManager": {"autodetect": False},
            }
        )
    )
    made = kept | {
        "HOME": str(home),
        "PATH": f"{prefix / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "JUPYTERHUB_USER": "x",
        "JUPYTERHUB_SERVICE_PREFIX": "/user/x/",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_API_TOKEN": "of-the-hub",
    }
    for command in ("pip install --quiet -r binder/requirements.txt", "binder/postBuild"):
        done = subprocess.run(
            ["bash", "-ec", command],
            cwd=clone,
            env=made,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert done.returncode == 0, done.stdout
    return made


@pytest.fixture
def place(env, clone, tmp_path):
    home = Path(env["HOME"])
    return SimpleNamespace(
        runtime=home / ".local" / "share" / "jupyter" / "runtime",
        log=tmp_path / "server.log",
        notebook=clone / "demo" / "demo.ipynb",
    )


@pytest.fixture
def lab(env, clone, place):
    """Started as BinderHub does; the browser is at another name than the server knows of itself."""
    command = ["binder/start", "jupyter-lab", "--ip=127.0.0.1", "--port=0", "--no-browser"]
    command += ["--NotebookApp.base_url=/user/x/", "--NotebookApp.token=of-binder"]
    command += ["--NotebookApp.trust_xheaders=True", "--allow-root"]
    with (
        place.log.open("wb") as log,
        subprocess.Popen(command, cwd=clone, env=env, stdout=log, stderr=log) as server,
    ):
        try:
            started = wait_for_lab(server, place, 2 * PATIENCE)
            yield Lab(started.url.replace("127.0.0.1", "localhost"), started.token)
        finally:
            server.terminate()


def test_the_demo_signs_in_on_binder(lab, place, capsys):
    assert lab.url.endswith("/user/x/")
    browser = Browser(lab)
    with Cells(browser, place) as cells:
        _go_through(cells, browser, LIFETIME)
    said = capsys.readouterr().out
    assert f"({lab.url}{PATH})" in said  # the provider's page is where the browser is
    assert "Signed in: " in said


def test_the_labextension_and_the_notebook_are_there(env, clone):
    prefix = Path(env["HOME"]) / "environment"
    assert list(prefix.glob("share/jupyter/labextensions/*/static/remoteEntry.*.js"))
    assert (clone / "demo" / "demo.ipynb").is_file()
