"""The wheel in the oldest JupyterLab that it is for. ``make oldest``: pip has to fetch that one."""

from __future__ import annotations

import subprocess
import sys
import venv
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from browser import cells
from browser.chromium import chromium
from browser.lab import ROOT, Lab
from browser.notebook import Notebook
from browser.sign_in_tab import closes_itself, follow, sign_in
from lab.panel import SIGNED_IN, TITLE, Front

if TYPE_CHECKING:
    from collections.abc import Iterator

OLDEST = "jupyterlab~=4.2.0"

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def lab(oidc, tmp_path_factory) -> Iterator[Lab]:
    """In an environment with nothing but the wheel and that JupyterLab."""
    home = tmp_path_factory.mktemp("oldest")
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", home, ROOT]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    venv.create(home / "venv", with_pip=True)
    python = home / "venv" / "bin" / "python"
    [wheel] = home.glob("*.whl")
    install = [python, "-m", "pip", "install", "--quiet", wheel, OLDEST, "ipykernel"]
    subprocess.run(install, check=True)
    idp = {"title": TITLE, "issuer": oidc.issuer, "client_id": oidc.client_id}
    with Lab(home / "lab", {"providers": {"idp": idp}}, python=python) as lab:
        yield lab
        lab.tidy()


def test_status_notice_panel_and_widget(lab, oidc):
    with chromium() as browser, browser.new_context() as context:
        path = lab.notebook("oldest", cells.call(oidc.issuer), cells.WIDGET)
        book = Notebook.open(lab, context, path)
        version = book.page.evaluate("() => jupyterapp.version")
        assert version.startswith("4.2.")
        front = Front(book.page)
        expect(front.status).to_have_count(0)
        beside = book.open_beside(lab.notebook("oldest-beside", "1"))
        book.start(0)
        beside.show()
        tab = follow(front.notification("needs you").get_by_role("button", name="Sign in"))
        sign_in(tab)
        closes_itself(tab)
        book.finished()
        book.show()
        expect(book.output(0)).to_contain_text("200 alice")
        expect(front.notification("needs you")).to_have_count(0)
        book.run(1)
        expect(book.output(1)).to_contain_text(SIGNED_IN)
        front.show().get_by_role("button", name="Sign out").click()
        expect(front.status).to_have_count(0)
        expect(book.output(1)).to_contain_text("Not signed in")
