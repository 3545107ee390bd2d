"""``jupyter auth demo --check``: the demo without a window, step by step."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from jupyter_auth.demo.browser import Browser, CheckFailed, wait_for_lab
from jupyter_auth.demo.cells import Cells
from jupyter_auth.demo.people import PEOPLE
from jupyter_auth.demo.place import DemoServer

if TYPE_CHECKING:
    from jupyter_auth.demo.cells import Cell

__all__ = ["CheckFailed", "check"]

SIGN_IN = "sign-in"  # the cell after which somebody signs in
START = 90.0  # seconds that JupyterLab may take to start


def check(*, port: int | None, base_url: str, token_lifetime: int) -> None:
    """Go through the demo as a person would. CheckFailed: one sentence on what did not work.

    ``token_lifetime``: seconds; an access token's end is waited for.
    """
    with (
        DemoServer(port=port, base_url=base_url, token_lifetime=token_lifetime) as place,
        place.log.open("wb") as log,
    ):
        began = time.monotonic()
        lab = wait_for_lab(place.start(log), place, START)
        _say(f"JupyterLab is up at {lab.url} ({time.monotonic() - began:.1f} s)")
        browser = Browser(lab)
        with Cells(browser, place) as cells:
            _say("A kernel runs for the notebook")
            _go_through(cells, browser, token_lifetime)
    _say("All of it worked, and nothing of it stays")


def _go_through(cells: Cells, browser: Browser, token_lifetime: int) -> None:
    person = PEOPLE[0]
    for cell in cells:
        shown = _run(cells, cell)
        if cell.id == SIGN_IN:
            _sign_in(browser, person.sub)
        if cell.id == "who" and person.name not in shown:
            raise CheckFailed(
                f"The API did not answer who signed in, but: {shown.splitlines()[-1:]}"
            )
        if cell.id == "later":
            _say(f"{token_lifetime} seconds pass: that token is no longer valid")
            time.sleep(token_lifetime)
            if _run(cells, cell) == shown:
                raise CheckFailed("The access token was not refreshed.")
            _say("It was refreshed, and nobody was asked")
        if cell.id == "sign-out" and browser.accounts():
            raise CheckFailed("After the sign-out somebody is still signed in.")


def _run(cells: Cells, cell: Cell) -> str:
    _say(cell.source, mark="In:")
    # Where nobody is there to sign in, nobody can be asked to without that being an error.
    shown = cells.run(cell, attended=cell.id == SIGN_IN)
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
        raise CheckFailed("Nobody is signed in after that.")
    _say(f"Signed in: {', '.join(names)}")


def _say(text: str, *, mark: str = "ok") -> None:
    """One step. A terminal that cannot show a character shows another one."""
    first, *more = text.splitlines()
    lines = [f"  {mark:4}{first}", *(f"      {line}".rstrip() for line in more)]
    encoding = sys.stdout.encoding or "utf-8"
    for line in lines:
        sys.stdout.write(line.encode(encoding, "replace").decode(encoding) + "\n")
    sys.stdout.flush()
