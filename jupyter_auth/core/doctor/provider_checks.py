"""Whether a provider works as it is configured here, for ``doctor``."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_auth.core.common import times
from jupyter_auth.core.common.finding import Finding, wrong
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.common.urls import origin_of, reaching
from jupyter_auth.core.doctor.guide_checks import as_announced, guided
from jupyter_auth.core.errors import AuthError, ConfigurationError, NextStep
from jupyter_auth.core.protocol import discovery, http
from jupyter_auth.core.protocol.parties import OFFLINE, Party
from jupyter_auth.core.provider import demands, guides
from jupyter_auth.core.provider.client_credentials import missing_package, variable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import requests

    from jupyter_auth.core.provider.field_types import Endpoints, Policy
    from jupyter_auth.core.provider.provider import Provider

NOTICED = 10.0  # seconds that a clock may be off without a note
METHODS = {"basic": "client_secret_basic", "post": "client_secret_post", "none": "none"}


def checkup(
    provider: Provider, clock: Callable[[], float], obtained: Sequence[Finding] = ()
) -> Iterator[Finding]:
    """All findings about it. The provider gets few requests, and no secret.

    ``obtained``: those about the client that a sign-in gets by itself.
    """
    yield from _registration(provider, obtained)
    yield from guided(provider)
    yield _origins(provider)
    if provider.policy:
        yield _policy(provider.policy)
    try:
        discovers = provider.issuer or provider.metadata_url
        check = _metadata if discovers else _token_endpoint
        yield from check(provider, clock)
    except AuthError as error:
        yield wrong("Provider", error)


def _registration(provider: Provider, obtained: Sequence[Finding]) -> Iterator[Finding]:
    if provider.service is not None:
        yield _service(provider)
        if not _for_people(provider):
            return
    if provider.exchange:
        source = provider.exchange.source
        yield Finding("Exchange", f"Its tokens are made of those of {source}: sign in there.")
        if not provider.client_id:  # which it can do without
            return
    if problem := missing_package(provider):
        yield wrong("Client", problem)
        return
    if obtained:
        yield from obtained
        return
    if not provider.client_id:
        fix, step = guides.in_short(provider), NextStep("add_provider", provider.name)
        yield Finding("Client", "It has no client ID.", fix, "wrong", step)
        return
    secret = "with a client secret" if provider.client_secret else "a public client, no secret"
    says = f"{provider.client_id}, {secret} (client_auth {provider.client_auth!r})."
    lacks_secret = provider.client_auth in {"basic", "post"} and not provider.client_secret
    if lacks_secret and provider.public_grants:
        yield Finding("Client", f"{says} People sign in by {provider.public_grants[0]}.")
    elif lacks_secret:
        step = NextStep("add_secret", provider.name)
        yield Finding("Client", says, state="note", next_step=step)
    else:
        yield Finding("Client", says)


def _service(provider: Provider) -> Finding:
    service = provider.as_service()
    if service.client_secret:
        says = f"{service.client_id}, with a client secret (client_auth {service.client_auth!r})."
        return Finding("Service account", says)
    names = [variable(provider.name, field) for field in ("client_id", "client_secret")]
    fix = f"Set {' and '.join(names)} where the Jupyter server is started."
    return Finding("Service account", "None: its client secret is not set here.", fix, "note")


def _for_people(provider: Provider) -> bool:
    """Whether people can sign in there, or only a service account."""
    given = provider.endpoints
    offered = given and (given.authorization_endpoint or given.device_authorization_endpoint)
    return bool(provider.issuer or provider.metadata_url or offered or provider.grants)


def _origins(provider: Provider) -> Finding:
    allowed = ", ".join(provider.api_origins)
    reached = reaching(provider.api_origins)
    if provider.base_url and not reached.match(f"{origin_of(provider.base_url)}/"):
        says = f"{allowed}, but not to its own base_url {provider.base_url}"
        fix = f"Add {origin_of(provider.base_url)} to its api_origins."
        return Finding("Token goes to", says, fix, "wrong")
    return Finding("Token goes to", f"{allowed}, and nowhere else.")


def _policy(policy: Policy) -> Finding:
    groups = "all" if policy.groups is None else ", ".join(policy.groups) or "none"
    scopes, resources = (
        "any" if allowed is None else " ".join(allowed) or "none but the standard ones"
        for allowed in (policy.scopes, policy.resources)
    )
    kept = f" Accounts unused for {policy.unused} days are removed." if policy.unused else ""
    says = f"groups: {groups}; scopes: {scopes}; resources: {resources}.{kept}"
    return Finding("Policy", says)


def _metadata(provider: Provider, clock: Callable[[], float]) -> Iterator[Finding]:
    began = time.monotonic()
    answers = list(discovery.search(provider))
    took, found = time.monotonic() - began, answers[-1]
    if found.endpoints is None or found.response is None:
        raise discovery.no_metadata(provider, answers)
    for each in answers:
        if each.error:
            yield Finding("Metadata", f"{each.url}: {each.error.message}", state="note")
    yield _connection(found.url, provider)
    yield from _clock(found.response, clock())
    yield Finding("Metadata", f"{found.url} {_named(provider, found.endpoints)} ({took:.2f} s).")
    yield from _consistent(provider, found.endpoints, found.document)
    if found.endpoints.jwks_uri:
        uri = found.endpoints.jwks_uri
        keys = discovery.fetch_keys(uri, provider.request_rules)["keys"]
        yield Finding("Signing keys", _listed(f"{len(keys)} at", [uri]))


def _named(provider: Provider, endpoints: Endpoints) -> str:
    if endpoints.issuer == provider.issuer:
        return "names the issuer as configured"
    named = plain_text(endpoints.issuer or "", discovery.MAX_SHOWN)
    why = "as metadata_url" if provider.metadata_url else "but for its last slash"
    return f"names the issuer {named}, and is believed {why}"


def _token_endpoint(provider: Provider, clock: Callable[[], float]) -> Iterator[Finding]:
    """Without metadata, any response to a GET shows that the server is there."""
    url = provider.address
    try:
        response = http.send("GET", url, "token endpoint", provider.request_rules)
    except ConfigurationError as error:  # a redirect, as to a page for people, is a response too
        if provider.ca_bundle and "ca_bundle" in error.message:
            raise
        response = None
    yield _connection(url, provider)
    if response is not None:
        yield from _clock(response, clock())
    yield Finding("Token endpoint", f"{url} answers.")


def _connection(url: str, provider: Provider) -> Finding:
    parts = urlsplit(url)
    if parts.scheme == "http":
        return Finding("Connection", "http, which never leaves this machine.")
    by = f", by {provider.ca_bundle}" if provider.ca_bundle else ""
    return Finding("Connection", f"The certificate of {parts.netloc} is valid{by}.")


def _listed(before: str, words: Iterable[Any]) -> str:
    """Words of a document, shortened for people."""
    return f"{before} {plain_text(' '.join(map(str, words)), discovery.MAX_SHOWN)}"


def _clock(response: requests.Response, now: float) -> Iterator[Finding]:
    """This machine's clock compared with the ``Date`` of a response (RFC 9110 6.6.1)."""
    try:
        theirs = parsedate_to_datetime(response.headers["Date"]).timestamp()
        theirs += times.number(response.headers.get("Age")) or 0  # seconds in a cache
    except (KeyError, TypeError, ValueError):
        yield Finding("Clock", "The provider sends no time to compare with.")
        return
    from jupyter_auth.core.protocol.id_token import CLOCK_SKEW

    ahead = now - theirs
    if abs(ahead) < NOTICED:
        yield Finding("Clock", "It agrees with the provider's.")
        return
    way = "ahead of" if ahead > 0 else "behind"
    says = f"This machine's is {_duration(abs(ahead))} {way} the provider's."
    fix = "Correct it, for example with `timedatectl set-ntp true`"
    if abs(ahead) > CLOCK_SKEW:
        yield Finding("Clock", says, f"{fix}: tokens are refused until then.", "wrong")
    else:
        yield Finding("Clock", says, f"{fix}.", "note")


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"  # noqa: PLR2004


