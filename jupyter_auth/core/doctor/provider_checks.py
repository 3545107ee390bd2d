"""Whether a provider, as it is configured here, can work: asked afresh, for ``doctor``."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_auth.core.common import times
from jupyter_auth.core.common.finding import Finding, wrong
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.common.urls import origin_of
from jupyter_auth.core.errors import AuthError, ConfigurationError, NextStep
from jupyter_auth.core.protocol import discovery, http
from jupyter_auth.core.protocol.parties import Party
from jupyter_auth.core.provider.client_credentials import missing_package, variable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import requests

    from jupyter_auth.core.provider.field_types import Endpoints
    from jupyter_auth.core.provider.provider import Provider

NOTICED = 10.0  # seconds that a clock may be off before it is worth a word
METHODS = {"basic": "client_secret_basic", "post": "client_secret_post", "none": "none"}


def checkup(provider: Provider, clock: Callable[[], float]) -> Iterator[Finding]:
    """All there is to say of it. The provider is asked once for each thing, and sent no secret."""
    yield from _registration(provider)
    yield _origins(provider)
    try:
        yield from _answers(provider, clock)
    except AuthError as error:
        yield wrong("Provider", error)


def _registration(provider: Provider) -> Iterator[Finding]:
    if provider.service is not None:
        yield _service(provider)
        if not _for_people(provider):
            return
    if problem := missing_package(provider):
        yield wrong("Client", problem)
        return
    if not provider.client_id:
        yield Finding(
            about="Client",
            says="It has no client id.",
            fix="Register an application there.",
            state="wrong",
            next_step=NextStep("add_provider", provider.name),
        )
        return
    secret = "with a client secret" if provider.client_secret else "a public client, no secret"
    lacks = provider.client_auth in {"basic", "post"} and not provider.client_secret
    yield Finding(
        about="Client",
        says=f"{provider.client_id}, {secret} (client_auth {provider.client_auth!r}).",
        state="note" if lacks else "ok",
        next_step=NextStep("add_secret", provider.name) if lacks else None,
    )


def _service(provider: Provider) -> Finding:
    service = provider.as_service()
    if service.client_secret:
        says = f"{service.client_id}, with a client secret (client_auth {service.client_auth!r})."
        return Finding(about="Service account", says=says)
    names = [variable(provider.name, field) for field in ("client_id", "client_secret")]
    return Finding(
        about="Service account",
        says="None: no client secret of one is held here.",
        fix=f"Set {' and '.join(names)} where the Jupyter server is started.",
        state="note",
    )


def _for_people(provider: Provider) -> bool:
    """Whether anybody can sign in there, or only a service account."""
    given = provider.endpoints
    offered = given and (given.authorization_endpoint or given.device_authorization_endpoint)
    return bool(provider.issuer or offered or provider.grants)


def _origins(provider: Provider) -> Finding:
    allowed = ", ".join(provider.api_origins)
    if provider.base_url and origin_of(provider.base_url) not in provider.api_origins:
        return Finding(
            about="Token goes to",
            says=f"{allowed}, but not to its own base_url {provider.base_url}",
            fix=f"Add {origin_of(provider.base_url)} to its api_origins.",
            state="wrong",
        )
    return Finding(about="Token goes to", says=f"{allowed}, and nowhere else.")


def _answers(provider: Provider, clock: Callable[[], float]) -> Iterator[Finding]:
    if provider.issuer:
        yield from _issuer(provider, clock)
    else:
        yield from _token_endpoint(provider, clock)


def _issuer(provider: Provider, clock: Callable[[], float]) -> Iterator[Finding]:
    issuer = provider.issuer or ""
    for url in discovery.documents(issuer):
        began = time.monotonic()
        answer = http.document(url, "metadata", provider.request_rules)
        if answer.ok:
            break
    else:
        raise discovery.no_metadata(issuer, answer.status_code)
    took = time.monotonic() - began
    yield _connection(url, provider)
    yield from _clock(answer, clock())
    document = http.json_object(answer, "metadata")
    endpoints = discovery.checked(issuer, document, provider.request_rules)
    yield Finding(about="Metadata", says=f"{url} names the issuer as configured ({took:.2f} s).")
    yield from _consistent(provider, endpoints, document)
    if endpoints.jwks_uri:
        keys = discovery.fetch_keys(endpoints.jwks_uri, provider.request_rules)["keys"]
        yield Finding(about="Signing keys", says=_said(f"{len(keys)} at", [endpoints.jwks_uri]))


def _token_endpoint(provider: Provider, clock: Callable[[], float]) -> Iterator[Finding]:
    """There is no metadata to ask for. Whatever a GET is answered: somebody is there."""
    url = provider.address
    try:
        answer = http.send("GET", url, "token endpoint", provider.request_rules)
    except ConfigurationError as error:  # a redirect, as to a page for people, is an answer too
        if provider.ca_bundle and "ca_bundle" in error.message:
            raise
        answer = None
    yield _connection(url, provider)
    if answer is not None:
        yield from _clock(answer, clock())
    yield Finding(about="Token endpoint", says=f"{url} answers.")


def _connection(url: str, provider: Provider) -> Finding:
    parts = urlsplit(url)
    if parts.scheme == "http":
        return Finding(about="Connection", says="http, which never leaves this machine.")
    trusted = f", by {provider.ca_bundle}" if provider.ca_bundle else ""
    return Finding(about="Connection", says=f"The certificate of {parts.netloc} is good{trusted}.")


def _said(before: str, words: Iterable[Any]) -> str:
    """What a document says, cut to what a person reads."""
    return f"{before} {plain_text(' '.join(map(str, words)), discovery.MOST_SAID)}"


def _clock(answer: requests.Response, now: float) -> Iterator[Finding]:
    """This machine's clock against the ``Date`` of the answer (RFC 9110 6.6.1), by the second."""
    try:
        theirs = parsedate_to_datetime(answer.headers["Date"]).timestamp()
        theirs += times.number(answer.headers.get("Age")) or 0  # it rested in a cache
    except (KeyError, TypeError, ValueError):
        yield Finding(about="Clock", says="The provider tells no time to compare with.")
        return
    from jupyter_auth.core.protocol.id_token import CLOCK_SKEW

    ahead = now - theirs
    if abs(ahead) < NOTICED:
        yield Finding(about="Clock", says="It agrees with the provider's.")
        return
    way = "ahead of" if ahead > 0 else "behind"
    bad = abs(ahead) > CLOCK_SKEW
    yield Finding(
        about="Clock",
        says=f"This machine's is {_duration(abs(ahead))} {way} the provider's.",
        fix="Correct it, for example with `timedatectl set-ntp true`"
        + (": tokens are refused until then." if bad else "."),
        state="wrong" if bad else "note",
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"  # noqa: PLR2004


def _consistent(
    provider: Provider, endpoints: Endpoints, document: dict[str, Any]
) -> Iterator[Finding]:
    """Where what is configured is not what the metadata offers. It may be incomplete: notes."""
    methods = document.get("token_endpoint_auth_methods_supported")
    method = METHODS.get(str(provider.client_auth))
    if method and isinstance(methods, list) and method not in methods:
        yield Finding(
            about="Client",
            says=_said(f"The metadata does not offer {method}, but", methods),
            fix="If the provider refuses the client, set client_auth (and client_secret).",
            state="note",
        )
    party = Party(provider=provider, endpoints=endpoints)
    unknown = set(party.default_scopes) - {*endpoints.scopes_supported, "openid"}
    if endpoints.scopes_supported and unknown:
        yield Finding(
            about="Scopes",
            says=f"The metadata does not offer {' '.join(sorted(unknown))}.",
            fix=_said("It offers:", endpoints.scopes_supported),
            state="note",
        )
