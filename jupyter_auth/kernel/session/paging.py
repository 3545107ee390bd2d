"""Where an API says its next page is."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin

if TYPE_CHECKING:
    from requests import Response


def next_page(response: Response) -> str | None:
    """The URL of the page after ``response``: ``@odata.nextLink`` or ``next`` in its JSON object,
    or a Link header with ``rel="next"`` (RFC 8288). None: it is the last one.
    """
    link = _in_body(response) or response.links.get("next", {}).get("url")
    return urljoin(response.url, link) if link else None


def _in_body(response: Response) -> str | None:
    if "json" not in response.headers.get("Content-Type", "").lower():
        return None
    try:
        body = response.json()
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    links = (body.get("@odata.nextLink"), body.get("next"))
    return next((link for link in links if link and isinstance(link, str)), None)
