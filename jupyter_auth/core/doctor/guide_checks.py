"""Whether a preset is filled in and registered as its guide says, for ``doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.finding import Finding
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.provider.field_types import URLS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jupyter_auth.core.provider.provider import Provider

MAX_URL = 200  # characters


def guided(provider: Provider) -> Iterator[Finding]:
    """Findings that need no request."""
    if provider.placeholders:
        values = {
            name: provider.set.get(name) or f"{each.default} (the default)"
            for name, each in provider.placeholders.items()
        }
        says = ", ".join(f"{name} = {value}" for name, value in values.items())
        yield Finding("Placeholders", f"{says}.")
    if provider.register and provider.register.client == "public" and provider.client_secret:
        says = "Clients there are public, but a client secret is configured."
        fix = "If the provider rejects the client, remove the secret."
        yield Finding("Client", says, fix, "note")


def as_announced(provider: Provider, document: Mapping[str, Any]) -> Iterator[Finding]:
    """Notes on endpoints that are configured otherwise than in the issuer's metadata."""
    for name in URLS:
        ours, theirs = getattr(provider.endpoints, name, None), document.get(name)
        if ours and theirs and ours != theirs:
            says = f"{ours}, where the metadata has {plain_text(str(theirs), MAX_URL)}."
            fix = f"If sign-ins fail, leave {name} out of `endpoints`."
            yield Finding(name.replace("_", " ").capitalize(), says, fix, "note")
