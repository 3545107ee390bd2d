"""An openEO back end says itself where people sign in, and with which client (openEO API 1.2).

Its document at ``/credentials/oidc`` lists issuers, each with public clients that any local tool
may use; a token goes to its API as ``Bearer oidc/<id of the issuer there>/<token>``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import requests

from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.common.urls import host_of, require_secure, same_origin
from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.protocol import http
from jupyter_auth.core.protocol.connections import Deadline
from jupyter_auth.core.registration.challenges import SCOPE
from jupyter_auth.core.registration.protected_resource import HARMLESS, MOST_SCOPES

if TYPE_CHECKING:
    from jupyter_auth.core.common.blocked_addresses import RequestRules

WHAT = "openEO document"
ID = r"[A-Za-z0-9_.-]{1,40}"  # of an issuer there: it goes into a header
CLIENT_ID = r"[!-~]{1,200}"
MOST = 20  # issuers, clients and versions that are looked at
DEVICE = ("urn:ietf:params:oauth:grant-type:device_code", "device_code")
# Their words for grants of public clients, and ours; no redirect URI is needed for the first.
GRANTS = {f"{name}+pkce": "device_code" for name in DEVICE} | dict.fromkeys(DEVICE, "device_code")


def ask(address: str, known: str | None, rules: RequestRules) -> dict[str, Any] | None:
    """The fields of the provider for the back end at ``address``; None if it is not one.

    Of several issuers it is the ``known`` one, else the first with a client for device codes.
    """
    deadline, base = Deadline(http.TOTAL_TIMEOUT), address
    found = _credentials(base, rules, deadline)
    if found is None and (newest := _newest(address, rules, deadline)):
        base, found = newest, _credentials(newest, rules, deadline)
    found = found or {}
    tables = [table for each in _listed(found, "providers") if (table := _table(each))]
    if not tables:
        return None
    chosen = next((each for each in tables if each["issuer"] == known), tables[0])
    shown, host = plain_text(str(found.get("title", "openEO")), 40), host_of(address)
    title = f"{shown} ({host})" if re.fullmatch(HARMLESS, shown) else host
    return {"title": title, "found_at": address, "base_url": base, **chosen}


def _credentials(base: str, rules: RequestRules, deadline: Deadline) -> http.Json | None:
    return _document(f"{base.rstrip('/')}/credentials/oidc", rules, deadline)


def _newest(address: str, rules: RequestRules, deadline: Deadline) -> str | None:
    """Where the newest version of the API is, at the same origin (openEO API, `well-known`)."""
    found = _document(urljoin(address, "/.well-known/openeo"), rules, deadline) or {}
    urls = [
        (bool(each.get("production")), _version(each.get("api_version")), each["url"])
        for each in _listed(found, "versions")
        if isinstance(each.get("url"), str) and same_origin(each["url"], address)
    ]
    return max(urls)[-1] if urls else None


def _version(text: Any) -> list[int]:
    return [int(each) for each in re.findall(r"\d{1,4}", text)] if isinstance(text, str) else []


def _document(url: str, rules: RequestRules, deadline: Deadline) -> http.Json | None:
    try:
        response = http.document(url, WHAT, rules, deadline)
        return (
            http.json_object(response, WHAT) if response.status_code == requests.codes.ok else None
        )
    except AuthError:
        return None


def _listed(document: http.Json, name: str) -> list[dict[str, Any]]:
    value = document.get(name)
    items = value[:MOST] if isinstance(value, list) else []
    return [each for each in items if isinstance(each, dict)]


def _table(listed: dict[str, Any]) -> dict[str, Any] | None:
    """The fields for one issuer in the list; None if it has no client for a local tool."""
    issuer, known_as, scopes = listed.get("issuer"), listed.get("id"), listed.get("scopes")
    clients = [
        each["id"]
        for each in _listed(listed, "default_clients")
        if isinstance(each.get("id"), str)
        and re.fullmatch(CLIENT_ID, each["id"])
        and GRANTS.keys() & {*map(str, each.get("grant_types") or ())}
    ]
    if not clients or not isinstance(known_as, str) or not re.fullmatch(ID, known_as):
        return None
    try:
        require_secure(str(issuer), "issuer")
    except AuthError:
        return None
    wanted = ["openid", *(scopes if isinstance(scopes, list) else ())][:MOST_SCOPES]
    return {
        "issuer": issuer,
        "client_id": clients[0],
        "grants": ["device_code"],
        "scopes": [*dict.fromkeys(s for s in map(str, wanted) if re.fullmatch(SCOPE, s))],
        "header": {"template": f"Bearer oidc/{known_as}/{{token}}"},
    }
