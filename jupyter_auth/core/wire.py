"""The broker's wire format, version 1: the public dataclasses, as ``codec`` writes them.

None of them has a field for a refresh token or a client secret, so none can be sent. This module
has the exceptions: tokens, scopes as one string, errors, versions.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, get_args

from jupyter_auth.core.common.codec import from_wire, to_wire
from jupyter_auth.core.common.finding import Finding
from jupyter_auth.core.errors import (
    OUTCOMES,
    START_AGAIN,
    AuthError,
    BrokerUnavailable,
    NextStep,
    Step,
    advice,
)
from jupyter_auth.core.models import AccountInfo, Login, Token
from jupyter_auth.core.provider.info import ProviderInfo
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_auth.core.models import Changes

VERSION = 1
CLIENT_CREDENTIALS = "client_credentials"  # RFC 6749 4.4: the grant of a service account
VERSION_HEADER = "Jupyter-Auth-Version"
SCOPES = {"scopes": "scope", "asked": "asked"}  # on the wire one string (RFC 6749 3.3)


def token_to_wire(token: Token) -> dict[str, Any]:
    """A token with its secrets in the clear: for the kernel API alone."""
    return {
        "kind": token.kind,
        "headers": _revealed(token.headers),
        "headers_at": {origin: _revealed(each) for origin, each in token.headers_at.items()},
        "access_token": token.access_token.reveal(),
        "expires_at": token.expires_at,
        "refresh_at": token.refresh_at,
        "scope": " ".join(token.scopes),
        "person": token.person,
        "reach": token.reach,
        "fields": dict(token.fields),
        "resource": token.resource,
    }


def _revealed(headers: Mapping[str, Secret]) -> dict[str, str]:
    return {name: value.reveal() for name, value in headers.items()}


def _secrets(headers: Mapping[str, str]) -> dict[str, Secret]:
    return {name: Secret(value) for name, value in headers.items()}


def token_from_wire(data: dict[str, Any]) -> Token:
    """The inverse."""
    return Token(
        kind="api_key" if data.get("kind") == "api_key" else "bearer",
        headers=_secrets(data["headers"]),
        headers_at={k: _secrets(v) for k, v in (data.get("headers_at") or {}).items()},
        access_token=Secret(data["access_token"]),
        expires_at=data.get("expires_at"),
        refresh_at=data.get("refresh_at"),
        scopes=tuple(str(data.get("scope") or "").split()),
        person=str(data.get("person") or ""),
        reach=str(data.get("reach") or ""),
        fields=dict(data.get("fields") or {}),
        resource=str(data.get("resource") or ""),
    )


def info_to_wire(info: ProviderInfo | AccountInfo) -> dict[str, Any]:
    """What kernels and browsers may know of a provider or an account."""
    data: dict[str, Any] = to_wire(info)
    lists = {name: data.pop(field) for field, name in SCOPES.items() if field in data}
    return data | {name: " ".join(scopes) for name, scopes in lists.items()}


def provider_from_wire(data: dict[str, Any]) -> ProviderInfo:
    """The inverse."""
    return from_wire(ProviderInfo, _with_scopes(data))


def account_from_wire(data: dict[str, Any]) -> AccountInfo:
    """The inverse."""
    return from_wire(AccountInfo, _with_scopes(data))


def _with_scopes(data: dict[str, Any]) -> dict[str, Any]:
    lists = {field: str(data.get(name) or "").split() for field, name in SCOPES.items()}
    return {**data, **lists}


def login_to_wire(login: Login) -> dict[str, Any]:
    """What kernels and browsers may know of a login: not a device code, which its page shows.

    ``outcome`` is how it ended in words, for a front end that has a button to start again.
    """
    outcome = None
    if login.status != "pending":
        how, error = OUTCOMES.get(login.status, OUTCOMES["failed"]), login_error(login, "")
        step = None if error.next_step == START_AGAIN else error.next_step
        text = f"{error.message} {advice(error.own_hint, step)}".strip()
        outcome = {"title": how.title, "text": text, "tone": how.tone}
    return {**to_wire(login), "held": login.candidate is not None, "outcome": outcome}


def login_error(login: Login, title: str | None = None) -> AuthError:
    """The error of a login that ended without an account.

    ``title`` names the provider in it; "" is to name none, None its name and session key.
    """
    if login.error:
        return error_from_wire(login.error)
    how = OUTCOMES.get(login.status, OUTCOMES["failed"])
    where = str(login.key) if title is None else title
    text = how.text.format(to=f" to {where}" if where else "")
    return how.error(text, next_step=how.next_step)


def login_from_wire(data: dict[str, Any]) -> Login:
    """The inverse."""
    return from_wire(Login, data)


def changes_to_wire(changes: Changes) -> dict[str, Any]:
    """Changes, with logins as ``login_to_wire`` gives them."""
    data: dict[str, Any] = to_wire(changes)
    for each, change in zip(data["changes"], changes.changes, strict=True):
        each["login"] = login_to_wire(change.login) if change.login else None
    return data


def finding_to_wire(found: Finding) -> dict[str, Any]:
    """A finding."""
    step = found.next_step
    return {**to_wire(found), "next_step": step._asdict() if step else None}


def finding_from_wire(data: dict[str, Any]) -> Finding:
    """A finding; an unknown state counts as wrong."""
    state = data["state"] if data["state"] in {"ok", "note"} else "wrong"
    found = from_wire(Finding, {**data, "state": state, "next_step": None})
    return replace(found, next_step=_step_from_wire(data.get("next_step")))


def check_version(theirs: str | None, other_side: str) -> None:
    """``BrokerUnavailable`` if the other side has another version, with what to upgrade."""
    if theirs == str(VERSION):
        return
    newer = theirs is not None and theirs.isdecimal() and int(theirs[:9]) > VERSION
    ours = f"this environment: `{sys.executable} -m pip install --upgrade jupyter-auth-session`"
    older = ours if newer else f"the environment of the {other_side}"
    raise BrokerUnavailable(
        f"The {other_side} speaks version {theirs or 'none':.20} of the broker protocol, not"
        f" {VERSION}.",
        hint=f"Upgrade jupyter-auth-session in {older}.",
    )


def _family(kind: type[AuthError]) -> dict[str, type[AuthError]]:
    members: dict[str, type[AuthError]] = {}
    for child in kind.__subclasses__():
        members |= _family(child)
    return members | {kind.code: kind}  # not a child that shares its code


def error_from_wire(data: Any) -> AuthError:
    """The error that ``AuthError.to_wire`` described; an ``AuthError`` if its code is unknown."""
    if not isinstance(data, dict):
        return AuthError("The token broker returned an error without a description.")
    import_module("jupyter_auth.core.common.request_errors")  # which are of the family
    kind = _family(AuthError).get(str(data.get("code")), AuthError)
    carried = {name: read(data[name]) for name, read in kind.carries.items() if data.get(name)}
    step = _step_from_wire(data.get("next_step"))
    message, hint = str(data.get("message", "")), str(data.get("hint", ""))
    return kind(message, hint=hint, next_step=step, **carried)


def _step_from_wire(data: Any) -> NextStep | None:
    """None also for a step that only a newer version knows."""
    if not isinstance(data, dict) or data.get("step") not in get_args(Step):
        return None
    given: dict[str, Any] = {name: str(data.get(name) or "") for name in NextStep._fields}
    return NextStep(**given)
