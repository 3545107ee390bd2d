"""Whether an API that was found by its address still says what it said then, for ``doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.core.common.finding import Finding, wrong
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.registration import protected_resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_auth.core.provider.provider import Provider

API = "API"
MAX_SHOWN = 200  # characters of what it names


def still_named(provider: Provider) -> Iterator[Finding]:
    """Whether it names the provider's issuer; nothing of an API that publishes no metadata."""
    if not provider.found_at or not provider.resource:
        return
    try:
        said = protected_resource.ask(provider.found_at, provider.request_rules)
    except AuthError as error:
        yield wrong(API, error)
        return
    fix = f"If that is right, `jupyter auth remove {provider.name}`, then sign in from its address."
    if said.issuers and provider.issuer not in said.issuers:
        named = plain_text(" and ".join(said.issuers), MAX_SHOWN)
        changed = f"the authorization server {named}, not {provider.issuer}"
    elif said.resource != provider.resource:
        named = plain_text(said.resource or "none", MAX_SHOWN)
        changed = f"the identifier {named}, not {provider.resource}"
    else:
        yield Finding(API, f"{provider.found_at} says the same as when it was added.")
        return
    yield Finding(API, f"{provider.found_at} now names {changed}.", fix, "note")
