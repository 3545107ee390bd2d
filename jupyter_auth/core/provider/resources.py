"""Several APIs behind one sign-in: how requests name the one that a token is for.

An API goes by its resource identifier (RFC 8707), the provider's own by "". By
``resource_parameter`` it is named in ``resource`` (the RFC's parameter, several at once when a
person signs in), in ``scope`` (one at a time, as at Entra) or in ``audience``.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from jupyter_auth.core.common.urls import origin_of, place_of, require_secure
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider.field_types import beyond
from jupyter_auth.core.provider.kinds import is_resource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyter_auth.core.provider.provider_fields import ProviderFields

# Scopes that are of no API (OIDC Core 5.4 and 11).
OF_NO_API = frozenset({"openid", "profile", "email", "address", "phone", "offline_access"})
WHATEVER_IS_GRANTED = ".default"  # at Entra, the end of a scope that asks for no more


class Named(Protocol):
    """A provider, or what kernels know of it."""

    @property
    def resource(self) -> str | None:
        """The identifier of its own API."""

    @property
    def resources(self) -> Mapping[str, object]:
        """More APIs, by their identifiers."""


def canonical(provider: Named, resource: str) -> str:
    """The resource as the provider's data spells it; "" for the provider's own."""
    place = place_of(resource)
    if place in {"", place_of(provider.resource or "")}:
        return ""
    return next((each for each in provider.resources if place_of(each) == place), resource)


def requested(provider: Named, resource: str) -> str:
    """The resource that a person is to sign in for, ``canonical``.

    Raises:
        ConfigurationError: it can name no API.
    """
    found = canonical(provider, resource)
    if found and found not in provider.resources and not is_resource(found):
        raise ConfigurationError(
            "A resource must be an absolute URI without a fragment (RFC 8707).",
            hint="Give the API's own identifier, such as `https://vault.azure.net`.",
        )
    return found


def require_allowed(
    provider: ProviderFields, scopes: Sequence[str] = (), resource: str = ""
) -> None:
    """Raise a ConfigurationError for scopes or a resource that the provider's policy excludes.

    All that is requested for a token passes here, once it is asked for and once it is sent.
    """
    if (policy := provider.policy) is None:
        return
    parts = rf"[{re.escape(provider.scope_separator or ' ')}\s]+"
    asked = [each for scope in scopes for each in re.split(parts, scope) if each]
    by_scopes = provider.resource_parameter == "scope"
    named = {of_scope(each) for each in asked} if by_scopes else set()
    wider = [each for each in asked if each not in OF_NO_API]
    for what, allowed, wanted in (
        ("scope", policy.scopes, wider),
        ("resource", policy.resources, sorted(filter(None, named | {resource}))),
    ):
        if refused := beyond(allowed, wanted):
            raise ConfigurationError(
                f"The policy of {provider.title} does not allow the {what} {' '.join(refused)}.",
                hint=f"It allows: {' '.join(allowed or ()) or 'none'}. Ask your administrator if"
                " you need more.",
            )


def own_origins(url: str | None) -> tuple[str, ...]:
    """The origin of a resource, if it is a URL that a token may be sent to."""
    with suppress(ConfigurationError):
        return (origin_of(require_secure(url or "", "resource")),)
    return ()


def origins(provider: ProviderFields, resource: str) -> tuple[str, ...]:
    """Where the token for a resource may be sent, and no other."""
    if not resource:
        return provider.api_origins
    declared = provider.resources.get(resource)
    if declared and declared.api_origins:
        return declared.api_origins
    return own_origins((declared and declared.base_url) or resource)


def scopes(
    provider: ProviderFields, resource: str, standard: Sequence[str], chosen: Sequence[str] = ()
) -> tuple[str, ...]:
    """What to request for a resource: the ``chosen`` scopes, else those that it has.

    ``standard`` is what is requested for the provider's own.
    """
    if provider.resource_parameter == "scope" and resource:
        wanted = chosen or _declared(provider, resource) or (f"{resource}/{WHATEVER_IS_GRANTED}",)
        found = (*(scope for scope in standard if scope in OF_NO_API), *wanted)
    else:
        more = (each for name in named(provider, resource) for each in _declared(provider, name))
        found = tuple(chosen) or (*standard, *more)
    return tuple(dict.fromkeys(found))


def _declared(provider: ProviderFields, resource: str) -> tuple[str, ...]:
    declared = provider.resources.get(resource)
    return declared.scopes if declared else ()


def named(provider: ProviderFields, resource: str) -> tuple[str, ...]:
    """The resources that an authorization request is for, so that its grant is good for them."""
    match provider.resource_parameter:
        case "scope":
            return ()
        case "audience":
            return tuple(filter(None, [resource or provider.resource]))
    all_of_them = (provider.resource, *provider.resources, resource)
    return tuple(dict.fromkeys(filter(None, all_of_them)))


def authorization_parameters(provider: ProviderFields, resource: str) -> list[tuple[str, str]]:
    """Those of an authorization request, or of a device authorization request (RFC 8707 2.1)."""
    name: str = provider.resource_parameter or "resource"
    wanted = () if provider.other_tokens else named(provider, resource)
    found = [(name, each) for each in wanted]
    if provider.audience and not (found and name == "audience"):
        found.append(("audience", provider.audience))
    return found


def token_parameters(provider: ProviderFields, resource: str) -> dict[str, str]:
    """Those of the token request that follows (RFC 8707 2.2): its token is for one of them."""
    first, by = resource or provider.resource, provider.resource_parameter
    used = not provider.other_tokens and by in {None, "resource"}
    return {"resource": first} if first and used else {}


def refresh_parameters(
    provider: ProviderFields, resource: str, asked: Sequence[str], separator: str = " "
) -> dict[str, str]:
    """Those of a refresh, where ``asked`` was requested for the provider's own."""
    match provider.resource_parameter:
        case "scope":
            wanted = scopes(provider, resource, asked)
            require_allowed(provider, wanted)
            return {"scope": separator.join(wanted)}
        case "audience":
            return {"audience": resource} if resource else {}
    return token_parameters(provider, resource)


def of_scope(scope: str) -> str:
    """The resource in a scope such as ``https://vault.azure.net/.default``; "" if there is none.

    It may be an application's id, without a scheme.
    """
    resource, _, last = scope.rpartition("/")
    return resource if last == WHATEVER_IS_GRANTED or ":" in resource else ""


def by_scope(provider: ProviderFields, resource: str) -> str:
    """The resource that a scope names, ``canonical``; "" if it is none that the provider lists,
    and its requests do not name APIs by scopes.
    """
    found = canonical(provider, resource)
    names_one = provider.resource_parameter == "scope" or found in provider.resources
    return found if names_one else ""
