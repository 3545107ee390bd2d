"""Insiders without a Jupyter server: scripts at a terminal, and jobs with nobody there."""

from __future__ import annotations

import functools
import re
import sys
from pathlib import Path

import pytest

from environments.terminal import Terminal, run
from processes import free_port
from systems.at_home import OWNER, add_insiders, person_at
from systems.presets import preset_at

TESTS = Path(__file__).parents[2]
BROWSER = """
import sys, requests
sys.path.insert(0, {tests!r})
from browser_file import leads_to
from providers.person import Person
browser = requests.Session()
start = browser.get(leads_to(sys.argv[1]), allow_redirects=False)
back = Person({username!r}, {password!r}).visit(start.headers["Location"], {origin!r})
assert "Signed in" in browser.get(back).text
"""


@pytest.fixture
def fields():
    """What else is written down of the provider."""
    return {}


@pytest.fixture
def env(insiders, tmp_path, fields):
    """Somebody at this machine, to whom the preset is at the server of the test."""
    table = preset_at("insiders", {"https://api.asi.swiss": insiders.origin}, **fields)
    return person_at(tmp_path, {"insiders": table})


@pytest.fixture
def add(env, insiders):
    return functools.partial(add_insiders, env, insiders)


@pytest.fixture
def browser(env, insiders, tmp_path):
    """A browser of this machine, in which their page is signed in at."""
    program = tmp_path / "browser.py"
    who = {"username": insiders.username, "password": insiders.password}
    program.write_text(BROWSER.format(tests=str(TESTS), origin=insiders.origin, **who))
    return env | {"BROWSER": f"{sys.executable} {program} %s"}


def test_a_registration_for_passwords_by_its_name(env, add, insiders):
    """``jupyter auth add insiders --grants password``, then ``UserSession("insiders")``."""
    add("--client-id", insiders.password_client, "--grants", "password")
    with Terminal(env, "-c", OWNER) as terminal:
        terminal.read("User name: ")
        terminal.type(insiders.username)
        terminal.read("Password: ")
        terminal.type(insiders.password)
        terminal.read("Signed in to Insiders")
        terminal.read(f"owner: {insiders.username}")
        assert terminal.ended() == 0
        assert insiders.password not in terminal.text
    assert f"owner: {insiders.username}" in run(env, "-c", OWNER).stdout  # nobody types again


def test_the_grant_is_found_out_after_the_registration_was_written_down(env, add, insiders):
    add("--client-id", insiders.password_client)
    add("--grants", "password")
    with Terminal(env, "-c", OWNER) as terminal:
        terminal.read("User name: ")


def test_the_redirect_uri_is_said_before_the_browser_opens(browser, add, insiders):
    add("--client-id", insiders.code_client, *ANY_PORT)
    with Terminal(browser, "-c", OWNER) as terminal:
        uri = terminal.read(r"Redirect URI: (http://127\.0\.0\.1:\d+/callback/insiders) ")[1]
        terminal.read("register the URI without one")
        terminal.read(f"owner: {insiders.username}")
        assert terminal.ended() == 0
    assert insiders.journal("/oauth2/authorize/")[0]["query"]["redirect_uri"] == uri


ANY_PORT = ("--redirect-uri", "http://127.0.0.1/callback/insiders")  # as is registered there
SAMPLE = f"http://127.0.0.1:{free_port()}/authorized/"  # they have 8000


@pytest.mark.parametrize("fields", [{"redirect_uri": SAMPLE}])
def test_the_one_of_their_sample_code_is_said_to_be_registered_exactly_so(browser, add, insiders):
    add("--client-id", insiders.code_client)
    with Terminal(browser, "-c", OWNER) as terminal:
        said = terminal.read(r"Redirect URI: (\S+) \(register exactly this at Insiders\)")
        assert said[1] == SAMPLE
        terminal.read(f"owner: {insiders.username}")


def test_over_ssh_it_is_said_too(env, add, insiders):
    add("--client-id", insiders.code_client, *ANY_PORT)
    with Terminal(env | {"SSH_TTY": "/dev/pts/1"}, "-c", OWNER) as terminal:
        terminal.read("Redirect URI: http://127")
        terminal.read(re.escape(insiders.origin))
        terminal.read("Paste the address")
