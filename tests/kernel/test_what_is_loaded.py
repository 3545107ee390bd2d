"""What a process loads to read a token that is stored and valid: by structure, not by time."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from kernel.kernel_process import environment
from kernel.stored_token import TOKEN, store_token

# What a login, a renewal, a doctor, a notebook or a write needs.
NEVER = frozenset(
    {"IPython", "dataclasses", "filelock", "http.server", "inspect", "ipywidgets", "joserfc"}
    | {"oauthlib", "psutil", "requests_oauthlib", "segno", "tomlkit", "tornado"}
    | {"jupyter_auth.core.doctor.provider_checks", "jupyter_auth.core.login.grants"}
    | {"jupyter_auth.core.login.logins", "jupyter_auth.core.protocol.oauth"}
    | {"jupyter_auth.core.tokens.renewal", "jupyter_auth.kernel.prompt.prompt"}
)
# What a session has from requests; a command that prints a token sends nothing.
REQUESTS = frozenset({"http.client", "requests", "ssl", "urllib3"})
LIST = "import json, sys; sys.stderr.write(json.dumps(list(sys.modules)))"


@pytest.fixture
def env(tmp_path, elsewhere):
    made = environment(tmp_path)
    store_token(made, elsewhere.origin)
    return made


def ran(env, code: str) -> tuple[str, set[str]]:
    """What it printed, and what it has loaded at its end."""
    command = [sys.executable, "-c", f"{code}\n{LIST}"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return done.stdout, set(json.loads(done.stderr))


def test_a_session_with_a_valid_token_loads_no_login(env, elsewhere):
    said, loaded = ran(
        env,
        "from jupyter_auth import UserSession\n"
        "print(UserSession('idp', interactive=False).get('here').json())",
    )
    assert "{'ok': True}" in said
    assert elsewhere.seen[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert loaded >= REQUESTS
    assert not NEVER & loaded


def test_the_command_that_prints_a_token_loads_no_http(env):
    code = "from jupyter_auth.cli import main\nmain(['token', 'idp'])"
    said, loaded = ran(env, code)
    assert said == f"{TOKEN}\n"
    assert not (NEVER | REQUESTS | {"argparse"}) & loaded


def test_importing_a_session_loads_no_engine(env):
    _, loaded = ran(env, "import jupyter_auth; jupyter_auth.UserSession")
    assert loaded >= REQUESTS
    later = {"jupyter_auth.core.engine", "jupyter_auth.core.models", "tomllib"}
    assert not (NEVER | later) & loaded
