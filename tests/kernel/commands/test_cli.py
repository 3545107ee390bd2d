"""``jupyter auth`` in processes of its own, before a real broker and a real provider."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.server.config import JupyterAuth
from kernel.broker_socket import BrokerSocket
from kernel.commands.cli_process import Watched, command, run, started
from kernel.kernel_process import environment
from kernel.sign_in import consenting, sign_in
from memory_store import MemoryStore
from patience import PATIENCE


@pytest.fixture
def engine(oidc):
    provider = consenting(oidc, title="The IdP")
    made = Watched(Providers({"idp": provider}, allow_user_providers=False), MemoryStore())
    yield made
    made.close()


@pytest.fixture
def env(engine, tmp_path):
    with BrokerSocket(engine, tmp_path) as kernel_api:
        yield environment(tmp_path, kernel_api.path)


@pytest.fixture
def alice(engine, oidc):
    sign_in(engine, oidc, engine.begin(LoginRequest("idp")), username="alice")
    return engine.accounts()[0].username


def test_login_by_link_waits_and_says_who(env, engine, oidc):
    process, said = started(
        {**env, "JUPYTER_SERVER_URL": "http://127.0.0.1:8888/base/"}, "login", "idp"
    )
    (login,) = engine.logins()
    assert f"http://127.0.0.1:8888/base/jupyter-auth/login/{login.id}" in said
    sign_in(engine, oidc, login, username="alice")
    _, rest = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert f"Signed in to The IdP as {engine.accounts()[0].username}." in rest


def test_login_denied_is_a_sentence_and_a_status(env, engine, oidc):
    process, _ = started(env, "login", "idp")
    sign_in(engine, oidc, engine.logins()[0], consent=False)
    _, rest = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "Traceback" not in rest
    assert "jupyter auth: " in rest


def test_an_interrupt_leaves_the_login(env, engine):
    process, _ = started(env, "login", "idp")
    assert engine.asked.wait(PATIENCE)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "Interrupted" in rest
    assert "Traceback" not in rest
    assert not engine.logins()


def test_login_with_key_and_scopes(env, engine):
    process, _ = started(env, "login", "idp", "--key", "work", "--scopes", "openid", "email")
    assert engine.logins()[0].session_key == "work"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)


def test_status_for_people_and_for_programs(env, engine, alice):
    assert alice in run(env, "status").stdout
    assert alice in run(env, "status", "idp").stdout
    (account,) = json.loads(run(env, "status", "--json").stdout)["accounts"]
    assert (account["provider"], account["username"]) == ("idp", alice)
    engine.logout("idp")
    assert run(env, "status").stdout == "You're not signed in anywhere.\n"
    assert json.loads(run(env, "status", "--json").stdout) == {"accounts": []}


def test_the_token_goes_to_the_pipe_and_nowhere_else(env, engine, alice):
    assert alice
    token = engine.token("idp").access_token.reveal()
    ran = run(env, "token", "idp")
    assert ran.stdout == f"{token}\n"
    assert ran.stderr == ""
    for verb in (["status"], ["status", "--json"], ["providers"], ["logout", "idp"]):
        ran = run(env, *verb)
        assert token not in ran.stdout + ran.stderr


def test_a_token_is_written_to_a_file_once(env, alice, tmp_path):
    assert alice
    path = tmp_path / "own" / "token"
    ran = run(env, "token", "idp", "--file", str(path))
    assert (ran.stdout, ran.stderr) == ("", "")
    assert f"{path.read_text()}\n" == run(env, "token", "idp").stdout
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("some notes")
    ran = run(env, "token", "idp", "--file", str(path), status=1)
    assert f"No token is written to {path}: something else is there." in ran.stderr


def test_settings_lists_them_all_commented_out(env):
    lines = run(env, "settings").stdout.splitlines()
    for name, trait in JupyterAuth.class_own_traits(config=True).items():
        assert f"# c.JupyterAuth.{name} = {trait.default_value_repr()}" in lines
    assert all(line.startswith("#") for line in lines if line)


def test_the_next_step_is_in_the_words_of_a_terminal(env):
    assert "Sign in with `jupyter auth login idp`.\n" in run(env, "token", "idp", status=1).stderr


def test_a_token_on_a_terminal_is_warned_of(env, alice):
    assert alice
    ours, theirs = pty.openpty()
    ran = subprocess.run(
        command("token", "idp"), env=env, stdout=theirs, stderr=subprocess.PIPE, text=True,
        check=True, timeout=PATIENCE,
    )  # fmt: skip
    os.close(theirs)
    os.close(ours)
    assert "Anyone who sees this token" in ran.stderr


def test_logout_and_providers(env, engine, alice):
    assert alice
    assert run(env, "logout", "idp").stdout.startswith("Signed out of idp.")
    assert not engine.accounts()
    assert run(env, "logout", "idp").stdout == "You're not signed in to The IdP.\n"
    assert run(env, "providers").stdout.splitlines()[1].split()[0] == "idp"


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["lgin"], 2, "Did you mean `jupyter auth login`?"),
        (["token"], 2, "required: NAME"),
        (["status", "--jsno"], 2, "--jsno"),
        (["login", "ipd"], 1, "Did you mean idp?"),
        (["status", "ipd"], 1, "Did you mean idp?"),
        (["logout", "ipd"], 1, "Did you mean idp?"),
        (["token", "ipd"], 1, "Did you mean idp?"),
        (["token", "idp"], 1, "You're not signed in to idp"),
    ],
)
def test_what_goes_wrong_is_one_sentence_on_stderr(env, words, status, sentence):
    ran = run(env, *words, status=status)
    assert sentence in ran.stderr
    assert ran.stdout == ""
    assert len(ran.stderr.splitlines()) == 1


def test_a_broker_that_is_gone_is_one_sentence(env, tmp_path):
    file = tmp_path / "gone.json"
    ran = run(
        {**env, "JUPYTER_AUTH_CONNECTION": str(file), "JUPYTER_AUTH_URL": "https://hub"},
        "status",
        status=1,
    )
    assert ran.stderr.startswith("jupyter auth: ")


def test_it_is_found_as_a_subcommand_of_jupyter(env):
    jupyter = Path(sys.executable).with_name("jupyter")
    ran = subprocess.run(
        [jupyter, "auth", "--version"], env=env, capture_output=True, text=True, check=True
    )
    assert re.fullmatch(r"jupyter-auth-session \d\S*\n", ran.stdout)


def test_help_needs_no_broker_and_starts_fast(tmp_path):
    assert "login" in run(environment(tmp_path)).stdout
    assert "--check" in run(environment(tmp_path), "demo", "--help").stdout
    heavy = "{'IPython', 'anywidget', 'ipywidgets', 'jupyter_server', 'oauthlib', 'tornado'}"
    code = f"import sys, jupyter_auth.terminal; print({heavy} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
