"""The ways in: which of them a provider offers, and which one a login takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.core.errors import ConfigurationError

if TYPE_CHECKING:
    from jupyter_auth.core.token_endpoint import Party

# What a grant needs of the provider besides a token endpoint.
ENDPOINT = {
    "authorization_code": "authorization_endpoint",
    "device_code": "device_authorization_endpoint",
}


def offered(party: Party) -> tuple[str, ...]:
    """The preferred one first: as configured, else all that the provider has an endpoint for."""
    if party.provider.grants:
        return party.provider.grants
    return tuple(grant for grant, name in ENDPOINT.items() if getattr(party.endpoints, name))


def chosen(party: Party, wanted: str | None) -> str:
    """The grant for a login: ``wanted``, or the preferred one.

    ConfigurationError: it is not among those of this provider, or lacks what it needs.
    """
    found = offered(party)
    grant = wanted or next(iter(found), "authorization_code")
    if wanted and wanted not in found:
        raise ConfigurationError(
            f"{party.provider.title} has no sign-in by {wanted!r:.60}.",
            hint=f"It has: {', '.join(found) or 'none'}.",
        )
    if grant in ENDPOINT:
        party.endpoint(ENDPOINT[grant])
    _ = party.client_id
    return grant
