"""A person with a home of their own, a provider in it, and a browser that signs them in."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from environments.home import configure
from environments.terminal import NOWHERE_ELSE
from kernel.kernel_process import environment

TESTS = Path(__file__).parents[1]

# What the system's browser does with a link: it goes where that leads, and alice signs in there.
BROWSER = """
import sys, requests
sys.path.insert(0, {tests!r})
from browser_file import leads_to, leaves
from providers.person import Person
browser = requests.Session()
there = leaves(browser, leads_to(sys.argv[1]))
back = Person("alice", "wonderland").visit(there, {issuer!r})
assert "Signed in" in browser.get(back).text
"""


@pytest.fixture
def env(oidc, tmp_path):
    """The environment of somebody at this machine, with one provider of their own."""
    made = environment(tmp_path)
    for name in (*NOWHERE_ELSE, "BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "JPY_PARENT_PID"):
        made.pop(name, None)
    configure(Path(made["XDG_CONFIG_HOME"]), oidc)
    return made


@pytest.fixture
def browser(oidc, tmp_path):
    """The command of a browser of this machine, for BROWSER."""
    program = tmp_path / "browser.py"
    program.write_text(BROWSER.format(tests=str(TESTS), issuer=oidc.issuer))
    return f"{sys.executable} {program} %s"
