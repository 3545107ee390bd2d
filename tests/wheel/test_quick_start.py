"""The README's quick start as it stands there, from ``pip install`` to a 200.

Only its hosts are replaced. The provider compares redirect URIs exactly, and has pages of its own.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import venv
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from browser.chromium import chromium, new_context
from browser.lab import Lab
from browser.notebook import Notebook
from browser.sign_in_tab import follow
from environments.terminal import NOWHERE_ELSE, Terminal, run
from kernel.kernel_process import environment
from patience import until
from processes import free_port
from providers.servers.canaille import Canaille

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.sync_api import BrowserContext, Page

ROOT = Path(__file__).parents[2]
QUICK_START = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Use it")[2]
INSTALL, ADD = re.findall(r"^```sh\n(.*?)^```$", QUICK_START, re.MULTILINE | re.DOTALL)[:2]
SET_UP, _, SIGN_IN = ADD.partition("jupyter auth login")
SIGN_IN = f"jupyter auth login{SIGN_IN}"
CALL = re.search(r"^```python\n(.*?)^```$", QUICK_START, re.MULTILINE | re.DOTALL)[1]

pytestmark = pytest.mark.timeout(1800)  # the first time, pip downloads JupyterLab


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory) -> Path:
    """That of somebody's JupyterLab, after the README's ``pip install``."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    shell(f"pip install --quiet -c {ROOT / 'constraints.txt'} jupyterlab", python, os.environ)
    shell(INSTALL.replace("jupyter-auth-session", str(wheel)), python, os.environ)
    return python


@pytest.fixture(scope="module")
def lab(python, tmp_path_factory):
    with Lab(tmp_path_factory.mktemp("lab"), {}, python=python) as started:
        yield started


@pytest.fixture(scope="module")
def places(lab):
    """The address of a JupyterLab that runs, and one where none does."""
    running = lab.url.replace("127.0.0.1", "localhost")
    return SimpleNamespace(lab=running, terminal=f"http://localhost:{free_port()}")


@pytest.fixture
def provider(places):
    callbacks = [f"{each}/jupyter-auth/callback/acme" for each in vars(places).values()]
    with Canaille(callbacks) as started:
        yield started


@pytest.fixture(scope="module")
def chrome():
    with chromium() as started:
        yield started


@pytest.fixture
def browser(chrome):
    with new_context(chrome) as context:
        yield context


def typed(text: str, provider: Canaille, jupyter: str) -> str:
    """The README's words at this provider, whose API has another path."""
    for theirs, ours in {
        "https://login.acme.example": provider.issuer,
        "https://api.acme.example/v1/": f"{provider.issuer}/oauth/",
        "http://localhost:8888": jupyter,
        '"me"': '"userinfo"',
    }.items():
        assert theirs in ADD + CALL
        text = text.replace(theirs, ours)
    return text


def test_in_jupyterlab(lab, places, provider, python, browser):
    home = {"HOME": str(lab.home), "XDG_CONFIG_HOME": str(lab.own_providers.parent)}
    shell(typed(SET_UP, provider, places.lab), python, os.environ | home)
    book = Notebook.open(lab, browser, lab.notebook("start", typed(CALL, provider, places.lab)))
    book.start(0)
    tab = follow(book.output(0).get_by_role("link", name="Sign in to acme"))
    provider.identify(tab)
    provider.allow(tab)
    book.finished()
    expect(book.output(0)).to_contain_text(provider.username)


def test_in_a_terminal_a_wrong_client_is_corrected(places, provider, python, browser, tmp_path):
    """Without a file: the provider knows no such client, and one command says the right one."""
    opened = tmp_path / "opened"
    env = environment(tmp_path) | {"BROWSER": f"bash -c 'echo %s > {opened}'"}
    env = {name: value for name, value in env.items() if name not in NOWHERE_ELSE}
    set_up = typed(SET_UP, provider, places.terminal)
    wrong = set_up.replace(provider.client_id, "another").partition("jupyter auth doctor")[0]
    shell(wrong, python, env)
    login = shlex.split(SIGN_IN, comments=True)[1:]
    with Terminal(env, *login, python=python.with_name("jupyter")) as terminal:
        tab = arrive(browser, opened)
        provider.identify(tab)
        expect(tab.get_by_text("Page not found")).to_be_visible()  # of that client
        terminal.interrupt()
        terminal.ended()
    shell(f"jupyter auth add acme --client-id {provider.client_id}", python, env)
    with Terminal(env, *login, python=python.with_name("jupyter")) as terminal:
        tab = arrive(browser, opened)
        provider.allow(tab)
        expect(tab.get_by_role("heading", name="Signed in")).to_be_visible()
        terminal.read("Signed in to acme as ada")
        assert terminal.ended() == 0
    script = tmp_path / "report.py"
    script.write_text(typed(CALL, provider, "") + "print(session.get('userinfo'))")
    assert run(env, str(script), python=str(python)).stdout == "<Response [200]>\n"


def shell(commands: str, python: Path, env: Mapping[str, str]) -> None:
    path = {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["bash", "-euc", commands], env={**env, **path}, check=True)


def arrive(browser: BrowserContext, opened: Path) -> Page:
    """What the browser of this machine does with what it is opened at."""
    until(opened.exists)
    tab = browser.new_page()
    tab.goto(opened.read_text().strip())
    opened.unlink()
    return tab
