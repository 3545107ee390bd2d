"""The client at a provider for which none is configured, for ``doctor``: whether it will do."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import requests

from jupyter_auth.core.common.blocked_addresses import RequestRules
from jupyter_auth.core.common.finding import Finding
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.common.urls import host_of, hostname_of
from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.protocol import http
from jupyter_auth.core.registration.clients import HERE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.registration.clients import Clients

CLIENT = "Client"
MAX_SHOWN = 100  # characters of an ID


def found_of(party: Callable[[], Party], clients: Clients) -> list[Finding]:
    """As ``obtained``; nothing for a definition that is broken, which ``checkup`` finds, too."""
    try:
        return [*obtained(party(), clients)]
    except AuthError:
        return []


def obtained(party: Party, clients: Clients, redirect_uri: str = "") -> Iterator[Finding]:
    """What a sign-in will use; nothing where the person has to register a client.

    ``redirect_uri``: that of a Hub's service, as far as it is known.
    """
    if party.provider.client_id:
        return
    if url := clients.document(party):
        yield _document(party, url, redirect_uri)
    elif party.endpoints.registration_endpoint:
        host = host_of(party.endpoint("registration_endpoint"))
        if problem := clients.problem(party):
            fix = f"Register an application at {host} yourself, then add its client ID."
            yield Finding(CLIENT, problem, fix, "wrong")
        elif kept := clients.registered(party):
            newest = plain_text(kept[-1].client_id, MAX_SHOWN)
            more = f", as did {len(kept) - 1} more for other ways to return" if kept[1:] else ""
            yield Finding(CLIENT, f"{newest}, which registered itself at {host}{more}.")
        else:
            yield Finding(CLIENT, f"None yet: it registers itself at {host} with the next sign-in.")


def _document(party: Party, url: str, redirect_uri: str) -> Finding:
    name = party.provider.name
    command = f"jupyter auth client-document {name} --url {shlex.quote(url)}"
    fix = f"Publish there what `{command}` prints."
    if HERE in url:
        if not redirect_uri:
            says = "Its ID is the document that is published below the redirect URI."
            return Finding(CLIENT, says)
        url = url.replace(HERE, redirect_uri)
        fix = f"Let {party.provider.title} reach that address: the service answers there."
    try:
        rules = RequestRules(party.provider.ca_bundle, frozenset({hostname_of(url)}))
        status, found = http.get_json(url, "client document", rules)
    except AuthError as error:
        return Finding(CLIENT, error.message, fix, "wrong")
    if status != requests.codes.ok:
        return Finding(CLIENT, f"Its document {url} answers {status}.", fix, "wrong")
    if found.get("client_id") != url:
        return Finding(CLIENT, f"The document at {url} names another client ID.", fix, "wrong")
    uris = found.get("redirect_uris")
    known = [each for each in uris if isinstance(each, str)] if isinstance(uris, list) else []
    if not any(party.provider.is_answered_at(each) for each in known):
        says = f"The document at {url} has no redirect URI of {name!r}."
        return Finding(CLIENT, says, fix, "wrong")
    return Finding(CLIENT, f"Its ID is the document at {url}.")
