"""What accounts and kept secrets are bound to: all that says where or how something secret travels.

That is each field of a provider's definition but the harmless ones, so a new field is in it until
somebody says here why it need not be. A field at its default counts as one that is not there:
another version of this package, with more fields, has the same digests.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.provider.field_types import default_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from jupyter_auth.core.provider.provider import Provider

HARMLESS = {
    "name": "what is bound rests under it",
    "title": "only shown",
    "client_secret": "is what is bound; a new one is for the same place",
    "grants": "which ways in there are; where each leads is in the endpoints",
    "scopes": "what is asked for; an account knows what it was granted",
    "redirect_uri": "each login is bound to its own; no token and no client secret goes there",
    "username_claim": "which claim is shown as the name; the account keeps issuer and subject",
    "leeway": "when a token is refreshed",
    "refresh_on": "when a token is refreshed",
    "revoke": "whether a sign-out also asks the provider",
    "expires_format": "how a date reads",
    "scope_separator": "how the scopes of an answer read",
    "scope_aliases": "how the scopes of an answer read",
    "throttle": "how often an API is called",
    "endpoints.scopes_supported": "what may be asked for",
    "endpoints.grant_types_supported": "which ways in there are",
    "service.client_id": "which client a service account is; its secret is for the same place",
    "service.client_secret": "is what is bound; a new one is for the same place",
    "service.scopes": "what is asked for",
    "api_key.aliases": "names that a key's parts have in code",
}
NO_CLIENT_SECRET = frozenset(  # fields that say where tokens go, and no client secret
    {"api_headers", "api_key", "api_origins", "audience", "authorize_params", "base_url"}
    | {"client_id", "credentials_from", "header", "import_from", "token_response", "username_url"}
)
VERSION = "2:"  # in front of a digest; those of the first version had none


def digest(provider: Provider) -> str:
    """SHA-256 of what is bound."""
    text = json.dumps(_all_bound(provider), sort_keys=True, default=dict)
    return VERSION + hashlib.sha256(text.encode()).hexdigest()


def same(one: Provider, other: Provider, *, but: Collection[str]) -> bool:
    """Whether the two say the same, ``but`` for these fields."""
    mine, theirs = _all_bound(one), _all_bound(other)
    return all(mine.get(k) == theirs.get(k) for k in (mine.keys() | theirs.keys()).difference(but))


def _all_bound(provider: Provider) -> dict[str, Any]:
    bound = _bound(provider)
    # With no secret yet, ``none`` is no decision; with one it only keeps it from being sent.
    bound["client_auth"] = bound["client_auth"].replace("none", "basic")
    return bound


def _bound(holder: Any, within: str = "") -> dict[str, Any]:
    found = {}
    for each in fields(holder):
        path, value = within + each.name, getattr(holder, each.name)
        if path not in HARMLESS and value != default_of(each):
            found[each.name] = _bound(value, f"{path}.") if is_dataclass(value) else value
    return found


def fingerprints(provider: Provider, *, trusted: bool) -> set[str]:
    """Those that it answers to. In the first version they were of five fields: such a one is for
    what no kernel can have changed since (``trusted``).
    """
    return {provider.fingerprint} | ({_first_version(provider)} if trusted else set())


def _first_version(provider: Provider) -> str:
    given = provider.endpoints
    bound = [provider.issuer, given and given.token_endpoint, given and given.revocation_endpoint]
    bound += [provider.client_id, provider.audience]
    return hashlib.sha256(json.dumps(bound).encode()).hexdigest()


def is_of_first_version(fingerprint: str) -> bool:
    """Whether it is one of those."""
    return not fingerprint.startswith(VERSION)


def reach(provider: Provider) -> str:
    """A digest of where a session sends tokens, by which it knows that they are for there."""
    where = (provider.base_url, provider.api_origins, dict(provider.api_headers))
    return hashlib.sha256(json.dumps(where, sort_keys=True).encode()).hexdigest()
