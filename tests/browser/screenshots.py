"""``make screenshots``: every page and every state of the prompt and the widget, to be looked at.

``python -m browser.screenshots FOLDER`` writes PNG files, light and dark, and one GIF of a sign-in.
"""

from __future__ import annotations

import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import expect

from browser.chromium import chromium
from browser.lab_providers import campus
from browser.notebook import Notebook
from browser.pages.every_page import LOOKS, Tour, visitor
from browser.sign_in_tab import allow, deny, follow, identify
from providers.oidc import USERS, OidcProvider

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from browser.lab import Lab

STAGE = {"width": 900, "height": 520}
FILM = (
    "from jupyter_auth import UserSession\n\nsession = UserSession('idp')",
    "session.get('me').json()",
)
GO = "Sign in to Example University"


class Album:
    """Pictures of one look, in ``folder``."""

    def __init__(self, folder: Path, look: str, lab: Lab, page: Page) -> None:
        self.folder = folder
        self.look = look
        self.lab = lab
        self.page = page

    def keep(self, name: str, page: Page) -> None:
        page.screenshot(path=self.folder / f"{name}-{self.look}.png", animations="disabled")

    def pages(self) -> None:
        for name, stop in Tour(self.page, self.lab).stops().items():
            stop()
            self.keep(f"page-{name}", self.page)

    def notebooks(self) -> None:
        """Each state is in a notebook of its own, as the prompt and as the widget show it."""
        self._pending()
        self._denied()
        self._interrupted()
        self._signed_in()
        self._doctor()

    def _open(self, name: str) -> Notebook:
        self.page.context.clear_cookies(domain="localhost")  # the provider knows nobody
        path = self.lab.notebook(
            f"{name}-{self.look}",
            "from jupyter_auth import UserSession\nsession = UserSession('idp')",
            "%load_ext jupyter_auth\n%auth login idp",
            "%auth",
            "%auth doctor",
        )
        return Notebook.open(self.lab, self.page.context, path)

    def _close(self, book: Notebook) -> None:
        self.lab.tidy()
        book.page.close()

    def _pending(self) -> None:
        book = self._open("pending")
        book.run(1)
        expect(book.output(1).get_by_role("link", name=GO)).to_be_visible()
        book.start(0)
        expect(book.output(0).get_by_role("link", name=GO)).to_be_visible()
        self.keep("notebook-pending", book.page)
        self._close(book)

    def _denied(self) -> None:
        book = self._open("denied")
        book.run(1)
        book.start(0)
        tab = follow(book.output(1).get_by_role("link", name=GO))
        deny(tab)
        tab.get_by_role("heading", name="Sign-in declined").wait_for()
        tab.close()
        book.finished()
        expect(book.output(1).get_by_role("button", name="Try again")).to_be_visible()
        self.keep("notebook-denied", book.page)
        self._close(book)

    def _interrupted(self) -> None:
        book = self._open("interrupted")
        book.run(1)
        expect(book.output(1).get_by_role("link", name=GO)).to_be_visible()
        book.output(1).get_by_role("button", name="Cancel").click()
        expect(book.output(1).get_by_role("button", name="Try again")).to_be_visible()
        book.start(0)
        expect(book.output(0).get_by_role("link", name=GO)).to_be_visible()
        book.interrupt()
        book.finished()
        self.keep("notebook-interrupted", book.page)
        self._close(book)

    def _signed_in(self) -> None:
        book = self._open("signed-in")
        book.run(1)
        book.start(0)
        tab = follow(book.output(0).get_by_role("link", name=GO))
        identify(tab)
        self.keep("provider-consent", tab)
        allow(tab)
        book.finished()
        book.run(2)
        expect(book.output(2)).to_contain_text("alice")
        expect(book.output(1)).to_contain_text("as alice")
        self.keep("notebook-signed-in", book.page)
        book.run(0)
        self.keep("notebook-again", book.page)
        book.output(1).get_by_role("button", name="Sign out").click()
        expect(book.output(1)).to_contain_text("Not signed in")
        self.keep("notebook-signed-out", book.page)
        self._close(book)

    def _doctor(self) -> None:
        book = self._open("doctor")
        book.run(1)
        book.run(3)
        expect(book.output(3).get_by_role("table")).to_contain_text("Redirect URI")
        self.keep("notebook-doctor", book.page)
        self._close(book)


def film(file: Path, lab: Lab, browser: Browser) -> None:
    """A sign-in under Run All, as one GIF."""
    shots: list[bytes] = []
    with visitor(browser, lab, "light") as page:
        book = Notebook.open(lab, page.context, lab.notebook("sign-in", *FILM))
        book.page.set_viewport_size(STAGE)
        book.command("application:toggle-left-area")
        book.start()
        link = book.output(0).get_by_role("link", name=GO)
        link.hover()
        shots.append(book.page.screenshot())
        tab = follow(link)
        tab.set_viewport_size(STAGE)
        tab.get_by_label("User name").fill("alice")
        tab.get_by_label("Password").fill(USERS["alice"]["password"])
        shots.append(tab.screenshot())
        identify(tab)
        shots.append(tab.screenshot())
        allow(tab)
        shots.append(tab.screenshot())
        book.finished()
        shots.append(book.page.screenshot())
    images = [Image.open(BytesIO(shot)).convert("RGB").quantize(64) for shot in shots]
    times = [1800] * (len(images) - 1) + [4000]  # milliseconds
    images[0].save(file, save_all=True, append_images=images[1:], duration=times, loop=0)


def take(folder: Path, browser: Browser, lab: Lab) -> None:
    for look in LOOKS:
        with visitor(browser, lab, look) as page:
            album = Album(folder, look, lab, page)
            album.pages()
            lab.tidy()
            if look in {"light", "dark"}:
                album.notebooks()


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as home,
        OidcProvider() as oidc,
        campus(Path(home), oidc) as lab,
        chromium() as browser,
    ):
        take(folder, browser, lab)
        film(folder / "sign-in.gif", lab, browser)


if __name__ == "__main__":
    main()
