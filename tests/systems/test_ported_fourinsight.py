"""Scripts of 4insight's users, ported by the README's table: run as they are, at the real host
names, in an environment that has ``fourinsight-api`` and in one that has not.
"""

from __future__ import annotations

import json
import sys
from importlib import metadata

import pytest
from providers.fourinsight import FourInsight
from providers.internet import Internet
from systems.machine import Machine, python_without

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


def test_nightly(machine, fourinsight, either):
    machine.env |= {"FOURINSIGHT_ID": fourinsight.client_id}
    machine.env |= {"FOURINSIGHT_SECRET": fourinsight.client_secret}
    ran = machine.run("fourinsight_nightly.py", python=either)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "3 campaigns\n", "")
    assert fourinsight.requests[0].headers["host"] == "login.microsoftonline.com"
