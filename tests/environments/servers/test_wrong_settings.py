"""What is wrong with one setting is said, and all else works: in the log, to kernels, by doctor."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from environments.home import configure
from environments.servers.configured_server import Started
from environments.servers.server_kernel import ServerKernel
from patience import PATIENCE
from server.jupyter_process import JupyterProcess

PLANTED = "planted-client-secret"
USE = "from jupyter_auth import UserSession\nUserSession({!r}, interactive=False)"


@pytest.fixture
def idp(oidc):
    return {"issuer": oidc.issuer, "client_id": "wrong-settings", "scopes": "openid profile"}


def terminal(server, *words):
    """What ``jupyter auth`` says beside that server."""
    (file,) = server.runtime.glob("jupyter_auth-*.json")
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_auth.cli", *words],
        env=os.environ | server.environment() | {"JUPYTER_AUTH_CONNECTION": str(file)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    return " ".join(done.stdout.split())


def said_at_start(server):
    return [line for line in server.lines if "Wrong setting: " in line]


def test_a_provider_that_cannot_work_is_off_and_the_others_work(oidc, idp, tmp_path):
    wrong = {
        "acme": (idp | {"isuer": "x"}, "Provider 'acme' has an unknown field 'isuer'."),
        "github": (
            {"client_id": "x", "scopes": 5},
            "The field 'scopes' of provider 'github' must be",
        ),
        "Not A Name": (idp, "'Not A Name' in c.JupyterAuth.providers is not a valid provider name"),
    }
    tables = {name: table | {"client_secret": PLANTED} for name, (table, _) in wrong.items()}
    settings = {"providers": {"idp": idp, **tables}, "default_provider": "acme"}
    server = JupyterProcess(tmp_path / "home", **settings)
    own = server.home / "user" / "jupyter_auth" / "providers.toml"  # a person's of that name
    own.parent.mkdir(parents=True)
    own.write_text(f'[acme]\nissuer = "{oidc.issuer}"\nclient_id = "mine"\n')
    with server:
        oidc.add_client(idp["client_id"], f"{server.origin}/base/jupyter-auth/callback/idp")
        kernel, browser = server.kernel(), server.browser()
        browser.arrive(oidc.login(browser.open(kernel.begin("idp")), "alice"))
        assert oidc.introspect(kernel.token("idp")["access_token"])["active"]
        found = kernel.call("GET", "providers")
        listed = {each["name"]: each["source"] for each in found["providers"]}
        assert [name for name, source in listed.items() if source == "broken"] == ["acme", "github"]
        assert found["default"] == "acme"  # and no other in its place
        assert "acme acme broken" in terminal(server, "providers")
        doctor = terminal(server, "doctor")
        with ServerKernel(server) as process:
            assert wrong["acme"][1] in process.run(USE.format(None)).text()
            for name, (_, words) in wrong.items():
                api = browser.send("POST", "jupyter-auth/api/v1/logins", {"provider": name})
                here = process.run(USE.format(name)).text()
                there = terminal(server, "login", name)
                for text in (api.json()["message"], here, there, doctor):
                    assert words in text, (name, text)
                assert "Correct it " in here
        assert kernel.ask("PUT", "providers/acme", idp)[0] == 400  # nor one made in code
        assert len(said_at_start(server)) == len(wrong)
        assert PLANTED not in "".join(said_at_start(server)) + doctor


WRONG = {
    "allow_user_providers": ("maybe", "True or False.", "it counts as False"),
    "discover": (5, "True, False or a list of hosts.", "it counts as False"),
    "default_provider": ("acne", "No provider is called 'acne'.", "there is no default"),
    "public_url": ("nowhere", "'nowhere' is not an http or https URL.", "it is left out"),
    "login_lifetime": (7000, "a number of seconds, 1 to 600.", "600 is used"),
    "store_directory": (5, "a string.", "the default is used"),
}


def test_a_setting_that_is_wrong_counts_as_its_safe_default(idp, tmp_path):
    settings = {name: value for name, (value, *_) in WRONG.items()}
    with JupyterProcess(tmp_path / "home", providers={"idp": idp}, **settings) as server:
        doctor, said = terminal(server, "doctor"), said_at_start(server)
        assert len(said) == len(WRONG)
        for name, (_, words, counts) in WRONG.items():
            (line,) = [line for line in said if f"c.JupyterAuth.{name}" in line]
            fix = f"Correct it and restart the server; until then {counts}."
            for text in (line, doctor):
                assert words in text
                assert fix in text
        kernel = server.kernel()
        assert kernel.call("GET", "providers")["default"] == "idp"  # the only one there is
        assert "administrator" in kernel.ask("PUT", "providers/mine", idp)[1]["message"]
        before = time.time()
        login = kernel.begin("idp")
        assert (login["url"], login["inner"]) == (server.origin + login["path"], True)
        assert before + 600 <= login["expires_at"] <= time.time() + 600
        assert str(server.home / "share" / "jupyter_auth") in doctor


def test_where_providers_are_no_table_people_have_their_own(oidc, tmp_path):
    given = [{"client_id": "x", "client_secret": PLANTED}]
    with JupyterProcess(tmp_path / "home", providers=given) as server:
        configure(server.home / "user", oidc)
        words = "c.JupyterAuth.providers must be a dict."
        (line,) = said_at_start(server)
        doctor = terminal(server, "doctor")
        assert words in line
        missed = server.kernel().ask("POST", "logins", {"provider": "acme"})[1]
        for text in (doctor, missed["hint"]):  # it may be there that acme was meant to be
            assert words in text
        assert PLANTED not in line + doctor + str(missed)
        assert server.kernel().begin("idp")["status"] == "pending"


def test_a_server_that_cannot_open_its_socket_says_so_to_kernels(oidc, tmp_path):
    nowhere = {"jupyter_server_config.py": "import tempfile\ntempfile.tempdir = '/not/there'\n"}
    server = Started(tmp_path / "home", "server", nowhere)
    reason = "The socket for kernels cannot be opened: [Errno 2] No such file or directory"
    configure(server.home / "user", oidc)
    with server, ServerKernel(server) as kernel:
        server.wait_for_log(f"Sign-in for kernels is off. {reason}")
        first = kernel.run(USE.format("idp"), allow_stdin=False).text()
        assert reason in first
        assert "restart the server" in first
        assert "enable" not in first
        assert "LoginRequired" in first  # it looked into the store, and nobody is there to ask
        report = kernel.run("%load_ext jupyter_auth\n%auth doctor", allow_stdin=False).text()
        assert reason in " ".join(report.split())
