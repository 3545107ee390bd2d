"""Grants: which of them a provider offers, and which one a login takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.core.common.urls import host_of
from jupyter_auth.core.errors import ConfigurationError

if TYPE_CHECKING:
    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.provider.provider import Provider

# What a grant needs of the provider besides a token endpoint.
ENDPOINT = {
    "authorization_code": "authorization_endpoint",
    "device_code": "device_authorization_endpoint",
}
TYPED = frozenset({"password", "paste", "api_key"})  # a person types or pastes


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
    if not found and party.provider.service is not None:
        raise ConfigurationError(
            f"{party.provider.title} has service accounts, and no sign-in for people.",
            hint=f"Use `ClientSession(provider={party.provider.name!r})`.",
        )
    grant = wanted or next(iter(found), "authorization_code")
    if wanted and wanted not in found:
        raise ConfigurationError(
            f"{party.provider.title} does not support the grant {wanted!r:.60}.",
            hint=f"It supports: {', '.join(found) or 'none'}.",
        )
    if grant in ENDPOINT:
        party.endpoint(ENDPOINT[grant])
    if grant == "paste" and party.provider.paste is None:
        raise ConfigurationError(
            f"Provider {party.provider.name!r} does not say where its code is to be found.",
            hint="Give it the field paste, with the url of the page that shows the code.",
        )
    if grant == "api_key" and party.provider.api_key is None:
        raise ConfigurationError(
            f"Provider {party.provider.name!r} does not say what its keys are."
        )
    return grant


def alternatives(provider: Provider, grant: str) -> tuple[str, ...]:
    """The other grants in its configuration: a registration may be for one of them alone."""
    return tuple(each for each in provider.grants if each not in {grant, "api_key"})


def missing(provider: Provider, grant: str) -> tuple[str, ...]:
    """What a registration lacks before anybody can sign in: ``client_id``, ``client_secret``."""
    lacks = {
        "client_id": not provider.client_id,
        "client_secret": not provider.client_secret and provider.client_auth in {"basic", "post"},
    }
    return tuple(name for name, so in lacks.items() if so and grant != "api_key")


def destination(party: Party, grant: str) -> str:
    """The host that a person is sent to, or that what they type goes to.

    Empty: it is this server's own, or the provider says it later, with a device's code.
    """
    if grant in TYPED:
        return host(party, grant)
    url = party.endpoint(ENDPOINT[grant])
    return "" if grant == "device_code" or url.startswith("/") else host_of(url)


def host(party: Party, grant: str) -> str:
    """Where a password or a code is sent: a pasted code to one of them. Or where a key goes."""
    if grant == "api_key" and party.provider.api_key:
        origins = party.provider.api_key.headers.keys() & {*party.provider.api_origins}
        places = sorted(origins) or party.provider.api_origins
        return ", ".join(map(host_of, places))
    place = host_of(party.endpoint("token_endpoint"))
    if grant == "paste" and party.provider.paste:  # a code may come with its own
        return " or ".join(dict.fromkeys((place, *party.provider.paste.hosts)))
    return place
