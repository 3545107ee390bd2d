"""What an API says of itself: who issues tokens for it, and for which scopes (RFC 9728).

It is asked without a token, as its clients ask. The challenge of its answer says where the metadata
is (5.1), and that may be on any host: what counts is that the metadata names this very API (3.3),
as a document that is about another one could have tokens for that sent here. Without a challenge
the metadata is at one of two addresses that follow from the API's own (3.1).
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import requests

from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.common.urls import origin_of, require_secure, same_origin, written
from jupyter_auth.core.errors import AuthError, ConfigurationError, ProviderError
from jupyter_auth.core.protocol import http
from jupyter_auth.core.protocol.connections import Deadline
from jupyter_auth.core.registration.challenges import SCOPE, challenges

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_auth.core.common.blocked_addresses import RequestRules

WELL_KNOWN = "/.well-known/oauth-protected-resource"
WHAT = "API metadata"
MOST_ISSUERS = 3  # that are tried
MOST_SCOPES = 50
# Of a name that people read beside the host: it can pass for no address, and for no second line.
HARMLESS = r"\w[\w &'+-]{0,39}"
MAX_SHOWN = 300  # characters of a document in one sentence
DEMANDS = {  # RFC 9728 2, and what it takes
    "dpop_bound_access_tokens_required": "tokens with DPoP",
    "tls_client_certificate_bound_access_tokens": "client certificates",
}


@dataclass(frozen=True, kw_only=True)
class ProtectedResource:
    """``resource`` is the API's identifier; None: it publishes no metadata. ``issuers`` are those
    of its authorization servers, the preferred one first. ``name``: what it calls itself, or "".
    ``answers``: what was answered that says nothing of these, in sentences.
    """

    resource: str | None = None
    issuers: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    name: str = ""
    answers: str = ""


def ask(address: str, rules: RequestRules) -> ProtectedResource:
    """What the API at ``address`` says of itself.

    Raises:
        ProviderUnavailable: it cannot be reached, or asks to try again.
        ProviderError: its metadata is of another API, or asks for too much.
        ConfigurationError: it takes no plain tokens.
    """
    deadline, away = Deadline(http.TOTAL_TIMEOUT), None
    said: dict[str, list[str]] = {}
    challenge = _challenge(address, rules, said)
    found = ProtectedResource(scopes=_scopes(challenge.get("scope", "").split(), address))
    for url in filter(None, dict.fromkeys((challenge.get("resource_metadata"), *places(address)))):
        try:
            response = http.document(url, WHAT, rules, deadline)
            if response.status_code != requests.codes.ok:
                raise ProviderError(f"HTTP {response.status_code}.")
            document = http.json_object(response, WHAT)
            if "resource" not in document:
                raise ProviderError("JSON without a resource.")
        except http.Unreachable:
            raise
        except AuthError as error:
            away = away or (error if isinstance(error, ProviderUnavailable) else None)
            said.setdefault(plain_text(error.message, MAX_SHOWN), []).append(url)
        else:
            return _read(document, address, found, url)
    if away:
        raise away
    return dataclasses.replace(found, answers=" ".join(_sentences(said)))


def places(address: str) -> list[str]:
    """Where the metadata of the API at ``address`` may be (RFC 9728 3.1): its own, the origin's.

    APIs differ in the slash at the end of their own.
    """
    origin, parts = origin_of(address), urlsplit(address)
    path = parts.path if parts.path != "/" else ""
    own = f"{path}?{parts.query}" if parts.query else path
    tails = dict.fromkeys((own, path.rstrip("/"), ""))
    return [f"{origin}{WELL_KNOWN}{each}" for each in tails]


def covers(resource: str, address: str) -> bool:
    """Whether ``address`` is of the API that this identifier names: of its origin, at its path or
    below. MCP's clients take a parent as well, where RFC 9728 3.3 has them equal.
    """
    if "?" in resource or "#" in resource:
        return resource == address
    if not same_origin(resource, address):
        return False
    path = f"{urlsplit(resource).path.rstrip('/')}/"
    return f"{urlsplit(address).path.rstrip('/')}/".startswith(path)


def checked_address(address: str) -> str:
    """``address``, ``written`` alike, if it can be that of an API. Raises ConfigurationError."""
    require_secure(address, "address")
    parts = urlsplit(address)
    if "#" in address or {".", ".."} & {*unquote(parts.path).split("/")} or "\\" in address:
        raise ConfigurationError(
            f"{plain_text(address, MAX_SHOWN)} is not the address of an API.",
            hint="Leave out what begins with `#`, and each `.` or `..` between two slashes.",
        )
    return written(address)


def _challenge(address: str, rules: RequestRules, said: dict[str, list[str]]) -> dict[str, str]:
    """The parameters of its Bearer challenge to a request without a token; else none."""
    try:
        response = http.send("GET", address, "API", rules, accept=lambda _: True)
    except (http.Unreachable, ConfigurationError):
        raise
    except AuthError as error:  # as of an endless stream: its metadata may be there all the same
        said.setdefault(error.message, []).append(address)
        return {}
    said.setdefault(f"HTTP {response.status_code}.", []).append(address)
    offered = challenges(response.headers.get("WWW-Authenticate", ""))
    bearer = [given for scheme, given in offered if scheme == "bearer"]
    return next((each for each in bearer if "resource_metadata" in each), {}) or (bearer or [{}])[0]


def _read(
    document: http.Json, address: str, found: ProtectedResource, url: str
) -> ProtectedResource:
    resource, host = document.get("resource"), urlsplit(address).netloc
    if not isinstance(resource, str) or not covers(resource, address):
        raise ProviderError(
            f"The metadata at {plain_text(url, MAX_SHOWN)} is for another API than {address}:"
            f" {resource!r:.200}. It is not used.",
            hint=f"Check the address, or tell the operator of {host}.",
        )
    if wanted := [words for name, words in DEMANDS.items() if document.get(name) is True]:
        raise ConfigurationError(
            f"{host} takes only {' and '.join(wanted)}, which is not supported here.",
            hint="Ask its operator for another way to sign in.",
        )
    name = document.get("resource_name")
    return dataclasses.replace(
        found,
        resource=resource,
        issuers=tuple(_strings(document.get("authorization_servers")))[:MOST_ISSUERS],
        scopes=found.scopes or _scopes(_strings(document.get("scopes_supported")), address),
        name=name if isinstance(name, str) and re.fullmatch(HARMLESS, name) else "",
        answers=f"Its metadata at {_path(url)} names no authorization server.",
    )


def _scopes(asked: list[str], address: str) -> tuple[str, ...]:
    """The scopes, bounded: a person reads them before anything is sent. Raises ProviderError."""
    found = tuple(dict.fromkeys(asked))
    if len(found) > MOST_SCOPES or not all(re.fullmatch(SCOPE, each) for each in found):
        raise ProviderError(
            f"{urlsplit(address).netloc} asks for {len(found)} scopes, which is too many to agree"
            " to, or for some that cannot be scopes.",
            hint="Add it with those that you need: `jupyter auth add NAME --issuer URL --scopes"
            f" SCOPE … --base-url {address}`.",
        )
    return found


def _strings(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _sentences(said: dict[str, list[str]]) -> Iterator[str]:
    for what, urls in said.items():
        where = " and ".join(dict.fromkeys(map(_path, urls)))
        yield f"{what.rstrip('.')} at {where}."


def _path(url: str) -> str:
    return plain_text(urlsplit(url).path, MAX_SHOWN) or "/"
