"""What the browser of this machine does with what it is opened at."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit


def leads_to(opened: str) -> str:
    """Where a browser ends that is opened there: at the address itself, or where the file leads."""
    if not opened.startswith("file:"):
        return opened
    page = Path(unquote(urlsplit(opened).path)).read_text(encoding="utf-8")
    return unescape(re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page)[1])
