"""Scripts of 4insight's users, ported by `how-to/migrate.md`: run as they are, at the real host
names, in an environment that has ``fourinsight-api`` and in one that has not.
"""

from __future__ import annotations

import json
import sys
from importlib import metadata

import pytest

from environments.terminal import Terminal
from providers.internet import Internet
from providers.presets.fourinsight import FourInsight
from server.jupyter_process import JupyterProcess
from systems.machine import Machine, install, python_without

LOGIN = "https://4subseaid.b2clogin.com/4subseaid.onmicrosoft.com/oauth2/v2.0/token?p=B2C_1A_SignIn"
HOSTS = ("api.4insight.io", "4subseaid.b2clogin.com", "login.microsoftonline.com")


@pytest.fixture
def fourinsight():
    package = metadata.distribution("fourinsight-api")
    constants = json.loads(package.locate_file("fourinsight/api/_constants.json").read_text())
    with FourInsight() as server:
        server.api, server.login = "https://api.4insight.io", LOGIN
        server.user_client_secret = constants["USER_CLIENT_SECRET"]
        yield server


@pytest.fixture
def machine(fourinsight, tmp_path):
    with Internet(tmp_path, dict.fromkeys(HOSTS, fourinsight.port)) as internet:
        yield Machine(tmp_path, internet)
        assert internet.unknown == []


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    return python_without("fourinsight-api", tmp_path_factory.mktemp("without"))


@pytest.fixture(params=["with", "without"])
def either(request, without):
    """A Python that has their package, and one that has not."""
    return sys.executable if request.param == "with" else without


def sign_in(terminal, fourinsight, person="alice@4subsea.example"):
    terminal.read("https://4insight.io/auth")
    terminal.read("Paste it here: ")
    terminal.type(fourinsight.package(person))
    terminal.read(r"\[y/N\] ")
    terminal.type("y")


# What a person runs


def test_campaigns(machine, fourinsight):
    with machine.terminal("fourinsight_campaigns.py") as terminal:
        sign_in(terminal, fourinsight)
        terminal.read("campaign 3")
        assert terminal.ended() == 0
    again = machine.run("fourinsight_campaigns.py")  # nobody is asked twice
    assert again.stdout.splitlines()[-3:] == ["campaign 1", "campaign 2", "campaign 3"]
    assert [call.headers["host"] for call in fourinsight.requests] == [
        "4subseaid.b2clogin.com",
        *["api.4insight.io"] * 6,
    ]


def test_two_people(machine, fourinsight):
    with machine.terminal("fourinsight_two_people.py") as terminal:
        sign_in(terminal, fourinsight, "alice@4subsea.example")
        sign_in(terminal, fourinsight, "bob@4subsea.example")
        terminal.read("my_unique_session_0 reads alice@4subsea.example")
        terminal.read("my_unique_session_1 reads bob@4subsea.example")
        assert terminal.ended() == 0
    left = json.loads(machine.jupyter_auth("status", "--json").stdout)["accounts"]
    assert [each["session_key"] for each in left] == ["my_unique_session_0"]


# At night


def test_nightly(machine, fourinsight, either):
    machine.env |= {"FOURINSIGHT_ID": fourinsight.client_id}
    machine.env |= {"FOURINSIGHT_SECRET": fourinsight.client_secret}
    ran = machine.run("fourinsight_nightly.py", python=either)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "3 campaigns\n", "")
    assert fourinsight.requests[0].headers["host"] == "login.microsoftonline.com"


def test_nightly_with_the_credentials_in_the_environment(machine, fourinsight, either):
    machine.env["JUPYTER_AUTH_4INSIGHT_CLIENT_ID"] = fourinsight.client_id
    machine.env["JUPYTER_AUTH_4INSIGHT_CLIENT_SECRET"] = fourinsight.client_secret
    ran = machine.run("fourinsight_service_account.py", python=either)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "[1]\n", "")