def _consistent(
    provider: Provider, endpoints: Endpoints, document: dict[str, Any]
) -> Iterator[Finding]:
    """Notes on what the metadata, which may be incomplete, does not offer."""
    methods = document.get("token_endpoint_auth_methods_supported")
    lacking, others = demands.required(endpoints), demands.other_methods(endpoints)
    for what in (*lacking, *others):
        says = f"The metadata demands {what}, which is not supported here."
        yield Finding("Demands", says, demands.DO_WITHOUT, "wrong" if what in lacking else "note")
    yield from as_announced(provider, document)
    method = METHODS.get(str(provider.client_auth))
    if method and isinstance(methods, list) and method not in methods and not others:
        says = _listed(f"The metadata does not offer {method}, but", methods)
        fix = "If the provider rejects the client, set client_auth (and client_secret)."
        yield Finding("Client", says, fix, "note")
    party = Party(provider=provider, endpoints=endpoints)
    if not provider.scopes and OFFLINE in party.default_scopes:
        says = f"{' '.join(party.default_scopes)}, with a prompt for consent (OIDC Core 11)."
        fix = f"If {OFFLINE} is refused, a sign-in goes on without it, and is not renewed."
        yield Finding("Scopes", says, fix)
    unknown = set(party.default_scopes) - {*endpoints.scopes_supported, "openid"}
    if endpoints.scopes_supported and unknown:
        says = f"The metadata does not offer {' '.join(sorted(unknown))}."
        yield Finding("Scopes", says, _listed("It offers:", endpoints.scopes_supported), "note")
