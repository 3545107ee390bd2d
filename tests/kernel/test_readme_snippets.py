"""Every snippet of README and CONTRIBUTING is run: its hosts become those of a local provider."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from traitlets.config import Config
from traitlets.config.application import Application

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.server.config import read_settings
from kernel.broker_socket import BrokerSocket
from kernel.kernel_process import Kernel, environment
from kernel.sign_in import sign_in
from memory_store import MemoryStore
from patience import PATIENCE

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(document, *languages):
    found = BLOCK.findall((ROOT / document).read_text(encoding="utf-8"))
    return [code for language, code in found if language in languages]


PYTHON = blocks("README.md", "python")
CONFIG = [code for code in PYTHON if "c.JupyterAuth" in code]
HUB = [code for code in PYTHON if "hub_config(c" in code]
HUB += [
    yaml.safe_load(code)["hub"]["extraConfig"]["jupyter-auth"]
    for code in blocks("README.md", "yaml")
]
FILES = [code for code in PYTHON if re.match(r"# \w+\.py\n", code)]
CELLS = [code for code in PYTHON if code not in CONFIG + HUB + FILES]
SHELL = blocks("README.md", "sh") + blocks("CONTRIBUTING.md", "sh")

RUNNABLE = [code for code in SHELL if "jupyter auth" in code or re.search(r"python \w+\.py", code)]


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_each_block_says_what_it_is(document):
    languages = {each[0] for each in BLOCK.findall((ROOT / document).read_text(encoding="utf-8"))}
    assert languages <= {"python", "sh", "toml", "ini", "yaml", "text", "mermaid"}


def local(code, oidc):
    """The snippet with its hosts replaced, and no word more."""
    api = code.replace("https://api.acme.example/v1/", f"{oidc.issuer}/api/")
    return api.replace("https://login.acme.example", oidc.issuer)


class Somebody(threading.Thread):
    """Signs in wherever a login is begun, as soon as it is."""

    def __init__(self, engine, oidc):
        super().__init__(daemon=True)
        self._engine, self._oidc, self._ended = engine, oidc, threading.Event()

    def run(self):
        since = 0
        while not self._ended.is_set():
            since = self._engine.changes(since, 0.5).sequence
            for login in self._engine.logins():
                sign_in(self._engine, self._oidc, login, username="alice")

    def end(self):
        self._ended.set()
        self.join(PATIENCE)


@pytest.fixture
def place(oidc, tmp_path):
    """A person's home with ``acme`` in ``providers.toml``, a broker, and somebody to sign in."""
    oidc.add_client("my-notebooks")
    env = environment(tmp_path)
    file = Path(env["XDG_CONFIG_HOME"]) / "jupyter_auth" / "providers.toml"
    file.parent.mkdir(parents=True)
    (table,) = blocks("README.md", "toml")
    file.write_text(local(table, oidc))
    engine = Engine(Providers(user_file=file), MemoryStore())
    somebody = Somebody(engine, oidc)
    somebody.start()
    with BrokerSocket(engine, tmp_path / "runtime") as kernel_api:
        broker = {"JUPYTER_AUTH_CONNECTION": str(kernel_api.path)}
        yield SimpleNamespace(
            env=env, file=file, broker=broker, kernel_api=kernel_api, home=tmp_path
        )
        somebody.end()
    engine.close()


@pytest.mark.parametrize("code", CELLS)
def test_each_cell_runs(place, oidc, code):
    if "ClientSession" in code:  # the server holds the secret of a service account
        service = {"client_id": oidc.service_id, "client_secret": oidc.service_secret}
        lines = [f"{name} = '{value}'" for name, value in service.items()]
        place.file.write_text("\n".join([place.file.read_text(), "[acme.service]", *lines]))
    if 'UserSession("https' in code:  # nothing is known yet
        place.file.unlink()
    with Kernel(place.home, place.kernel_api.path) as kernel:
        kernel.ok("%load_ext jupyter_auth")
        ran = kernel.ok(local(code, oidc))
        assert "Usage" not in ran.text()
        if re.search(r'me"\)\.json\(\)\s*(#.*)?$', code):
            assert "'username': 'alice'" in ran.text()


@pytest.mark.parametrize("code", CONFIG)
def test_each_configuration_is_one(oidc, code):
    c = Config()
    exec(local(code, oidc), {"c": c})  # noqa: S102 (as Jupyter does with such a file)
    settings = read_settings(Application(config=c), "/")
    assert Providers(settings.providers).get("acme").client_id == "my-notebooks"


@pytest.mark.parametrize("code", HUB)
def test_each_configuration_of_a_hub_is_one(monkeypatch, oidc, code):
    monkeypatch.setenv("ACME_SECRET", oidc.client_secret)
    c = Config()
    exec(local(code, oidc), {"c": c})  # noqa: S102 (as above)
    assert "JupyterHub" in c


def run(code, cwd, env):
    bin_first = {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}"}
    return subprocess.run(
        ["bash", "-euxc", code], cwd=cwd, env=env | bin_first, text=True, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=2 * PATIENCE,
    )  # fmt: skip


@pytest.mark.parametrize("code", RUNNABLE)
def test_each_command_runs(place, oidc, code):
    for file in FILES:
        (place.home / re.match(r"# (\w+\.py)", file)[1]).write_text(local(file, oidc))
    env = {**place.env, "ACME_SECRET": oidc.service_secret}
    if "CLIENT_SECRET" not in code:  # in CI there is no Jupyter server
        env |= place.broker
    if "auth add" in code or "nightly.py" in code:  # CI has no home with providers in it
        place.file.unlink()
    if not any(each in code for each in ("auth add", "auth login", "CLIENT_SECRET")):
        code = f"jupyter auth login acme\n{code}"
    ran = run(local(code, oidc), place.home, env)
    assert ran.returncode == 0, ran.stdout
    if "report.py" in code:
        assert "'username': 'alice'" in ran.stdout
    if "nightly.py" in code:
        assert f"'sub': '{oidc.service_id}'" in ran.stdout


@pytest.mark.parametrize("code", [code for code in SHELL if "make " in code or "pip " in code])
def test_each_target_and_package_is_there(code):
    """What they do takes minutes: it is asked what would be done, or whether the name is known."""
    would = re.sub(r"\bmake ", "make --dry-run ", code).replace("pip install", "pip show")
    would = would.replace(".venv/bin/pytest", "pytest --collect-only --quiet")
    ran = run(would, ROOT, environment(ROOT))
    assert ran.returncode == 0, ran.stdout


def test_no_shell_block_is_left_out():
    assert all(re.search(r"jupyter auth|\.py|make |pip |pytest", code) for code in SHELL)
    assert len(CELLS) >= 4
    assert len(FILES) == 2
