"""Which grants a provider supports, and which one a login takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.core.common.urls import host_of
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider import demands

if TYPE_CHECKING:
    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.provider.provider import Provider

# The endpoint that a grant needs besides the token endpoint.
ENDPOINT = {
    "authorization_code": "authorization_endpoint",
    "device_code": "device_authorization_endpoint",
}
TYPED = frozenset({"password", "paste", "api_key"})  # a person types or pastes


def offered(party: Party) -> tuple[str, ...]:
    """The provider's grants, the preferred one first: as configured, else by its endpoints."""
    if party.provider.grants:
        return party.provider.grants
    return tuple(grant for grant, name in ENDPOINT.items() if getattr(party.endpoints, name))


def chosen(party: Party, wanted: str | None) -> str:
    """The grant for a login: ``wanted``, or the preferred one.

    Raises:
        ConfigurationError: the provider does not support it, or lacks what it needs.
    """
    found = offered(party)
    if not found and party.provider.service is not None:
        raise ConfigurationError(
            f"{party.provider.title} has service accounts only: people cannot sign in.",
            hint=f"Use `ClientSession(provider={party.provider.name!r})`.",
        )
    provider = party.provider
    usable = [each for each in found if not (provider.client_id and missing(provider, each))]
    grant = wanted or next(iter(usable or found), "authorization_code")
    if wanted and wanted not in found:
        raise ConfigurationError(
            f"{party.provider.title} does not support the grant {wanted!r:.60}.",
            hint=f"It supports: {', '.join(found) or 'none'}.",
        )
    if grant == "authorization_code" and (wanted_there := demands.required(party.endpoints)):
        others = ", ".join(f"`{each}`" for each in found if each != grant)
        raise ConfigurationError(
            f"{party.provider.title} signs people in only with {' and '.join(wanted_there)}, which"
            " is not supported here.",
            hint=f"Try another grant: {others}." if others else demands.DO_WITHOUT,
        )
    if grant in ENDPOINT:
        party.endpoint(ENDPOINT[grant])
    if grant == "paste" and party.provider.paste is None:
        raise ConfigurationError(
            f"Provider {party.provider.name!r} does not say where its code is shown.",
            hint="Add the field `paste` with the `url` of the page that shows the code.",
        )
    if grant == "api_key" and party.provider.api_key is None:
        raise ConfigurationError(f"Provider {party.provider.name!r} has no field `api_key`.")
    return grant


def alternatives(provider: Provider, grant: str) -> tuple[str, ...]:
    """The other configured grants: a client may be registered for one of them only."""
    return tuple(each for each in provider.grants if each not in {grant, "api_key"})


def missing(provider: Provider, grant: str) -> tuple[str, ...]:
    """What the client registration lacks for a sign-in: see ``Provider.missing``."""
    return provider.missing(grant)


def destination(party: Party, grant: str) -> str:
    """The host that a person is sent to, or that what they type is sent to.

    Empty: this server's own, or only known with the device code.
    """
    if grant in TYPED:
        return host(party, grant)
    url = party.endpoint(ENDPOINT[grant])
    return "" if grant == "device_code" or url.startswith("/") else host_of(url)


def host(party: Party, grant: str) -> str:
    """Where a password, a pasted code or an API key is sent; several are joined."""
    if grant == "api_key" and party.provider.api_key:
        origins = party.provider.api_key.headers.keys() & {*party.provider.api_origins}
        places = sorted(origins) or party.provider.api_origins
        return ", ".join(each.partition("://")[2] for each in places)  # `*.acme.example` too
    endpoint_host = host_of(party.endpoint("token_endpoint"))
    if grant == "paste" and party.provider.paste:  # a code may come with its endpoint
        return " or ".join(dict.fromkeys((endpoint_host, *party.provider.paste.hosts)))
    return endpoint_host
