"""Which client a person signs in with. The ladder, from the top:

1. one that the administrator or the person configured, or that a preset brings;
2. the document that this installation publishes (OAuth Client ID Metadata Document);
3. one that registers itself (RFC 7591);
4. none: the person registers one, on the set-up page.
"""

from __future__ import annotations

import dataclasses
import math
import os
import time
from typing import TYPE_CHECKING, TypeVar

from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.protocol import oauth
from jupyter_auth.core.protocol.client_authentication import is_refused
from jupyter_auth.core.protocol.discovery import Discovery
from jupyter_auth.core.protocol.parties import Client, Party
from jupyter_auth.core.registration import dynamic
from jupyter_auth.core.registration.registrations import (
    MOST,
    MemoryRegistrations,
    RegistrationRefused,
    place_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.core.registration.registrations import Registration, RegistrationStore

Key = TypeVar("Key")
Value = TypeVar("Value")
FRESH = 60.0  # seconds for which a client that was known there counts as known: servers restart
PAUSE = 600.0  # seconds until a provider that refused to register a client is asked again
MAX_KNOWN = 1000  # clients that are remembered
DOCUMENT = "JUPYTER_AUTH_CLIENT_DOCUMENT"  # the variable with the URL of a laptop's document
HERE = "{redirect_uri}"  # in the document's URL


class Clients:
    """The clients of this installation at providers for which none is configured.

    ``document`` is the URL of its Client ID Metadata Document, "" if it has none; where that
    depends on the redirect URI, ``{redirect_uri}`` is in it. ``clock`` is in seconds since 1970.
    """

    def __init__(
        self, store: RegistrationStore, clock: Callable[[], float], document: str = ""
    ) -> None:
        self._store = store
        self._clock = clock
        self._document = document
        self._known: dict[tuple[str, str], float] = {}  # by place and client ID: since when
        self._refused: dict[str, tuple[float, str]] = {}  # by place

    def obtainable(self, party: Party) -> bool:
        """Whether a sign-in gets a client by itself where none is configured (rungs 2 and 3)."""
        if party.provider.client_id:
            return False
        registers = party.endpoints.registration_endpoint and not self.problem(party)
        return bool(self._documented(party, HERE) or registers)

    def document(self, party: Party) -> str:
        """The URL of the document that is used there, as it is configured; "" if none is."""
        return self._documented(party, HERE)

    def registered(self, party: Party) -> list[Registration]:
        """The clients that registered themselves there, the oldest first. Raises StoreError."""
        return self._store.read(place_of(party))

    def missing(self, party: Party, grant: str) -> tuple[str, ...]:
        """What a person has to add for a sign-in by that grant: see ``Provider.missing``."""
        lacking = party.provider.missing(grant)
        obtained = grant in {"authorization_code", "device_code"} and self.obtainable(party)
        return tuple(each for each in lacking if not (obtained and each == "client_id"))

    def problem(self, party: Party) -> str:
        """Why the provider did not register this client lately; "" if it did not refuse."""
        at, why = self._refused.get(place_of(party), (0.0, ""))
        return why if self._clock() - at < PAUSE else ""

    def for_sign_in(self, party: Party, redirect_uri: str, scopes: Sequence[str]) -> Party:
        """The party with the client to use. ``redirect_uri``: empty for device codes.

        Raises:
            RegistrationRefused: the provider does not register this client.
            ConfigurationError: there is none, and the provider registers none.
            ProviderUnavailable, ProviderError, StoreError: try again.
        """
        if party.provider.client_id:
            return party
        can_register = bool(party.endpoints.registration_endpoint)
        if document := self._documented(party, redirect_uri):
            by_document = _with(party, Client(client_id=document))
            if not can_register or self._is_known(by_document, redirect_uri):
                return by_document
        if can_register:
            return _with(party, self._registered(party, redirect_uri, scopes).client)
        party.require_client()
        return party

    def with_client(self, party: Party, client_id: str) -> Party:
        """The party with the client of that ID, for what was issued to it.

        One that is not kept here any more has no secret.
        """
        kept = [each for each in self._store.read(place_of(party)) if each.client_id == client_id]
        return _with(party, kept[-1].client if kept else Client(client_id=client_id))

    def doubt(self, party: Party) -> bool:
        """The provider refused the client: the next sign-in asks whether it is still known.

        Returns whether it counted as known until now.
        """
        known = (place_of(party), party.registered.client_id) if party.registered else ("", "")
        return self._known.pop(known, None) is not None

    def remove(self, party: Party) -> list[str]:
        """Delete all registrations at a provider, here and there; what was not possible there."""
        if self._store.shared:
            return []
        with self._store.change(place_of(party)) as entries:
            gone = list(entries)
            entries.clear()
        return list(filter(None, (dynamic.delete(party, each) for each in gone)))

    def _documented(self, party: Party, redirect_uri: str) -> str:
        """The document's URL, where the provider takes one; "" if there is none for this."""
        if not party.endpoints.client_id_metadata_document_supported:
            return ""
        if HERE in self._document and not redirect_uri:
            return ""
        return self._document.replace(HERE, redirect_uri)

    def _registered(self, party: Party, redirect_uri: str, scopes: Sequence[str]) -> Registration:
        place = place_of(party)
        kept = self._serving(self._store.read(place), redirect_uri, scopes)
        if kept and self._is_known(_with(party, kept.client), redirect_uri):
            return kept
        with self._store.change(place) as entries:
            faster = self._serving(entries, redirect_uri, scopes)
            if faster and faster != kept:  # another process registered it in the meantime
                return faster
            entries[:] = [each for each in entries if each != kept][1 - MOST :]
            try:
                entries.append(dynamic.register(party, redirect_uri, scopes))
            except RegistrationRefused as error:
                self._remember(self._refused, place, (self._clock(), error.message))
                raise
            new = entries[-1]
        self._refused.pop(place, None)
        self._remember(self._known, (place, new.client_id), self._clock())
        return new

    def _serving(
        self, entries: Sequence[Registration], redirect_uri: str, scopes: Sequence[str]
    ) -> Registration | None:
        now = self._clock()
        found = [each for each in entries if each.serves(redirect_uri, scopes, now)]
        return found[-1] if found else None

    def _is_known(self, party: Party, redirect_uri: str) -> bool:
        """Whether the provider still knows the client: a browser would not come back from one that
        does not. A made-up code shows it (RFC 6749 5.2); if not, the sign-in itself will.
        """
        place = place_of(party)
        if self._clock() - self._known.get((place, party.client_id), -math.inf) < FRESH:
            return True
        try:
            refusal = oauth.refusal_of_made_up_code(party, redirect_uri)
        except AuthError:
            return True
        if refusal and is_refused(refusal):
            return False
        self._remember(self._known, (place, party.client_id), self._clock())
        return True

    @staticmethod
    def _remember(known: dict[Key, Value], key: Key, value: Value) -> None:
        if len(known) >= MAX_KNOWN:
            known.clear()
        known[key] = value


def obtains_client(provider: Provider) -> bool:
    """As ``Clients.obtainable``, for a program that only wants to know what to ask a person."""
    try:
        endpoints = Discovery(time.time).endpoints(provider)
    except ProviderUnavailable:  # what was found by an address has one until it is known not to
        return bool(provider.found_at)
    except AuthError:
        return False
    clients = Clients(MemoryRegistrations(), time.time, os.environ.get(DOCUMENT, ""))
    return clients.obtainable(Party(provider=provider, endpoints=endpoints))


def _with(party: Party, client: Client) -> Party:
    return dataclasses.replace(party, registered=client)
