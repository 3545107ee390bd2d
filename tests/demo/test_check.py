"""``jupyter auth demo`` as a program: what it says, when it fails, what it leaves behind."""

from __future__ import annotations

import importlib.util
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from jupyter_auth.demo.demo_server import NOTEBOOK
from patience import PATIENCE, eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., subprocess.CompletedProcess[str]]

REPOSITORY = Path(__file__).parents[2]
# Before the real package on the path: it hands that on, with one thing gone wrong.
BROKEN = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location(
    __name__, {real!r}, submodule_search_locations=[{directory!r}]
)
module = importlib.util.module_from_spec(spec)
sys.modules[__name__] = module
spec.loader.exec_module(module)
from oidc_provider_mock import _app
{sabotage}
"""
OTHER_KEY = """
key = _app.jose.RSAKey.generate_key(is_private=True).as_dict(is_private=True)
config = _app.OpenIDCode.get_jwt_config
_app.OpenIDCode.get_jwt_config = lambda *args: config(*args) | {"key": key}
"""
NO_TOKEN_IS_GOOD = "_app.TokenValidator.authenticate_token = lambda self, token: None"
NO_REFRESH = """
def refuse(self, token):
    raise _app.authlib.oauth2.rfc6749.InvalidGrantError()
_app.RefreshTokenGrant.authenticate_refresh_token = refuse
"""


@pytest.mark.parametrize("base_url", ["/", "/some/base/"])
def test_it_signs_in_calls_the_api_and_signs_out(run_demo: Run, home: Path, base_url: str) -> None:
    done = run_demo("--check", "--base-url", base_url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{base_url}jupyter-auth-demo/authorize" in done.stdout
    assert "Signed in: Ada at demo" in done.stdout
    assert "'email': 'ada@demo.example'" in done.stdout
    assert "17.8 °C" in done.stdout
    assert "It was refreshed without a question" in done.stdout
    assert "revoked the tokens" in done.stdout
    assert done.stderr == ""
    assert list((home / "tmp").iterdir()) == []
    left = [str(path) for path in (home / "home").rglob("*") if path.is_file()]
    assert [path for path in left if "jupyter" in path or "ipython" in path] == []


@pytest.mark.parametrize(
    ("sabotage", "sentence"),
    [
        (OTHER_KEY, "No account is signed in after the sign-in"),
        (NO_TOKEN_IS_GOOD, "The API did not answer who signed in"),
        (NO_REFRESH, " raised RefreshRejected"),
    ],
    ids=["signs with a key of its own", "takes no token", "refreshes nothing"],
)
def test_it_is_red_when_the_provider(
    run_demo: Run, home: Path, sabotage: str, sentence: str
) -> None:
    spec = importlib.util.find_spec("oidc_provider_mock")
    assert spec is not None
    real = Path(str(spec.origin))
    text = BROKEN.format(real=str(real), directory=str(real.parent), sabotage=sabotage)
    (home / "path" / "oidc_provider_mock.py").write_text(text)
    done = run_demo("--check")
    assert done.returncode == 1, done.stdout
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert list((home / "tmp").iterdir()) == []


def test_it_is_red_when_the_provider_may_not_be_used(
    run_demo: Run, home: Path, environment: dict[str, str]
) -> None:
    config = {"JupyterAuth": {"allow_user_providers": False}}
    (home / "path" / "jupyter_server_config.json").write_text(json.dumps(config))
    environment["JUPYTER_CONFIG_PATH"] = str(home / "path")
    done = run_demo("--check")
    assert done.returncode == 1, done.stdout
    assert "ProviderNotFound" in done.stderr


def test_it_is_red_when_the_port_is_taken(run_demo: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_demo("--check", "--port", str(port))
    assert done.returncode == 1, done.stdout
    assert f"port {port} is not available" in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_without_its_packages_it_says_what_to_install() -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "jupyter_auth.demo.run"],  # -S: nothing installed is seen
        env={"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "jupyter auth demo: Packages are missing. Run: pip install 'jupyter-auth-session[demo]'\n"
    )


def test_it_shows_its_address_and_goes_without_a_trace(
    home: Path, environment: dict[str, str]
) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "jupyter_auth.cli", "demo", "--no-browser", "--base-url", "/x/"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with demo, demo.stdout:  # type: ignore[union-attr]
        try:
            shown = next(line for line in demo.stdout if "/x/lab/tree/demo.ipynb?token=" in line)  # type: ignore[union-attr]
            # Jupyter shows the address before it listens there, and takes no signal in between.
            assert eventually(lambda: _answers(shown.strip()))
        finally:
            demo.terminate()
        assert shown.strip().startswith("http://127.0.0.1:")
        assert "Traceback" not in demo.stdout.read()  # type: ignore[union-attr]
    assert demo.returncode == 128 + signal.SIGTERM
    assert list((home / "tmp").iterdir()) == []
    assert not _serving(shown)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=PATIENCE).ok
    except requests.RequestException:
        return False


def _serving(line: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(line.split(":")[2].partition("/")[0]))) == 0


def test_the_notebook_is_as_nobody_has_run_it() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"]] == []
    assert {"sign-in", "later", "sign-out"} <= {cell["id"] for cell in code}
    assert "widgets" not in notebook["metadata"]
    assert NOTEBOOK.read_text(encoding="utf-8").endswith("}\n")


def test_make_demo_installs_no_more_than_it_needs(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "jupyter_auth", "labextension"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    command = ["make", "--dry-run", "demo"]
    planned = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    installs = [line for line in planned.stdout.splitlines() if "pip install" in line]
    assert '".[demo]"' in installs[-1]
    assert "tests/" not in planned.stdout
    assert "[test" not in planned.stdout
