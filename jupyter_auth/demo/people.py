"""Who can sign in at the demo's provider."""

from __future__ import annotations

from typing import NamedTuple


class Person(NamedTuple):
    """A person who can sign in, without a password."""

    sub: str
    name: str
    email: str

    @property
    def claims(self) -> dict[str, object]:
        """The claims of the ID token and of userinfo (OIDC Core 5.1)."""
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
