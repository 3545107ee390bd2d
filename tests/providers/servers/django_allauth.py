"""PyPI's django-allauth as an identity provider (``allauth.idp.oidc``)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from providers.servers.program import Program


class DjangoAllauth(Program):
    """Refresh tokens rotate; a spent one ends nothing. Any port of 127.0.0.1 is one redirect URI.

    It needs no ``offline_access`` and knows none: a request with a scope that is not registered for
    the client is refused as a whole.
    """

    public_id = "terminals"  # device codes are for public clients alone
    command = (sys.executable, str(Path(__file__).with_name("django_allauth_server.py")))

    def __init__(self, callbacks: list[str]) -> None:
        super().__init__(callbacks)
        self.settings = {
            "username": self.username,
            "password": self.password,
            "client_id": self.client_id,
            "public_id": self.public_id,
            "client_secret": self.client_secret,
            "redirect_uris": callbacks,
        }

    def listening(self, told: dict[str, Any]) -> None:  # noqa: ARG002
        self.issuer = self.origin
        self.api = f"{self.origin}/identity/o/api/userinfo"
