"""Chromium at a Hub: people sign in from what runs in their notebooks' kernels.

A process of its own: Playwright's event loop breaks others that run after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from browser.chromium import chromium, new_context
from browser.sign_in_tab import follow, say_yes
from hub.notebook_kernel import NotebookKernel, hub_login, sign_in
from lab.panel import Front
from patience import until
from providers.oidc import USERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from hub.hub_process import Hub
    from providers.oidc import OidcProvider

CELL = """
import jupyter_auth
session = jupyter_auth.UserSession("idp", interactive=True)
print("I am", session.get("%s/me").json()["sub"])
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(params=["hub", "served"])
def either(request: pytest.FixtureRequest) -> Hub:
    """Both ways in."""
    found: Hub = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("user", ["alice", "bob"])
def test_a_person_signs_in_from_a_kernel(
    browser: Browser, oidc: OidcProvider, either: Hub, user: str, tmp_path: Path
) -> None:
    hub = either
    server = hub.server(user)
    kernel_api, kernel = server.kernel(), NotebookKernel(server)
    kernel.run(CELL % oidc.issuer)
    until(lambda: bool(kernel_api.call("GET", "logins")["logins"]))
    (login,) = kernel_api.call("GET", "logins")["logins"]
    shown = kernel.read(login["id"])
    assert login["path"] in shown, "the prompt has the link"

    context = new_context(browser, color_scheme="dark" if hub.served else "light")
    tab = hub_login(context, hub, user)
    tab.goto(hub.origin + login["path"])
    sign_in(tab, user)
    expect(tab.get_by_role("main")).to_contain_text(f"as {user}")
    tab.screenshot(path=tmp_path / f"{user}.png")
    assert "?" not in tab.url
    kernel.read(f"I am {USERS[user]['sub']}")
    kernel.close()
    context.close()


def test_jupyterlab_shows_the_accounts_of_the_service(
    browser: Browser, oidc: OidcProvider, served: Hub, tmp_path: Path
) -> None:
    """Through the user's own server, which hears of changes that were made elsewhere."""
    server = served.server("ann")  # whose accounts no other test touches
    kernel_api = server.kernel()
    context = new_context(browser)
    page = hub_login(context, served, "ann")
    page.goto(f"{served.origin}{server.base_url}lab")
    front = Front(page)
    expect(front.status).to_have_count(0)

    panel = front.show()
    tab = follow(front.add("idp"))
    sign_in(tab, "alice")
    assert tab.url.startswith(served.url("services/jupyter-auth/"))
    expect(front.account("alice")).to_be_visible()
    expect(front.status).to_have_text("1 account")
    page.screenshot(path=tmp_path / "panel.png")

    assert kernel_api.call("DELETE", "accounts?provider=idp")["removed"]
    expect(panel).to_contain_text("Not signed in yet.")
    expect(front.status).to_have_count(0)

    kernel = NotebookKernel(server)
    kernel.run(CELL % oidc.issuer)
    notice = front.notification("needs you to sign in to Example ID")
    tab = follow(notice.get_by_role("button", name="Sign in"))
    tab.get_by_role("button", name="Allow").click()  # it left by itself: she said yes once
    say_yes(tab)
    kernel.read(f"I am {USERS['alice']['sub']}")
    kernel.close()
    expect(notice).to_have_count(0)

    front.account("alice").get_by_role("button", name="Sign out").click()
    expect(panel).to_contain_text("Not signed in yet.")
    assert kernel_api.call("GET", "accounts")["accounts"] == []
    context.close()
