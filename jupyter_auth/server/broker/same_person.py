"""Checks by a claim that the person who signed in at a provider is the Hub user."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.common.urls import host_of
from jupyter_auth.core.errors import ConfigurationError, UserMismatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.models import Account
    from jupyter_auth.core.protocol.parties import Party

SAME_PERSON = "JUPYTER_AUTH_SAME_PERSON"
SETTING = "c.JupyterAuth.same_person"

Rule = str | Mapping[str, str]


def sign_in_host(url: str | None) -> str:
    """The host of ``url`` as rules name it: lower case, ASCII, with no default port; or ""."""
    try:
        return host_of(url or "")
    except ConfigurationError:  # a path, say
        return ""


def is_rule(value: Any) -> bool:
    """Whether ``value`` is a claim, or a mapping of claims by provider or host."""
    if isinstance(value, Mapping):
        return all(isinstance(each, str) for each in [*value, *value.values()])
    return isinstance(value, str)


def found(said: Rule | None, environ: Mapping[str, str]) -> Rule:
    """The configured rule, else the one that ``hub_config`` derived."""
    if said is not None:
        return said
    try:
        told = json.loads(environ.get(SAME_PERSON) or '""')
    except ValueError:
        return ""
    return told if is_rule(told) else ""


@dataclass(frozen=True)
class SamePerson:
    """The ``Admission`` of one Hub user. ``rule`` is a claim, or claims by provider or host."""

    owner: str
    rule: Rule

    def claim_at(self, party: Party) -> str:
        """The claim that must name the Hub user; empty: anyone may sign in there."""
        if isinstance(self.rule, str):
            return self.rule
        ends = party.endpoints
        hosts = map(sign_in_host, (ends.issuer, ends.authorization_endpoint))
        named = (self.rule.get(each) for each in (party.provider.name, *hosts))
        return next((each for each in named if each is not None), "")

    def __call__(self, account: Account, party: Party, claim: Callable[[str], Any]) -> bool:  # noqa: ARG002
        """Raise UserMismatch for another person, or one whom the claim does not name."""
        if not (wanted := self.claim_at(party)):
            return False
        title, said = party.provider.title, claim(wanted)
        if not isinstance(said, str) or not said:
            raise UserMismatch(
                f"{title} sent no claim {wanted!r}, so it is not certain that this is the Hub user"
                f" {self.owner}.",
                hint="Nothing was stored. Ask the Hub's administrator to request a scope with this"
                f" claim, or to name another claim in {SETTING}.",
            )
        # The Hub makes names lower case unless its authenticator says otherwise.
        if self.owner not in {said, said.lower()}:
            raise UserMismatch(
                f"{plain_text(said, 200)} signed in to {title}, not the Hub user {self.owner}.",
                hint=f"Nothing was stored. Sign out at {title}, then sign in as {self.owner}. (The"
                f" claim {wanted!r} must be the Hub user's name: {SETTING}.)",
            )
        return True
