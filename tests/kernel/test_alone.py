"""A terminal without a Jupyter server: the same verbs, the same store, a listener of one's own."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from kernel.kernels import environment

PATIENCE = 60.0
BROWSER = """
import sys, requests
sys.path.insert(0, {tests!r})
from providers.person import Person
start = requests.get(sys.argv[1], allow_redirects=False)
back = Person("alice", "wonderland").visit(start.headers["Location"], {issuer!r})
assert "Signed in" in requests.get(back).text
"""


@pytest.fixture
def env(oidc, tmp_path):
    """A person's environment with one provider of their own, on no Jupyter server."""
    env = environment(tmp_path)
    providers = Path(env["XDG_CONFIG_HOME"]) / "jupyter_auth" / "providers.toml"
    providers.parent.mkdir(parents=True, exist_ok=True)
    providers.write_text(
        f'[idp]\ntitle = "The IdP"\nissuer = "{oidc.issuer}"\nclient_id = "{oidc.client_id}"\n'
    )
    return env


def command(*words):
    return [sys.executable, "-m", "jupyter_auth.cli", *words]


@pytest.fixture
def browser(oidc, tmp_path):
    """A browser of this machine, that signs in whoever comes to the provider's page."""
    program = tmp_path / "browser.py"
    tests = str(Path(__file__).parents[1])
    program.write_text(BROWSER.format(tests=tests, issuer=oidc.issuer))
    return f"{sys.executable} {program} %s"


@contextlib.contextmanager
def in_terminal(env, *words):
    """The process, with a terminal for its input and errors; and our end of that."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command(*words), env=env, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as process:
        os.close(theirs)
        try:
            yield process, ours
        finally:
            process.kill()
            os.close(ours)


def read_until(ours, pattern):
    said = ""
    while not (found := re.search(pattern, said)):
        said += os.read(ours, 4096).decode()
    return found


def test_the_system_browser_comes_back_to_the_terminal(env, browser):
    with in_terminal({**env, "BROWSER": browser}, "login", "idp") as (process, ours):
        read_until(ours, r"Signed in to The IdP as alice")
        assert process.wait(PATIENCE) == 0


def test_the_account_is_there_for_the_next_process(env, browser, oidc):
    with in_terminal({**env, "BROWSER": browser}, "login", "idp") as (process, ours):
        read_until(ours, r"Signed in")
        process.wait(PATIENCE)
    code = (
        "from jupyter_auth import UserSession; "
        f"print(UserSession('idp').get('{oidc.issuer}/api/me').json()['username'])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines()[-1] == "alice"


def test_over_ssh_the_address_is_pasted(env, oidc):
    with in_terminal({**env, "SSH_CONNECTION": "a 1 b 2"}, "login", "idp") as (process, ours):
        url = read_until(ours, rf"({re.escape(oidc.issuer)}/auth\S+)")[1]
        back = oidc.login(url, "alice")
        os.write(ours, b"not an address\n")
        assert "not the address" in process.stdout.readline()
        os.write(ours, f"{back}\n".encode())
        read_until(ours, r"Signed in to The IdP as alice")
        assert process.wait(PATIENCE) == 0


def test_with_nobody_there_it_is_said_at_once(env):
    code = "from jupyter_auth import UserSession; UserSession('idp')"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert "LoginRequired: Nobody is signed in to The IdP." in ran.stderr
