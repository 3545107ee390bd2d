"""The address that a Hub sends a browser back to its service with."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin

from hub.service_client import PLACE
from patience import PATIENCE

if TYPE_CHECKING:
    from hub.hub_process import HubBrowser


SESSION = "jupyterhub-session-id"


def code_for(browser: HubBrowser) -> str:
    """The address that the Hub sends this browser back to the service with, not visited yet."""
    place = browser.hub.url(f"{PLACE}login/none")
    while "/oauth_callback?" not in place:
        answer = browser.session.get(place, timeout=PATIENCE, allow_redirects=False)
        assert answer.status_code == 302, answer.text
        place = urljoin(place, answer.headers["Location"])
    return place
