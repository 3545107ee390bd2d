"""A person in front of a provider's pages, played by ``requests``: fills in what it is shown."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

from patience import PATIENCE

MAX_STEPS = 20  # login, consent and the redirects between them are about eight
# What the buttons of consent pages are called.
YES, NO = {"allow", "approve", "grant", "confirm"}, {"deny", "cancel"}

Form = list[tuple[str, str]]


class LoginRefused(Exception):
    """The provider showed an error instead of going on."""


class Person:
    """Knows one user name and password, and whether to allow what is asked. No cookies yet."""

    def __init__(self, username: str, password: str, *, consent: bool = True) -> None:
        self._answers = {"username": username, "login": username, "password": password}
        self._consent = consent
        self._browser = requests.Session()
        self._browser.trust_env = False
        self._browser.headers["Accept"] = "text/html"

    def visit(self, url: str, *origins: str) -> str:
        """Follow the pages from ``url`` until they leave ``origins``, or until no form is left.

        Returns the address reached, which was not fetched if it is none of the origins'. Raises
        LoginRefused for an error page or a rejected password.
        """
        with self._browser:
            response = self._send("GET", url)
            for _ in range(MAX_STEPS):
                if location := response.headers.get("Location"):
                    target = urljoin(response.url, location)
                    if not target.startswith(tuple(f"{origin}/" for origin in origins)):
                        return target
                    response = self._send("GET", target)
                    continue
                page = _Page(response.text)
                if response.status_code >= 400 or page.error:
                    raise LoginRefused(page.error or response.text)
                if page.action is None:
                    return response.url
                response = self._send("POST", urljoin(response.url, page.action), self._fill(page))
        raise LoginRefused(f"no end after {MAX_STEPS} pages")

    def _send(self, method: str, url: str, form: Form | None = None) -> requests.Response:
        return self._browser.request(
            method, url, data=form, allow_redirects=False, timeout=PATIENCE
        )

    def _fill(self, page: _Page) -> Form:
        form = [(name, self._answers.get(name, value)) for name, value in page.fields]
        if not self._consent:  # a button of django-oauth-toolkit's page, which has no other
            form = [each for each in form if each[0] != "allow"]
        wanted = YES if self._consent else NO
        asked = [button for button in page.buttons if button[1] in wanted]
        if not any(value in YES for _, value in page.buttons):  # nothing is asked: it goes on
            asked = page.buttons
        return form + [button for button in asked[:1] if button[0]]


class _Page(HTMLParser):
    """The first form of a page: where it goes, its fields as they stand, and the buttons."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: Form = []
        self.buttons: Form = []
        self.error = ""
        self._in_error = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        named = given.get("name", ""), given.get("value", "")
        unticked = given.get("type") == "checkbox" and "checked" not in given
        if tag == "form" and self.action is None:
            self.action = given.get("action", "")
        elif tag == "input" and named[0] and not unticked:
            self.fields.append(named)
        elif tag == "button":
            self.buttons.append(named)
        self._in_error = given.get("role") == "alert"

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self._in_error = False

    def handle_data(self, data: str) -> None:
        if self._in_error:
            self.error += data
