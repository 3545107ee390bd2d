"""Each snippet of README, CONTRIBUTING and the site is run: its hosts become a local provider's."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from traitlets.config import Config
from traitlets.config.application import Application

from core.tokens.exchange.derived import tables
from documents import ROOT, blocks
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.server.config import read_settings
from kernel.broker_socket import BrokerSocket
from kernel.kernel_process import Kernel, environment
from kernel.sign_in import sign_in
from memory_store import MemoryStore
from patience import PATIENCE

PYTHON = blocks("python")
CONFIG = [block for block in PYTHON if "c.JupyterAuth" in block.code]
HUB = [block for block in PYTHON if "hub_config(c" in block.code]
FILES = [block for block in PYTHON if re.match(r"# \w+\.py\n", block.code)]
LOGGING = [block for block in PYTHON if "dictConfig" in block.code]
CELLS = [block for block in PYTHON if block not in CONFIG + HUB + FILES + LOGGING]
TABLES = blocks("toml")
ACME = next(block.code for block in TABLES if block.code.startswith("[acme]\nissuer"))
SHELL = blocks("sh")

PROGRAMS = [
    block for block in SHELL if re.search(r"jupyter auth (?!demo)|python \w+\.py", block.code)
]
TARGETS = [block for block in SHELL if re.search(r"make |pip |pytest |argcomplete ", block.code)]


def each_of(found):
    """One code once, in however many documents it is."""
    once = {block.code: block.place for block in found}
    return pytest.mark.parametrize("code", once.keys(), ids=once.values())


def test_each_block_says_what_it_is():
    languages = {"python", "sh", "toml", "ini", "yaml", "text", "mermaid"}
    assert [block.place for block in blocks() if block.language not in languages] == []


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
    file.write_text(local(ACME, oidc))
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


@each_of(CELLS)
def test_each_cell_runs(place, oidc, code):
    if "ClientSession" in code:  # the server holds the secret of a service account
        service = {"client_id": oidc.service_id, "client_secret": oidc.service_secret}
        lines = [f"{name} = '{value}'" for name, value in service.items()]
        place.file.write_text("\n".join([place.file.read_text(), "[acme.service]", *lines]))
    if 'UserSession("archive"' in code:  # its token is made of that of acme
        archive = tables(oidc)["derived"]
        archive["base_url"] = f"{oidc.issuer}/api/"
        archive["exchange"]["from"] = "acme"
        lines = [f"{name} = {json.dumps(value)}" for name, value in archive.pop("exchange").items()]
        lines = ["[archive.exchange]", *lines]
        lines = [f"{name} = {json.dumps(value)}" for name, value in archive.items()] + lines
        place.file.write_text("\n".join([place.file.read_text(), "[archive]", *lines]))
    if 'UserSession("https' in code:  # nothing is known yet
        place.file.unlink()
    with Kernel(place.home, place.kernel_api.path) as kernel:
        kernel.ok("%load_ext jupyter_auth")
        ran = kernel.ok(local(code, oidc))
        assert "Usage" not in ran.text()
        if re.search(r'me"\)\.json\(\)\s*(#.*)?$', code):
            assert "'username': 'alice'" in ran.text()


@each_of(CONFIG)
def test_each_configuration_is_one(oidc, code):
    c = Config()
    exec(local(code, oidc), {"c": c})  # noqa: S102 (as Jupyter does with such a file)
    settings = read_settings(Application(config=c), "/")
    assert settings.problems == ()
    if "token_files" in code:
        assert settings.token_files
        return
    assert Providers(settings.providers).get("acme").client_id == "my-notebooks"


@each_of(HUB)
def test_each_configuration_of_a_hub_is_one(oidc, code):
    c = Config()
    exec(local(code, oidc), {"c": c})  # noqa: S102 (as above)
    assert "JupyterHub" in c


@each_of(LOGGING)
def test_each_configuration_of_the_log_is_one(tmp_path, code):
    program = """
from jupyter_auth.server.hub import audit

audit.log("signed out", "alice")
"""
    subprocess.run(
        [sys.executable, "-c", code.replace("/var/log/jupyter-auth", str(tmp_path)) + program],
        check=True,
        timeout=PATIENCE,
    )
    (line,) = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert json.loads(line)["user"] == "alice"


def run(code, cwd, env):
    bin_first = {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}"}
    return subprocess.run(
        ["bash", "-euxc", code], cwd=cwd, env=env | bin_first, text=True, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=2 * PATIENCE,
    )  # fmt: skip


@each_of(PROGRAMS)
def test_each_command_runs(place, oidc, code):
    for file in FILES:
        name = re.match(r"# (\w+\.py)", file.code)[1]
        (place.home / name).write_text(local(file.code, oidc))
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


@each_of(TARGETS)
def test_each_target_and_package_is_there(code):
    """What they do takes minutes: it is asked what would be done, or whether the name is known."""
    would = re.sub(r"\bmake ", "make --dry-run ", code)
    would = re.sub(r"pip install '?([\w-]+)(\[\w+\]')?", r"pip show \1", would)
    would = would.replace("jupyter auth demo", "jupyter auth demo --help")
    would = would.replace(".venv/bin/pytest", "pytest --collect-only --quiet")
    ran = run(would, ROOT, environment(ROOT))
    assert ran.returncode == 0, ran.stdout


@each_of(TABLES)
def test_each_table_is_of_a_provider(tmp_path, code):
    file = tmp_path / "providers.toml"
    exchanged = 'from = "acme"' in code and "[acme]" not in code
    file.write_text(f"{ACME}\n{code}" if exchanged else code)
    known = Providers(user_file=file)
    assert all(known.get(name) for name in tomllib.loads(code))


def test_no_block_is_left_out():
    assert all(block in PROGRAMS + TARGETS for block in SHELL)
    assert len(CELLS) >= 4
    assert len({re.match(r"# (\w+\.py)", file.code)[1] for file in FILES}) == len(FILES) == 2
