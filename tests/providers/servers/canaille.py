"""Canaille, an identity server in Python: a public client, PKCE, redirect URIs compared exactly."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from providers.servers.program import Program

if TYPE_CHECKING:
    from playwright.sync_api import Page

# An environment of its own, made by ``make``: it asks for other versions than we test with.
PYTHON = Path(sys.prefix) / "canaille" / "bin" / "python"


class Canaille(Program):
    """Its client is public, and called as in the README."""

    command = (str(PYTHON), "-P", str(Path(__file__).with_name("canaille_server.py")))
    client_id = "my-notebooks"

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "client_id": self.client_id,
            "callbacks": self.callbacks,
            "username": self.username,
            "password": self.password,
        }

    def listening(self, _: dict[str, Any]) -> None:
        self.issuer = self.origin
        self.api = f"{self.origin}/oauth/userinfo"

    def identify(self, tab: Page) -> None:
        """What a person does there first, in a browser."""
        tab.get_by_role("textbox", name="Login").fill(self.username)
        tab.get_by_role("button", name="Continue").click()
        tab.get_by_role("textbox", name="Password").fill(self.password)
        tab.get_by_role("button", name="Sign in").click()

    def allow(self, tab: Page) -> None:
        """Say yes to the client."""
        tab.get_by_role("button", name="Accept").click()
