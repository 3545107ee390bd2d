"""The next page of an API's response."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin

if TYPE_CHECKING:
    from requests import Response


def next_page(response: Response) -> str | None:
    """The URL of the next page, or None: ``@odata.nextLink`` or ``next`` in the JSON object, or
    the Link header with ``rel="next"`` (RFC 8288).
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
