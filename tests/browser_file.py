"""What the browser of this machine does with what it is opened at."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from patience import PATIENCE

if TYPE_CHECKING:
    import requests


def leads_to(opened: str) -> str:
    """Where a browser ends that is opened there: at the address itself, or where the file leads."""
    if not opened.startswith("file:"):
        return opened
    page = Path(unquote(urlsplit(opened).path)).read_text(encoding="utf-8")
    return unescape(re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page)[1])


def leaves(browser: requests.Session, link: str) -> str:
    """Where a login's link leads; a person clicks on the button of its page, if it has one."""
    page = browser.get(link, allow_redirects=False, timeout=PATIENCE)
    if "Location" in page.headers:
        return page.headers["Location"]
    assert '<form method="post">' in page.text, page.text
    return clicked(browser, link).headers["Refresh"].removeprefix("0;url=")


def clicked(browser: requests.Session, link: str) -> requests.Response:
    """What a click on the button of the page at ``link`` leads to."""
    origin = link.partition("/login/")[0]
    return browser.post(link, headers={"Origin": origin}, timeout=PATIENCE)
