"""A person in front of a provider's pages, played by ``requests``: fills in what it is shown."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

from patience import PATIENCE

MAX_STEPS = 20  # login, consent and the redirects between them are about eight


class LoginRefused(Exception):
    """The provider showed an error instead of going on."""


class Person:
    """Knows one user name and password, and whether to allow what is asked. No cookies yet."""

    def __init__(self, username: str, password: str, *, consent: bool = True) -> None:
        self._answers = {"username": username, "password": password}
        self._decision = "allow" if consent else "deny"
        self._browser = requests.Session()
        self._browser.trust_env = False
        self._browser.headers["Accept"] = "text/html"

    def visit(self, url: str, issuer: str) -> str:
        """Follow the pages from ``url`` until they leave ``issuer``, or until no form is left.

        Returns the address reached, which was not fetched if it is not the issuer's. Raises
        LoginRefused for an error page or a rejected password.
        """
        with self._browser:
            response = self._send("GET", url)
            for _ in range(MAX_STEPS):
                if location := response.headers.get("Location"):
                    target = urljoin(response.url, location)
                    if not target.startswith(f"{issuer}/"):
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

    def _send(self, method: str, url: str, form: dict[str, str] | None = None) -> requests.Response:
        return self._browser.request(
            method, url, data=form, allow_redirects=False, timeout=PATIENCE
        )

    def _fill(self, page: _Page) -> dict[str, str]:
        form = {name: self._answers.get(name, value) for name, value in page.fields.items()}
        if self._decision == "deny":
            form.pop("allow", None)  # a button of the consent page of django-oauth-toolkit
        if page.decisions:
            consenting = self._decision in page.decisions and "allow" in page.decisions
            form["decision"] = self._decision if consenting else page.decisions[0]
        return form


class _Page(HTMLParser):
    """The first form of a page: where it goes, its fields and its ``decision`` buttons."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.decisions: list[str] = []
        self.error = ""
        self._in_error = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if tag == "form" and self.action is None:
            self.action = given.get("action", "")
        elif tag == "input" and "name" in given:
            self.fields[given["name"]] = given.get("value", "")
        elif tag == "button" and given.get("name") == "decision":
            self.decisions.append(given["value"])
        self._in_error = given.get("role") == "alert"

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self._in_error = False

    def handle_data(self, data: str) -> None:
        if self._in_error:
            self.error += data