def test_nightly_without_credentials_asks_for_these_and_sends_no_others(
    machine, fourinsight, either
):
    """Where the package is, so is the secret of an application for people."""
    ran = machine.run("fourinsight_service_account.py", python=either)
    assert ran.returncode == 1
    said = ran.stderr.splitlines()[-1]
    assert "No client secret of a service account was found for 4insight." in said
    assert "JUPYTER_AUTH_4INSIGHT_CLIENT_ID and JUPYTER_AUTH_4INSIGHT_CLIENT_SECRET" in said
    assert fourinsight.requests == []


# Where their package is not installed

LACKS = "The client secret for 4insight comes with the package fourinsight-api, which isn't"


def test_without_the_package_a_script_says_so_before_a_code_is_asked_for(
    machine, fourinsight, without
):
    with machine.terminal("fourinsight_campaigns.py", python=without) as terminal:
        terminal.read(LACKS)
        terminal.read(f"`{without} -m pip install fourinsight-api`")
        assert terminal.ended() == 1
    assert "Paste it here" not in terminal.text
    assert fourinsight.requests == []


def test_without_the_package_a_registration_of_ones_own_will_do(machine, fourinsight, without):
    fourinsight.user_client_id, fourinsight.user_client_secret = "mine", "mine-5ec2"
    add = ("-m", "jupyter_auth.cli", "add", "4insight", "--client-id", "mine", "--client-secret")
    with Terminal(machine.env, *add, python=without) as terminal:  # as the pages say
        terminal.read("Client secret")
        terminal.type("mine-5ec2")
        terminal.read("Added 4insight")
        assert terminal.ended() == 0
    with machine.terminal("fourinsight_campaigns.py", python=without) as terminal:
        sign_in(terminal, fourinsight)
        terminal.read("campaign 3")
        assert terminal.ended() == 0


def test_without_the_package_the_terminal_and_doctor_say_so(machine, fourinsight, without):
    for command in ("login", "doctor"):
        ran = machine.jupyter_auth(command, "4insight", python=without)
        said = " ".join((ran.stdout + ran.stderr).split())
        assert ran.returncode == 1
        assert LACKS in said, command
        assert f"{without} -m pip install fourinsight-api" in said
    assert [each for each in fourinsight.requests if each.method == "POST"] == []


def test_without_the_package_the_page_says_so_and_goes_on_once_it_is_there(tmp_path):
    server = JupyterProcess(tmp_path / "jupyter")
    server.python = python_without("fourinsight-api", tmp_path / "venv")
    with server:
        login, browser = server.kernel().begin("4insight"), server.browser()
        page = browser.page(login["path"])
        assert LACKS.replace("'", "&#39;") in page
        assert f"{server.python} -m pip install fourinsight-api" in page
        assert "4subseaid.b2clogin.com" in page  # where the secret may be sent
        assert "Code from 4insight" not in page
        install("fourinsight-api", tmp_path / "venv")
        assert "Code from 4insight" in browser.page(login["path"])


# What their package keeps

THEIRS = """
from fourinsight.api import UserSession
print("theirs reads", UserSession().get("https://api.4insight.io/v1.0/me").json()["mail"])
"""


@pytest.mark.parametrize("host", ["4subseaid.b2clogin.com", "login.microsoftonline.com"])
def test_their_package_signs_in_and_ours_goes_on_from_there(machine, fourinsight, host):
    """Which also shows that the double is one that their package takes for 4insight."""
    fourinsight.login = LOGIN.replace("4subseaid.b2clogin.com", host)
    with Terminal(machine.env, "-W", "ignore", "-c", THEIRS) as terminal:
        terminal.read("Paste code here: ")
        terminal.type(fourinsight.package())
        terminal.read("theirs reads alice@4subsea.example")
        assert terminal.ended() == 0
    ran = machine.jupyter_auth("import", "4insight")
    assert ran.stdout.startswith("Signed in to 4insight"), ran.stderr
    assert machine.run("fourinsight_campaigns.py").stdout.endswith("campaign 3\n")
    hosts = {each.headers["host"] for each in fourinsight.requests if each.method == "POST"}
    assert hosts == {host}
