"""The panel in every state: what a browser shows for what the browser API may answer."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from lab.panel import Front

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page, Route

    from browser.lab import Lab

HOUR = 3600
IDP = {"name": "idp", "title": "Example University", "host": "login.example.edu", "source": "user"}
LONG = {
    "name": "long",
    "title": "The Federated Institute for Applied Computational Oceanography and Meteorology",
    "host": "identity.very-long-host-name.institute.research.example.org",
}
FORTY = [
    {"name": f"preset-{n}", "title": f"Provider {n}", "host": f"login-{n}.example"}
    | ({"missing": ["client_id"]} if n % 2 else {})
    for n in range(40)
]
SCOPES = " ".join(f"https://api.example.org/records/of/everything.{n}.read" for n in range(30))
LOADING = "Loading…"
AWAY = "The Jupyter server is not responding."


def account(name: str = "idp", **other: Any) -> dict[str, Any]:
    now = time.time()
    return {
        "provider": name,
        "session_key": "default",
        "username": "alice",
        "scope": "openid",
        "expires_at": now + HOUR,
        "refreshes": True,
        "signed_in_at": now - HOUR,
        "warning": "",
        "trouble": "",
        **other,
    }


def login(name: str = "idp", **other: Any) -> dict[str, Any]:
    return {
        "id": "handle",
        "provider": name,
        "session_key": "default",
        "host": IDP["host"],
        "status": "pending",
        "path": "/jupyter-auth/login/handle",
        "url": None,
        "error": None,
        "expires_at": time.time() + HOUR,
        "outcome": None,
        "kernel": "k",
        "shared": False,
        "notebook": "analysis.ipynb",
        "reason": "",
        **other,
    }


def usage(name: str = "idp") -> dict[str, Any]:
    quota = {"limit": 5000, "remaining": 4321, "reset_at": time.time() + HOUR}
    books = ["survey.ipynb", "analysis.ipynb", "nightly.ipynb", "teaching.ipynb"]
    known = {"provider": name, "session_key": "default", "client_id": None, "quota": quota}
    return {**known, "throttled_until": None, "notebooks": books}


def consent(name: str = "idp", **other: Any) -> dict[str, Any]:
    known = {"provider": name, "session_key": "default", "notebook": "analysis.ipynb"}
    return {**known, "scope": "openid", "given_at": time.time(), "until": None, **other}


ENDED = {"trouble": "login.example.edu ended this sign-in (invalid_grant).", "expires_at": 1}
# What each is called, what is to be seen of it, and what the API answers besides [].
STATES: dict[str, tuple[str, dict[str, Any]]] = {
    "empty": ("Not signed in yet.", {}),
    "signed-in": (
        "4321 of 5000 calls left",
        {
            "accounts": [account(), account(session_key="work", username="bob")],
            "limits": [usage()],
            "consents": [consent(), consent(notebook="", until=time.time() + HOUR)],
        },
    ),
    "several": (
        "ended this sign-in",
        {"logins": [login()], "accounts": [account("preset-1"), account("preset-2", **ENDED)]},
    ),
    "long": (
        LONG["title"],
        {
            "logins": [login("long", session_key="x" * 60, shared=True, host=LONG["host"])],
            "accounts": [account("long", username=f"alice@{LONG['host']}", scope=SCOPES)],
            "consents": [consent("long", notebook=f"{'folder/' * 20}a.ipynb")],
        },
    ),
    "twelve": ("12 accounts", {"accounts": [account(each["name"]) for each in FORTY[:12]]}),
}
ANSWERS = {
    "providers": [IDP, LONG, *FORTY],
    "accounts": [],
    "logins": [],
    "limits": [],
    "consents": [],
}


class Stage:
    """Answers the browser API in that page as a state has it; None: not at all."""

    def __init__(self, page: Page) -> None:
        self.state: dict[str, Any] | None = None
        self._held: list[Route] = []
        page.route("**/jupyter-auth/api/v1/*", self._answer)

    def _answer(self, route: Route) -> None:
        if self.state is None:
            self._held.append(route)
            return
        if not self.state:
            route.abort()
            return
        name = route.request.url.partition("/api/v1/")[2].partition("?")[0]
        key = "limits" if name == "usage" else name
        route.fulfill(body=json.dumps({key: self.state[key]}), content_type="application/json")

    def set(self, state: dict[str, Any]) -> None:
        self.state = state
        for route in self._held:
            self._answer(route)
        self._held.clear()


def every_state(page: Page, lab: Lab) -> Iterator[str]:
    """Bring JupyterLab's panel into one state after the other; its name."""
    front, stage = Front(page), Stage(page)
    page.goto(f"{lab.url}/lab?token={lab.token}")
    page.wait_for_function("window.jupyterapp?.restored.then(() => true)")
    panel = front.show()
    refresh = panel.get_by_role("button", name="Refresh").first
    expect(panel).to_contain_text(LOADING)
    yield "loading"
    for name, (seen, answers) in STATES.items():
        stage.set(ANSWERS | answers)
        refresh.click()
        expect(front.status if name == "twelve" else panel).to_contain_text(seen)
        yield name
    stage.set(ANSWERS | STATES["long"][1])
    refresh.click()
    panel.get_by_text("30 scopes").click()
    page.set_viewport_size({"width": 480, "height": 700})
    yield "narrow"
    page.evaluate("document.documentElement.dir = 'rtl'")
    yield "right-to-left"
    page.evaluate("document.documentElement.dir = 'ltr'")
    stage.set(ANSWERS | STATES["several"][1])
    refresh.click()
    expect(panel).to_contain_text(STATES["several"][0])
    page.set_viewport_size({"width": 900, "height": 760})
    panel.get_by_label("Name or address").fill("idp")
    yield "chosen"
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
    yield "dark"
    page.emulate_media(color_scheme="dark", forced_colors="active")
    yield "high-contrast"
    stage.set({})
    refresh.click()
    expect(panel).to_contain_text(AWAY)
    yield "away"
