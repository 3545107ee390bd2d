"""``%auth add`` and ``jupyter auth add``: a provider of one's own, whose secret is in no cell."""

from __future__ import annotations

import stat
import subprocess
import tomllib
from pathlib import Path

import pytest

from environments.terminal import Terminal
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.kernel.commands import verbs
from jupyter_auth.kernel.commands.verb_parser import fields_of, shared_parser
from kernel.commands.cli_process import command, run
from kernel.kernel_process import Kernel, environment
from kernel.sign_in import sign_in
from kernel.traceback_locals import local_variables
from memory_store import MemoryStore
from patience import PATIENCE

BASE = "https://api.example/v1/"
PLANTED = "planted-secret-5e0c7a91"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "broker" / "providers.toml"


@pytest.fixture
def engine(file):
    made = Engine(Providers(user_file=file), MemoryStore())
    yield made
    made.close()


@pytest.fixture
def line(rogue):
    return f"add mine --issuer {rogue.issuer} --client-id {rogue.client_id} --client-secret"


@pytest.fixture
def demanding(rogue):
    rogue.client_secret = PLANTED
    return rogue


def test_in_a_notebook_the_secret_is_typed_and_kept_by_the_broker(
    kernel_api, file, line, demanding, tmp_path
):
    with Kernel(tmp_path, kernel_api.path) as kernel:
        kernel.ok("%load_ext jupyter_auth")
        running = kernel.send(f"%auth {line} --scopes openid email")
        assert kernel.answer(PLANTED) == "Client secret of mine:  (secret)"
        ran = kernel.result(running)
        assert ran.status == "ok", ran.text()
        assert "mine (127.0.0.1" in ran.text()
        assert "stored in a file that only you can read" in ran.text()
        seen = kernel.ok("print(get_ipython().history_manager.input_hist_raw, globals())")
        assert PLANTED not in ran.text() + seen.text()
    assert PLANTED not in file.read_text()
    assert tomllib.loads(file.read_text())["mine"]["scopes"] == ["openid", "email"]
    assert stat.S_IMODE(file.with_name("client_secrets.json").stat().st_mode) == 0o600
    assert kernel_api.engine.provider("mine").source == "user"
    login = kernel_api.engine.begin(LoginRequest("mine"))
    assert sign_in(kernel_api.engine, demanding, login).status == "complete"


def test_a_preset_with_its_grant_and_its_redirect_uri(kernel_api, file, tmp_path):
    words = ["insiders", "--client-id", "ams", "--grants", "password", "authorization_code"]
    uri = "http://127.0.0.1:8000/authorized/"
    run(environment(tmp_path, kernel_api.path), "add", *words, "--redirect-uri", uri)
    insiders = Providers(user_file=file).get("insiders")
    assert insiders.grants == ("password", "authorization_code")
    assert insiders.redirect_uri == uri


def test_with_nobody_there_nothing_is_asked(kernel_api, line, tmp_path):
    with Kernel(tmp_path, kernel_api.path) as kernel:
        kernel.ok("%load_ext jupyter_auth")
        ran = kernel.run(f"%auth {line}", allow_stdin=False)
    assert ran.status == "error"
    assert "Run `jupyter auth add` in a terminal." in ran.text()
    assert {info.source for info in kernel_api.engine.providers()} == {"preset"}


def test_through_a_pipe_and_into_ones_own_files(tmp_path, line):
    env = environment(tmp_path)
    ran = subprocess.run(
        command(*line.split(), "--api-origin", "https://api.example", "--base-url", BASE),
        env=env, input=f"{PLANTED}\n", capture_output=True, text=True, check=True, timeout=PATIENCE,
    )  # fmt: skip
    assert "Added " in ran.stdout
    assert "Sign in with `jupyter auth login mine`." in ran.stdout
    config = Path(env["XDG_CONFIG_HOME"]) / "jupyter_auth"
    mine = Providers(user_file=config / "providers.toml").get("mine")
    assert mine.client_secret.reveal() == PLANTED
    assert (mine.base_url, mine.api_origins) == (BASE, ("https://api.example",))
    assert PLANTED not in ran.stdout + ran.stderr + (config / "providers.toml").read_text()
    assert "mine" in run(env, "providers").stdout


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["add"], 2, "Say what to add: a name or an address, as in `jupyter auth add https://mcp."),
        (["add", "mine"], 1, "has no issuer and no token endpoint"),
        (["add", "Mine", "--issuer", "https://a.example"], 1, "is not a valid provider name"),
        (["add", "mine", "--issuer", "http://a.example"], 1, "is not https"),
        (
            ["add", "mine", "--issuer", "https://a.example", "--client-secret"],
            2,
            "No client secret",
        ),
    ],
)
def test_what_cannot_be_added_is_one_sentence(kernel_api, tmp_path, words, status, sentence):
    ran = run(environment(tmp_path, kernel_api.path), *words, status=status)
    assert sentence in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert {info.source for info in kernel_api.engine.providers()} == {"preset"}


def test_in_a_terminal_a_preset_asks_for_what_it_lacks(kernel_api, file, tmp_path):
    env = environment(tmp_path, kernel_api.path) | {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "jupyter_auth").symlink_to(file.parent)
    with Terminal(env, "-m", "jupyter_auth.cli", "login", "github") as terminal:
        terminal.read("Client ID of your registration at GitHub")
        terminal.type("my-client")
        terminal.read("Client secret of GitHub")
        terminal.type(PLANTED)
        shown = terminal.read(r"[\s\S]*Sign in to GitHub")[0]
    assert PLANTED not in shown  # it is not echoed
    github = Providers(user_file=file).get("github")
    assert (github.client_id, github.client_secret.reveal()) == ("my-client", PLANTED)


def test_in_a_terminal_it_asks_which_grant_the_registration_is_for(tmp_path):
    env = environment(tmp_path)
    with Terminal(env, "-m", "jupyter_auth.cli", "login", "insiders") as terminal:
        terminal.read("Client ID of your registration at Insiders")
        terminal.type("ams")
        terminal.read("Client secret of Insiders")
        terminal.type(PLANTED)
        terminal.read(r"authorization_code or password \[authorization_code\]")
        terminal.type("password")
        terminal.read("User name: ")
    file = Path(env["XDG_CONFIG_HOME"]) / "jupyter_auth" / "providers.toml"
    assert Providers(user_file=file).get("insiders").grants == ("password",)


@pytest.mark.usefixtures("home")
def test_no_traceback_keeps_the_secret(line):
    given = shared_parser("x")[0].parse_args(line.replace("mine", "Mine").split())
    with pytest.raises(ConfigurationError) as caught:
        verbs.add(given.name, fields_of(given, lambda _: PLANTED))
    assert PLANTED not in local_variables(caught.value)


def test_a_provider_of_ones_own_is_removed_with_its_sign_in(kernel_api, file, rogue, tmp_path):
    env = environment(tmp_path, kernel_api.path)
    for name in ("mine", "other"):
        run(env, *f"add {name} --issuer {rogue.issuer} --client-id {rogue.client_id}".split())
    login = kernel_api.engine.begin(LoginRequest("mine"))
    assert sign_in(kernel_api.engine, rogue, login).status == "complete"
    assert run(env, "remove", "mine").stdout == "Removed mine.\n"
    assert kernel_api.engine.accounts() == []
    assert [*tomllib.loads(file.read_text())] == ["other"]
    with Kernel(tmp_path, kernel_api.path) as kernel:
        kernel.ok("%load_ext jupyter_auth")
        assert "Removed other." in kernel.ok("%auth remove other").text()
    assert "can't be removed" in run(env, "remove", "github", status=1).stderr
