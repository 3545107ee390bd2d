"""The panel, the status item and the notifications as a person finds them in JupyterLab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
from playwright.sync_api import expect

from patience import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route

    from providers.oidc import OidcProvider

TITLE = "Example University"
GO = f"Sign in to {TITLE}"
SIGNED_IN = f"Signed in to {TITLE} as alice"


def end_at_provider(oidc: OidcProvider) -> None:
    """Do what an administrator there does: no token works, and none is refreshed."""
    for token in oidc.secrets()["refresh_token"]:
        form = {"token": token, "client_id": oidc.client_id}
        requests.post(
            f"{oidc.issuer}/token/revocation", data=form, timeout=PATIENCE
        ).raise_for_status()
    oidc.expire()


@dataclass
class Front:
    """What this project adds to one page of JupyterLab or Notebook 7."""

    page: Page

    @property
    def status(self) -> Locator:
        return self.page.locator(".jupyter-auth-status").get_by_role("button")

    @property
    def panel(self) -> Locator:
        return self.page.get_by_role("region", name="Accounts", exact=True)

    def show(self) -> Locator:
        """Open the panel by the menu."""
        self.page.get_by_role("menuitem", name="View", exact=True).click()
        self.page.get_by_role("menuitem", name="Show Accounts").click()
        expect(self.panel).to_be_visible()
        return self.panel

    def add(self, name: str, label: str = "") -> Locator:
        """Fill in the form for that provider; its button."""
        self.panel.get_by_label("Name or address").fill(name)
        self.panel.get_by_label("Label").fill(label)
        return self.panel.get_by_role("form").get_by_role("button", name="Sign in", exact=True)

    def account(self, said: str) -> Locator:
        """The account of which that is said."""
        return self.panel.get_by_role("listitem").filter(has_text=said)

    def notification(self, said: str) -> Locator:
        """JupyterLab's pop-up that says so."""
        return self.page.locator(".Toastify__toast").filter(has_text=said)


def begin_nothing(route: Route) -> None:
    """Fail a request for a new login; what is only looked at is answered as ever."""
    if route.request.method == "POST":
        route.abort()
    else:
        route.continue_()
