"""Dynamic client registration (RFC 7591), and the end of a registration (RFC 7592)."""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING, Any

import requests

from jupyter_auth.core.common import times
from jupyter_auth.core.common.tracebacks import forgetful
from jupyter_auth.core.common.urls import host_of, is_loopback, same_origin
from jupyter_auth.core.errors import AuthError, NextStep, ProviderError
from jupyter_auth.core.protocol import http
from jupyter_auth.core.protocol.client_authentication import BASIC, POST
from jupyter_auth.core.protocol.oauth_response import refusal
from jupyter_auth.core.protocol.token_endpoint import CODE, DEVICE, REFRESH
from jupyter_auth.core.registration.registrations import Registration, RegistrationRefused
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.provider.field_types import ClientAuth, Endpoints

ENDPOINT = "registration endpoint"
METHODS: dict[str, ClientAuth] = {"none": "none", BASIC: "basic", POST: "post"}  # RFC 7591 2
MAX_TEXT = 4096  # characters of an ID, a secret, a URL
# Refusals that may be of one way to register (RFC 7591 3.2.2), not of this client.
OF_METADATA = {"invalid_client_metadata", "invalid_request", "invalid_scope", "error"}


@forgetful
def register(party: Party, redirect_uri: str, scopes: Sequence[str]) -> Registration:
    """A new client for that redirect URI, or for device codes if it is empty.

    Without a secret where the provider allows that. Where it refuses how the client wants to
    authenticate, or its scopes, it is asked in another way.

    Raises:
        RegistrationRefused: it does not register this client, or not as it has to.
        ProviderUnavailable, ProviderError, ConfigurationError: there is no usable answer.
    """
    refused: RegistrationRefused | None = None
    for scope, method in itertools.product(dict.fromkeys((" ".join(scopes), "")), _methods(party)):
        wanted = metadata(party.endpoints, redirect_uri, scope=scope, method=method)
        answer = _post(party, wanted)
        if answer.status_code in {requests.codes.ok, requests.codes.created}:
            found = http.json_object(answer, ENDPOINT)
            return _read(party, found, redirect_uri, tuple(scopes))
        said = _error(answer)
        refused = refused or _refused(party, f"refused this one ({refusal(said)})")
        if said["error"] not in OF_METADATA:
            break
    assert refused is not None  # noqa: S101 (each way was refused)
    raise refused


def metadata(endpoints: Endpoints, redirect_uri: str, *, scope: str, method: str) -> dict[str, Any]:
    """What is registered (RFC 7591 2, OpenID Connect Registration 2). Nothing in it is private."""
    native = is_native(redirect_uri)
    grants, offered = [CODE if redirect_uri else DEVICE], endpoints.grant_types_supported
    grants += [REFRESH] if not offered or REFRESH in offered else []
    return {
        "client_name": "Jupyter" if native else f"Jupyter on {host_of(redirect_uri)}",
        "redirect_uris": [redirect_uri] if redirect_uri else [],
        "grant_types": grants,
        "response_types": ["code"] if redirect_uri else [],
        "token_endpoint_auth_method": method,
        "application_type": "native" if native else "web",
    } | ({"scope": scope} if scope else {})


def is_native(redirect_uri: str) -> bool:
    """Whether it leads to a program of this machine (RFC 8252 7.3), or there is none."""
    return not redirect_uri or (redirect_uri.startswith("http:") and is_loopback(redirect_uri))


@forgetful
def delete(party: Party, registration: Registration) -> str:
    """Delete a registration at the provider (RFC 7592 2.3); "" or why that was not possible."""
    title, token = party.provider.title, registration.access_token
    if token is None:
        return f"{title} does not let clients delete their registration."
    rules, headers = party.provider.request_rules, {"Authorization": f"Bearer {token.reveal()}"}
    try:
        answer = http.send("DELETE", registration.managed_at, ENDPOINT, rules, headers=headers)
    except AuthError as error:
        return error.message
    gone = {requests.codes.not_found, requests.codes.unauthorized}  # 2.1: it is not known any more
    done = answer.ok or answer.status_code in gone
    return "" if done else f"{title} did not delete the registration (HTTP {answer.status_code})."


