"""Debian's Chromium, as little changed as a test can bear."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

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
