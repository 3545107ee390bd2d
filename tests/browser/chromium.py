"""Debian's Chromium, as little changed as a test can bear."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect, sync_playwright

from patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # This machine, as browsers on others see it: by a name, and not by a port of their own.
    "--host-resolver-rules=MAP notebooks.example 127.0.0.1, MAP localhost:8765 ~NOTFOUND",
]
# A page that closes itself when it was shown for a while does so once it was seen: see `person`.
CLOSING = """
  const close = window.close.bind(window);
  window.close = () => { window.wasSeen ? close() : setTimeout(window.close, 50); };
"""

expect.set_options(timeout=PATIENCE * 1000)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that blocks pop-ups, which Playwright's own would not."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=FLAGS,
            ignore_default_args=["--disable-popup-blocking"],
        )
        try:
            yield browser
        finally:
            browser.close()


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """A browser that nobody has used, with patience."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE * 1000)
    context.add_init_script(CLOSING)
    return context
