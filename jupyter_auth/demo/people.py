"""Who can sign in at the demo's provider."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in. There is no password to know."""

    sub: str
    name: str
    email: str

    @property
    def claims(self) -> dict[str, object]:
        """What an ID token and userinfo say (OIDC Core 5.1)."""
        return {
            "name": self.name,
            "preferred_username": self.name.split()[0],
            "email": self.email,
            "email_verified": True,
        }


PEOPLE = (
    Person("ada", "Ada Lovelace", "ada@demo.example"),
    Person("grace", "Grace Hopper", "grace@demo.example"),
)