def _methods(party: Party) -> list[str]:
    """Without a secret first, where that is not listed too: MCP's SDK does not list it."""
    offered = party.endpoints.token_endpoint_auth_methods_supported
    listed = [each for each in METHODS if each in offered] or [*METHODS]
    return list(dict.fromkeys(("none", *listed)))


def _post(party: Party, wanted: dict[str, Any]) -> requests.Response:
    url, rules = party.endpoint("registration_endpoint"), party.provider.request_rules
    return http.send("POST", url, ENDPOINT, rules, json=wanted)


def _error(answer: requests.Response) -> dict[str, str]:
    found: dict[str, Any] = {}
    with contextlib.suppress(ProviderError):
        found = http.json_object(answer, ENDPOINT)
    names = ("error", "error_description")
    said = {name: found[name] for name in names if isinstance(found.get(name), str)}
    plain = "error" if answer.status_code == requests.codes.bad_request else ""
    return {"error": plain or f"HTTP {answer.status_code}"} | said


def _read(
    party: Party, found: dict[str, Any], redirect_uri: str, scopes: tuple[str, ...]
) -> Registration:
    """The client in an answer, which is believed in nothing that is not for us."""
    echoed = found.get("redirect_uris")
    if echoed is not None and echoed != ([redirect_uri] if redirect_uri else []):
        raise _odd(party, "with another redirect URI")
    client_id, secret = _text(party, found, "client_id"), _text(party, found, "client_secret")
    if not client_id:
        raise _odd(party, "without a client ID")
    named = found.get("token_endpoint_auth_method") or (BASIC if secret else "none")
    if not isinstance(named, str) or named not in METHODS:
        raise _odd(party, "with a way of authentication that is not supported here")
    if named != "none" and not secret:
        raise _odd(party, "without its client secret")
    ends = times.number(found.get("client_secret_expires_at")) if named != "none" else None
    managed_at, access_token = _management(party, found)
    return Registration(
        client_id=client_id,
        client_secret=Secret(secret) if named != "none" else None,
        client_auth=METHODS[named],
        redirect_uri=redirect_uri,
        scopes=scopes,
        expires_at=ends or None,  # 0: never
        managed_at=managed_at,
        access_token=access_token,
    )


def _management(party: Party, found: dict[str, Any]) -> tuple[str, Secret | None]:
    """Where it can be deleted, and by what; nothing where that is another host's (RFC 7592 3)."""
    url, token = (
        _text(party, found, name)
        for name in ("registration_client_uri", "registration_access_token")
    )
    own = same_origin(url, party.endpoint("registration_endpoint"))  # which is a secure one
    return (url, Secret(token)) if own and token else ("", None)


def _text(party: Party, found: dict[str, Any], name: str) -> str:
    """Visible ASCII, as RFC 6749 A.1 and A.2 have it; "": there is none."""
    value = found.get(name)
    if value is None or value == "":
        return ""
    if not (isinstance(value, str) and value.isascii() and value.isprintable()):
        raise _odd(party, f"with a {name} that is not a text")
    if len(value) > MAX_TEXT:
        raise _odd(party, f"with a {name} that is too long")
    return value


def _odd(party: Party, what: str) -> RegistrationRefused:
    return _refused(party, f"registered a client {what}, which is not used")


def _refused(party: Party, what: str) -> RegistrationRefused:
    host = host_of(party.endpoint("registration_endpoint"))
    return RegistrationRefused(
        f"Clients can register themselves at {host}, but it {what}.",
        hint="Register an application there yourself, then add its client ID.",
        next_step=NextStep("add_provider", party.provider.name),
    )
