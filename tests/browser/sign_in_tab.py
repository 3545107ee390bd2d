"""What a person does in the tab that a sign-in link opens."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin

from playwright.sync_api import TimeoutError as NotYet
from playwright.sync_api import expect

from providers.oidc import USERS

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

SOON = 10_000  # ms


def from_jupyter(tab: Page, url: str) -> None:
    """Go there as by a link on another page of the same Jupyter, such as the person's notebook."""
    tab.goto(urljoin(url, "/api/status"))
    with tab.expect_navigation():
        tab.evaluate("url => location.assign(url)", url)


def follow(link: Locator) -> Page:
    """Click a link as one does; the tab that it opens.

    An output gives way to the kernel's widget, which may hide a link that the pointer is on its way
    to: then it is looked for again.
    """
    with link.page.context.expect_page() as opened:
        try:
            link.click(timeout=SOON)
        except NotYet:
            link.click()
    return opened.value


def identify(tab: Page, username: str = "alice") -> None:
    """Give name and password at the provider, up to its question whether to allow access."""
    tab.get_by_label("User name").fill(username)
    tab.get_by_label("Password").fill(USERS[username]["password"])
    tab.get_by_role("button", name="Sign in").click()
    expect(tab.get_by_role("heading", name="Allow access?")).to_be_visible()


def allow(tab: Page) -> None:
    """Say yes at the provider; returns on the page that says how it ended."""
    tab.get_by_role("button", name="Allow").click()
    expect(tab.get_by_role("heading", name="Signed in")).to_be_visible()


def say_yes(tab: Page) -> None:
    """Where the server asks who will use the account: it is this person."""
    expect(tab.get_by_role("heading", name="Is this you?")).to_be_visible()
    tab.get_by_role("button", name="Yes, this is me").click()
    expect(tab.get_by_role("heading", name="Signed in")).to_be_visible()


def sign_in(tab: Page, username: str = "alice") -> None:
    """Everything that the provider asks for, and a look at how it ended."""
    identify(tab, username)
    allow(tab)
    expect(tab.get_by_role("main")).to_contain_text(username)
    tab.evaluate("window.wasSeen = true")


def deny(tab: Page) -> None:
    """Sign in, but allow nothing."""
    identify(tab)
    tab.get_by_role("button", name="Deny").click()


def abandon(tab: Page) -> None:
    """Close the tab at the provider."""
    tab.wait_for_url("http://localhost:*/interaction/**")
    tab.close()


def closes_itself(tab: Page) -> None:
    """Wait until the tab is gone."""
    if not tab.is_closed():
        tab.wait_for_event("close")
