"""npm's better-auth as an authorization server (``@better-auth/oauth-provider``)."""

from __future__ import annotations

from pathlib import Path

from providers.oidc import node
from providers.servers.program import Program


class BetterAuth(Program):
    """Its issuer has a path, and its ID tokens are signed with EdDSA.

    Client ID and secret are its own choice. A spent refresh token that comes again ends them all.
    """

    username = "ada@example.org"

    def __init__(self, callbacks: list[str]) -> None:
        super().__init__(callbacks)
        self.command = (node(), str(Path(__file__).with_name("better_auth.mjs")))
        self.settings = {
            "name": "Ada",
            "username": self.username,
            "password": self.password,
            "redirect_uris": callbacks,
        }

    def listening(self, told: dict[str, str]) -> None:
        self.client_id, self.client_secret = told["client_id"], told["client_secret"]
        self.issuer = f"{self.origin}/api/auth"
        self.api = f"{self.issuer}/oauth2/userinfo"
