"""A provider without a client: a click registers one; where that is refused, the page says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from core.registration.registering import RegisteringRogue
from providers import troubles
from server.browser.login_form import Form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from server.jupyter_process import Browser, JupyterProcess, Kernel

NAME = "api.found.example"


@pytest.fixture
def rogue() -> Iterator[RegisteringRogue]:
    with RegisteringRogue() as provider:
        yield provider


@pytest.fixture
def found(kernel: Kernel, rogue: RegisteringRogue) -> Iterator[str]:
    """A provider as one that was found by an API's address, in the person's own file."""
    fields = {"issuer": rogue.issuer, "found_at": f"{rogue.url}/v1/", "scopes": ["openid"]}
    kernel.call("POST", "providers", {"name": NAME, **fields})
    yield NAME
    if any(each["name"] == NAME for each in kernel.call("GET", "providers")["providers"]):
        kernel.call("DELETE", f"providers/{NAME}")


def test_a_click_registers_the_server_and_signs_in(
    jupyter: JupyterProcess, kernel: Kernel, browser: Browser, rogue: RegisteringRogue, found: str
) -> None:
    login = kernel.begin(found)
    assert rogue.asked == []  # nothing is sent before the person agrees
    url = browser.open(login)
    (asked,) = rogue.asked
    assert asked["redirect_uris"] == [f"{jupyter.origin}/base/jupyter-auth/callback/{found}"]
    assert browser.arrive(rogue.authorize(url)) == login["path"]
    assert "Signed in" in browser.page(login["path"])
    assert kernel.token(found)["kind"] == "bearer"


def test_a_refusal_leads_to_the_set_up_page_which_says_why(
    kernel: Kernel, browser: Browser, rogue: RegisteringRogue, found: str
) -> None:
    rogue.script("register", troubles.status(403))
    login = kernel.begin(found)
    assert browser.open(login) == login["path"]  # the same page again
    form = Form(browser, login)
    assert "refused this one (HTTP 403)" in form.page
    host = rogue.issuer.partition("://")[2]
    shown = browser.page(login["path"])
    for each in (f"API {rogue.url}/v1/", f"Sign-in at {host}", "Scopes openid"):
        assert each in shown
    assert f"says that {host} signs people in to it" in shown
    rogue.client_id = "by-hand"
    assert form.sent(registration={"client_id": "by-hand"})
    assert browser.arrive(rogue.authorize(browser.open(login))) == login["path"]
    assert "Signed in" in browser.page(login["path"])


def test_a_browser_removes_a_provider_with_its_xsrf_token_alone(
    kernel: Kernel, browser: Browser, rogue: RegisteringRogue, found: str
) -> None:
    browser.arrive(rogue.authorize(browser.open(kernel.begin(found))))
    path = f"jupyter-auth/api/v1/providers/{found}"
    assert browser.send("DELETE", path, X_XSRFToken="").status_code == 403
    assert browser.send("DELETE", path, Origin="https://evil.example").status_code == 403
    assert rogue.client_id
    done: dict[str, Any] = browser.send("DELETE", path).json()
    assert (done["removed"], done["revoked"]) == (True, True)
    assert rogue.client_id == ""
    assert found not in {each["name"] for each in kernel.call("GET", "providers")["providers"]}
    assert browser.send("DELETE", "jupyter-auth/api/v1/providers/idp").status_code == 400
