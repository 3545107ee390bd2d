"""The form of a login's page, filled in and sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests

    from server.jupyter_process import Browser


class Form:
    """The form of one login's page, filled in and sent as the page's script does."""

    def __init__(self, browser: Browser, login: dict[str, Any]) -> None:
        self.browser = browser
        self.path = login["path"]

    @property
    def page(self) -> str:
        return self.browser.get(self.browser.origin + self.path).text

    @property
    def host(self) -> str:
        return re.search(r'data-host="([^"]*)"', self.page)[1]

    def send(self, **fields: Any) -> requests.Response:
        headers = fields.pop("headers", {})
        body = {"host": self.host, **fields}
        return self.browser.send("POST", self.browser.origin + self.path, body, **headers)

    def sent(self, **fields: Any) -> str:
        """Sent and taken; the text of the page that follows."""
        answer = self.send(**fields)
        assert (answer.status_code, answer.json()) == (200, {"url": self.path})
        return self.browser.page(self.path)
