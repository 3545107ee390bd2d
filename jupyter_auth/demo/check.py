"""``jupyter auth demo --check``: the demo without a window, step by step."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from jupyter_auth.demo.browser import Browser, CheckFailed, wait_for_lab
from jupyter_auth.demo.cells import Cells
from jupyter_auth.demo.demo_server import DemoServer
from jupyter_auth.demo.people import PEOPLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.demo.cells import Cell

__all__ = ["CheckFailed", "check"]

SIGN_IN = "sign-in"  # the cell that asks for the sign-in
START = 90.0  # seconds that JupyterLab may take to start


def check(*, port: int | None, base_url: str, token_lifetime: int) -> None:
    """Go through the demo as a person would; ``CheckFailed`` says what failed.

    ``token_lifetime``: seconds; the check waits until an access token has expired.
    """
    with (
        DemoServer(port=port, base_url=base_url, token_lifetime=token_lifetime) as demo,
        demo.log.open("wb") as log,
    ):
        began = time.monotonic()
        lab = wait_for_lab(demo.start(log), demo, START)
        _say(f"JupyterLab is up at {lab.url} ({time.monotonic() - began:.1f} s)")
        browser = Browser(lab)
        with Cells(browser, demo) as cells:
            _say("A kernel runs for the notebook")
            _go_through(cells, browser, token_lifetime)
    _say("Everything worked, and its files are deleted")


def _go_through(cells: Cells, browser: Browser, token_lifetime: int) -> None:
    person = PEOPLE[0]
    for cell in cells:
        signs_in = cell.id == SIGN_IN
        shown = _run(cells, cell, (lambda: _sign_in(browser, person.sub)) if signs_in else None)
        if signs_in and person.name not in shown:
            raise CheckFailed(f"The API did not answer who signed in: {shown.splitlines()[-1:]}")
        if cell.id == "later":
            _say(f"{token_lifetime} seconds pass: the token expires")
            time.sleep(token_lifetime)
            if _run(cells, cell) == shown:
                raise CheckFailed("The access token was not refreshed.")
            _say("It was refreshed without a question")
        if cell.id == "sign-out" and browser.accounts():
            raise CheckFailed("An account is still signed in after the sign-out.")


def _run(cells: Cells, cell: Cell, person: Callable[[], None] | None = None) -> str:
    _say(cell.source, mark="In:")
    shown = cells.run(cell, person)  # without one, a cell that asks for a sign-in fails
    _say(shown or "(nothing)", mark="ok")
    return shown


def _sign_in(browser: Browser, person: str) -> None:
    page = browser.open_login()
    _say(f"The button's page says: {page}")
    choice = browser.leave()
    _say(f"The provider's page asks: {choice}")
    _say(f"Back at Jupyter: {browser.choose(person)}")
    names = [f"{account['username']} at {account['provider']}" for account in browser.accounts()]
    if not names:
        raise CheckFailed("No account is signed in after the sign-in.")
    _say(f"Signed in: {', '.join(names)}")


def _say(text: str, *, mark: str = "ok") -> None:
    """Print one step, with replacements for characters that the terminal cannot show."""
    first, *more = text.splitlines()
    lines = [f"  {mark:4}{first}", *(f"      {line}".rstrip() for line in more)]
    encoding = sys.stdout.encoding or "utf-8"
    for line in lines:
        sys.stdout.write(line.encode(encoding, "replace").decode(encoding) + "\n")
    sys.stdout.flush()
