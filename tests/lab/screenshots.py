"""``make screenshots``: status item, panel and notifications, in JupyterLab and Notebook 7.

``python -m lab.screenshots FOLDER`` writes PNG files, light and dark; ``accounts.png`` is for the
documentation.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import expect

from browser import cells
from browser.chromium import chromium
from browser.lab_providers import campus
from browser.notebook import Notebook
from browser.pages.every_page import visitor
from browser.sign_in_tab import allow, follow, identify, sign_in
from lab.panel import GO, SIGNED_IN, Front, end_at_provider
from lab.states import every_state
from providers.oidc import OidcProvider

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from browser.lab import Lab

QUOTA = """import time
from jupyter_auth.core.common.rate_limits import Limits, Quota
from jupyter_auth.kernel.broker.connect import connect
quota = Quota(limit=5000, remaining=4321, reset_at=time.time() + 1800)
names = ("survey.ipynb", "analysis.ipynb", "nightly.ipynb", "teaching.ipynb")
seen = Limits(provider="idp", session_key="default", quota=quota, notebooks=names)
connect().usage(seen);
"""
STAGE = {"width": 900, "height": 620}
IN_THE_DARK = "UserSession('idp', interactive=False).get('me')"


@dataclass
class Album:
    """Pictures of one look of one front end."""

    folder: Path
    name: str
    lab: Lab
    oidc: OidcProvider
    page: Page

    def take(self, opener) -> None:
        book = opener(
            self.lab,
            self.page.context,
            self.lab.notebook("analysis", cells.SESSION, QUOTA, cells.WIDGET, IN_THE_DARK),
        )
        front = Front(book.page)
        book.page.set_viewport_size({"width": 1100, "height": 800})
        front.show()
        expect(front.panel).to_contain_text("Not signed in yet.")
        self._keep("nobody", book)
        self._waiting(book, front)
        self._signed_in(book, front)
        self._ended(book, front)
        self.lab.tidy()
        book.page.close()

    def _keep(self, state: str, book: Notebook) -> None:
        file = self.folder / f"{self.name}-{state}.png"
        book.page.screenshot(path=file, animations="disabled")

    def _waiting(self, book: Notebook, front: Front) -> None:
        book.start(0)
        expect(front.account("Requested by")).to_be_visible()
        self._keep("waiting", book)
        self.page.context.clear_cookies(domain="localhost")  # the provider knows nobody
        tab = follow(front.panel.get_by_role("link", name=GO))
        identify(tab)
        allow(tab)
        book.finished()

    def _signed_in(self, book: Notebook, front: Front) -> None:
        self.page.context.clear_cookies(domain="localhost")
        sign_in(follow(front.add("campus", "work")), "bob")
        book.run(1, 2)
        expect(book.output(2)).to_contain_text(SIGNED_IN)
        expect(book.output(2)).to_contain_text("4321 of 5000 calls left")
        expect(front.account("4321 of 5000 calls left")).to_be_visible()
        expect(front.account("bob")).to_be_visible()
        self._keep("signed-in", book)

    def _ended(self, book: Notebook, front: Front) -> None:
        end_at_provider(self.oidc)
        book.run(3)
        expect(front.notification("Sign-in needed for")).to_be_visible()
        expect(front.account("Sign-in needed")).to_be_visible()
        expect(book.output(2)).to_contain_text("Sign-in needed for")
        self._keep("ended", book)


def portrait(file: Path, lab: Lab, browser: Browser) -> None:
    """Panel, status item and notification in one small picture: one account there, one missing."""
    with visitor(browser, lab, "light") as page:
        path = lab.notebook("analysis", cells.SESSION)
        book = Notebook.open(lab, page.context, path)
        book.page.set_viewport_size(STAGE)
        front = Front(book.page)
        panel = front.show()
        sign_in(follow(front.add("campus", "work")), "bob")
        expect(front.account("bob")).to_be_visible()
        panel.get_by_label("Name or address").fill("")
        book.start()
        expect(front.account("Requested by")).to_be_visible()
        beside = book.open_beside(lab.notebook("survey", "1"))
        beside.show()
        expect(front.notification("needs you")).to_be_visible()
        shot = Image.open(BytesIO(book.page.screenshot(animations="disabled")))
        shot.convert("RGB").quantize(128).save(file, optimize=True)
        book.interrupt()
    lab.tidy()


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    openers = {"lab": Notebook.open, "notebook7": Notebook.open_alone}
    with (
        tempfile.TemporaryDirectory() as home,
        OidcProvider() as oidc,
        campus(Path(home), oidc) as lab,
        chromium() as browser,
    ):
        with visitor(browser, lab, "light") as page:
            for name in every_state(page, lab):
                page.screenshot(path=folder / f"panel-{name}.png", animations="disabled")
        portrait(folder / "accounts.png", lab, browser)
        for look in ("light", "dark"):
            for name, opener in openers.items():
                with visitor(browser, lab, look) as page:
                    Album(folder, f"{name}-{look}", lab, oidc, page).take(opener)


if __name__ == "__main__":
    main()
