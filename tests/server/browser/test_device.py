"""The page of a device login over HTTP: its code, and how the server follows what becomes of it."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest

from patience import PATIENCE, until
from providers import troubles

if TYPE_CHECKING:
    from providers.oidc import OidcProvider
    from providers.rogue import RogueProvider
    from server.jupyter_process import Browser, JupyterProcess, Kernel


@pytest.fixture
def device(kernel: Kernel, rogue: RogueProvider) -> dict[str, Any]:
    """A device login that a kernel has begun at a provider that lets itself be asked often."""
    rogue.devices.interval = 0.1
    fields = {"issuer": rogue.issuer, "client_id": rogue.client_id, "grants": ["device_code"]}
    return kernel.begin(kernel.register("rogue", fields), notebook="work/report.ipynb")


def leave(browser: Browser, login: dict[str, Any]) -> str:
    """What the page's script does first; then the page as a person has it before them."""
    assert browser.open(login) == login["path"]  # it goes nowhere, but looks at itself anew
    return browser.get(browser.origin + login["path"]).text


def user_code(page: str) -> str:
    return re.search(r'id="user-code"[^>]*>([^<]+)<', page)[1]


def wait_for(kernel: Kernel, login: dict[str, Any], status: str) -> dict[str, Any]:
    """As a kernel waits: by the long poll, which is what makes the server ask the provider."""
    end = time.monotonic() + PATIENCE
    since = kernel.call("GET", "changes")["sequence"]
    while (found := kernel.call("GET", f"logins/{login['id']}"))["status"] != status:
        assert time.monotonic() < end, found
        since = kernel.call("GET", f"changes?since={since}&wait=2")["sequence"]
    return found


def test_a_person_types_the_code_elsewhere_and_the_kernel_goes_on(
    kernel: Kernel, browser: Browser, oidc: OidcProvider
) -> None:
    login = kernel.begin("device")
    assert login["grant"] == "device_code"
    page = leave(browser, login)
    assert urlsplit(oidc.issuer).netloc in page
    complete = re.search(r'id="open"[^>]*href="([^"]+)"', page)[1]
    assert user_code(page) in unquote(complete)
    oidc.approve_device(complete)
    wait_for(kernel, login, "complete")
    (account,) = kernel.call("GET", "accounts")["accounts"]
    assert account["username"] == "alice"
    assert "Signed in to Example ID as alice" in browser.page(login["path"])


def test_the_page_alone_notices_too(
    browser: Browser, rogue: RogueProvider, device: dict[str, Any]
) -> None:
    """No kernel waits any more: the page's own looks make the server ask."""
    page = leave(browser, device)
    rogue.devices.approve(user_code(page))
    look = f"jupyter-auth/api/v1/logins/{device['id']}"
    until(lambda: browser.send("GET", look).json()["status"] == "complete")
    assert "Signed in to rogue as rosa" in browser.page(device["path"])


def test_the_code_is_on_the_page_alone_and_the_device_code_nowhere(
    jupyter: JupyterProcess,
    kernel: Kernel,
    browser: Browser,
    rogue: RogueProvider,
    device: dict[str, Any],
) -> None:
    page = leave(browser, device)
    code = user_code(page)
    rogue.devices.approve(code)
    wait_for(kernel, device, "complete")
    (device_code,) = {each.form["device_code"] for each in rogue.seen("token")}
    wire = json.dumps([kernel.call("GET", f"logins/{device['id']}"), kernel.call("GET", "changes")])
    after = browser.get(browser.origin + device["path"]).text
    assert code not in wire + after + jupyter.log
    assert device_code not in wire + page + after + jupyter.log


def test_the_page_tells_whose_it_is_and_for_what(
    browser: Browser, rogue: RogueProvider, device: dict[str, Any]
) -> None:
    page = leave(browser, device)
    assert urlsplit(rogue.issuer).netloc in page
    assert urlsplit(browser.origin).netloc in page
    assert "work/report.ipynb" in page
    assert "Enter it only if you started this sign-in" in page
    picture = re.search(r'src="data:image/svg\+xml;charset=utf-8,([^"]+)"', page)[1]
    assert unquote(picture).startswith("<svg")


def test_two_tabs_show_one_code(browser: Browser, device: dict[str, Any]) -> None:
    assert user_code(leave(browser, device)) == user_code(leave(browser, device))


@pytest.mark.parametrize(
    "end",
    [
        ("access_denied", "denied", "Sign-in declined"),
        ("expired_token", "expired", "Sign-in timed out"),
    ],
)
def test_other_ends(
    kernel: Kernel, browser: Browser, rogue: RogueProvider, device: dict[str, Any], end: Any
) -> None:
    error, status, heading = end
    leave(browser, device)
    rogue.script("token", troubles.error(error))
    wait_for(kernel, device, status)
    page = browser.page(device["path"])
    assert heading in page
    assert "Start again" in page


def test_without_a_code_the_page_says_why_and_can_be_tried_again(
    browser: Browser, rogue: RogueProvider, device: dict[str, Any]
) -> None:
    rogue.script("device", troubles.status(503), times=1)
    answer = browser.send("POST", browser.origin + device["path"])
    assert (answer.status_code, answer.json()["code"]) == (503, "provider_unavailable")
    assert user_code(leave(browser, device))


def test_a_provider_that_hangs_holds_nobody_up(
    kernel: Kernel, browser: Browser, rogue: RogueProvider, device: dict[str, Any]
) -> None:
    leave(browser, device)
    gate = rogue.script("token", troubles.Gate())
    since = kernel.call("GET", "changes")["sequence"]
    while not gate.arrived.is_set():
        kernel.call("GET", f"changes?since={since}&wait=2")
    kernel.call("GET", f"changes?since={since}&wait=0")
    looks = [
        kernel.call("GET", f"logins/{device['id']}"),
        browser.send("GET", f"jupyter-auth/api/v1/logins/{device['id']}").json(),
    ]
    # The server, which gives the provider up after ten seconds and says so here, still waits.
    assert [look["error"] for look in looks] == [None, None]
    gate.release()


def test_somebody_without_the_pages_token_starts_nothing(
    browser: Browser, rogue: RogueProvider, device: dict[str, Any]
) -> None:
    path = browser.origin + device["path"]
    assert browser.send("POST", path, Origin="https://evil.example").status_code == 403
    assert browser.send("POST", path, X_XSRFToken="").status_code == 403
    assert rogue.seen("device") == []


def test_the_qr_code_is_that_of_the_address() -> None:
    """Drawn by segno; that it holds what it should is seen by drawing it again."""
    import segno

    from jupyter_auth.core.models import Login
    from jupyter_auth.server.browser import render

    uri = "https://idp.example/device?user_code=AB-CD"
    login = Login(
        id="x",
        provider="idp",
        user_code="AB-CD",
        verification_uri="https://idp.example/device",
        verification_uri_complete=uri,
        expires_at=time.time() + 60,
    )
    shown = render.device(login)
    again = segno.make(uri, error="m", micro=False)
    assert shown["qr"] == again.svg_data_uri(scale=4, border=3, dark="#000", light="#fff")
    assert shown["uri"] == uri
