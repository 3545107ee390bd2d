"""From the address of an API to a provider: a table of fields, as a person would write it."""

from __future__ import annotations

import contextlib
import hashlib
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.common.urls import host_of, origin_of
from jupyter_auth.core.errors import AuthError, ConfigurationError, ProviderNotFound
from jupyter_auth.core.protocol.parties import OFFLINE
from jupyter_auth.core.provider.definitions import provider_from_mapping
from jupyter_auth.core.registration import openeo, protected_resource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jupyter_auth.core.protocol.discovery import Discovery
    from jupyter_auth.core.provider.info import ProviderInfo
    from jupyter_auth.core.provider.registry import Providers
    from jupyter_auth.core.registration.protected_resource import ProtectedResource

LONGEST = 64  # characters of a name
DIGITS = 8  # of a digest, where a name is too long or taken


def find(address: str, providers: Providers, discovery: Discovery) -> ProviderInfo:
    """The provider for the API at ``address``: one that a person wrote, else found and kept.

    Raises:
        ConfigurationError: nothing may be looked for there.
        AuthError: as ``definition``, and as ``Providers.keep_found``.
    """
    address = protected_resource.checked_address(address)
    providers.require_findable(address)
    known = None
    with contextlib.suppress(ProviderNotFound):
        info = providers.info(address)
        if info.source == "configured" or not info.found_at:  # written by a person
            return info
        known = providers.get(info.name).issuer
    return providers.keep_found(definition(address, known, discovery), names(address))


def names(address: str) -> Iterator[str]:
    """What the provider of that address may be called: by the host, by the path too, by all."""
    host, path = host_of(address), urlsplit(address).path
    digest = hashlib.sha256(address.encode()).hexdigest()[:DIGITS]
    for name in (_name(host), _name(f"{host}{path}")):
        if len(name) <= LONGEST:
            yield name
    yield f"{_name(host)[: LONGEST - DIGITS - 1]}-{digest}"


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("._-")


def definition(address: str, known: str | None, discovery: Discovery) -> dict[str, Any]:
    """The fields of the provider for the API at ``address``; ``known``: its issuer so far.

    The API's metadata names its authorization servers, and the first of them that works is taken;
    one whose own metadata names another issuer does not (RFC 8414 3.3). An API without metadata may
    itself be an issuer, or be at the origin of one, as in the first versions of MCP; or it is an
    openEO back end, which has a document of its own for that.

    Raises:
        ProviderUnavailable: it or its authorization server does not respond.
        ProviderError, ConfigurationError: there is no way to sign in; says what each answered.
    """
    name, problems = next(names(address)), list[AuthError]()
    asked = provider_from_mapping(name, {"issuer": address, "found_at": address})
    api = protected_resource.ask(address, asked.request_rules)
    issuers = api.issuers or tuple(dict.fromkeys((address, origin_of(address))))
    for issuer in (known,) if known in issuers else issuers:
        try:
            provider = provider_from_mapping(name, {"issuer": issuer, "found_at": address})
            offered = discovery.endpoints(provider).scopes_supported
        except AuthError as error:
            problems.append(error)
        else:
            return _table(address, issuer, api, offered)
    away = [each for each in problems if isinstance(each, ProviderUnavailable)]
    if api.issuers or away:
        raise (away or problems)[0]
    if table := openeo.ask(address, known, asked.request_rules):
        offered = discovery.endpoints(provider_from_mapping(name, table)).scopes_supported
        return {**table, "scopes": _lasting(table["scopes"], offered)}
    raise ConfigurationError(
        f"{address} does not say where to sign in. {api.answers} {problems[-1].message}",
        hint="If you know its issuer: `jupyter auth add NAME --issuer URL --client-id ID --base-url"
        f" {address}`.",
    )


def _table(
    address: str, issuer: str, api: ProtectedResource, offered: tuple[str, ...]
) -> dict[str, Any]:
    host, scopes = host_of(address), _lasting(api.scopes, offered)
    title = f"{api.name} ({host})" if api.name else host
    table: dict[str, Any] = {"title": title, "issuer": issuer, "found_at": address}
    if issuer != address:
        table |= {"base_url": address}
    if scopes:
        table |= {"scopes": scopes}
    return {**table, "resource": api.resource} if api.resource else table


def _lasting(scopes: Sequence[str], offered: Sequence[str]) -> list[str]:
    """The scopes, if any, with the one for a refresh token where it is offered."""
    asked = [*scopes, OFFLINE] if scopes and OFFLINE in offered else scopes
    return list(dict.fromkeys(asked))
