"""The broker's wire format, version 1: an allow-list, the one place that says what may travel.

There is no field for a refresh token or a client secret, so none can slip through.
"""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, Any, cast

from jupyter_auth.core.common.finding import Finding, State
from jupyter_auth.core.common.rate_limits import Limits, Quota
from jupyter_auth.core.common.request_errors import Throttled
from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.errors import AuthError, BrokerUnavailable, InsufficientScope
from jupyter_auth.core.models import (
    AccountInfo,
    Change,
    Changes,
    Imported,
    Login,
    LoginStatus,
    Token,
)
from jupyter_auth.core.provider.field_types import Throttle
from jupyter_auth.core.provider.provider import ProviderInfo
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping


VERSION = 1
CLIENT_CREDENTIALS = "client_credentials"  # RFC 6749 4.4: the grant of a service account
VERSION_HEADER = "Jupyter-Auth-Version"


def token_to_wire(token: Token) -> dict[str, Any]:
    """A token with its secrets in the clear: for the kernel door alone."""
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
    )


def provider_to_wire(info: ProviderInfo) -> dict[str, Any]:
    """What a kernel and a browser may know of a provider."""
    return {
        "name": info.name,
        "title": info.title,
        "host": info.host,
        "scope": " ".join(info.scopes),
        "base_url": info.base_url,
        "api_origins": list(info.api_origins),
        "refresh_on": list(info.refresh_on),
        "api_headers": dict(info.api_headers),
        "throttle": dataclasses.asdict(info.throttle),
        "source": info.source,
        "unattended": info.unattended,
        "reach": info.reach,
    }


def provider_from_wire(data: dict[str, Any]) -> ProviderInfo:
    """The inverse."""
    return ProviderInfo(
        name=data["name"],
        title=data["title"],
        host=data["host"],
        scopes=tuple(str(data.get("scope") or "").split()),
        base_url=data.get("base_url"),
        api_origins=tuple(data.get("api_origins") or ()),
        refresh_on=tuple(data.get("refresh_on") or ()),
        api_headers=dict(data.get("api_headers") or {}),
        throttle=_throttle(data.get("throttle") or {}),
        source=data["source"],
        unattended=bool(data.get("unattended")),
        reach=str(data.get("reach") or ""),
    )


def account_to_wire(info: AccountInfo) -> dict[str, Any]:
    """The public side of an account."""
    return {
        "provider": info.provider,
        "session_key": info.session_key,
        "username": info.username,
        "subject": info.subject,
        "names": list(info.names),
        "person": info.person,
        "scope": " ".join(info.scopes),
        "asked": " ".join(info.asked),
        "expires_at": info.expires_at,
        "refreshes": info.refreshes,
        "signed_in_at": info.signed_in_at,
        "warning": info.warning,
        "kind": info.kind,
    }


def account_from_wire(data: dict[str, Any]) -> AccountInfo:
    """The inverse."""
    return AccountInfo(
        provider=data["provider"],
        session_key=data.get("session_key", DEFAULT_KEY),
        username=data.get("username"),
        subject=data.get("subject"),
        names=tuple(data.get("names") or ()),
        person=str(data.get("person") or ""),
        scopes=tuple(str(data.get("scope") or "").split()),
        asked=tuple(str(data.get("asked") or "").split()),
        expires_at=data.get("expires_at"),
        refreshes=bool(data.get("refreshes")),
        signed_in_at=float(data.get("signed_in_at") or 0.0),
        warning=str(data.get("warning") or ""),
        kind="api_key" if data.get("kind") == "api_key" else "bearer",
    )


def login_to_wire(login: Login) -> dict[str, Any]:
    """A login's public side. A device's code is for its page alone, never in an output."""
    return {
        "id": login.id,
        "provider": login.provider,
        "session_key": login.session_key,
        "grant": login.grant,
        "host": login.host,
        "status": login.status,
        "held": login.candidate is not None,
        "path": login.path,
        "url": login.url,
        "expires_at": login.expires_at,
        "error": dict(login.error) if login.error else None,
        "kernel": login.kernel,
        "notebook": login.notebook,
        "shared": login.shared,
    }


def login_from_wire(data: dict[str, Any]) -> Login:
    """The inverse."""
    return Login(
        id=data["id"],
        provider=data["provider"],
        session_key=data.get("session_key", DEFAULT_KEY),
        grant=str(data.get("grant") or "authorization_code"),
        host=str(data.get("host") or ""),
        status=cast("LoginStatus", data["status"]),
        path=data.get("path"),
        url=data.get("url"),
        expires_at=float(data["expires_at"]),
        error=data.get("error"),
        kernel=data.get("kernel"),
        notebook=data.get("notebook"),
        shared=bool(data.get("shared")),
    )


def imported_from_wire(data: dict[str, Any]) -> Imported:
    """What became of another package's sign-in."""
    return Imported(
        path=data["path"],
        session_key=data["session_key"],
        username=data.get("username"),
        problem=str(data.get("problem") or ""),
    )


def limits_to_wire(limits: Limits) -> dict[str, Any]:
    """What is known of the limits of one token: all there is."""
    return dataclasses.asdict(limits)


def limits_from_wire(data: dict[str, Any]) -> Limits:
    """The inverse."""
    return Limits(
        provider=data["provider"],
        session_key=data["session_key"],
        client_id=data.get("client_id"),
        calls=int(data.get("calls") or 0),
        quota=quota_from_wire(data.get("quota")),
        throttled_until=data.get("throttled_until"),
        notebooks=tuple(str(each) for each in data.get("notebooks") or ()),
    )


def quota_from_wire(data: dict[str, Any] | None) -> Quota | None:
    """What an API said of its limit."""
    if not data:
        return None
    return Quota(
        limit=data.get("limit"), remaining=data.get("remaining"), reset_at=data.get("reset_at")
    )


def _throttle(data: dict[str, Any]) -> Throttle:
    known = {each.name for each in dataclasses.fields(Throttle)}
    given = {name: value for name, value in data.items() if name in known}
    return Throttle(**(given | {"statuses": tuple(given.get("statuses") or ())}))


def changes_to_wire(changes: Changes) -> dict[str, Any]:
    """What happened after a sequence number."""
    return {
        "sequence": changes.sequence,
        "reset": changes.reset,
        "changes": [
            {
                "kind": change.kind,
                "provider": change.provider,
                "session_key": change.session_key,
                "login": login_to_wire(change.login) if change.login else None,
                "limits": limits_to_wire(change.limits) if change.limits else None,
            }
            for change in changes.changes
        ],
    }


def changes_from_wire(data: dict[str, Any]) -> Changes:
    """The inverse."""
    return Changes(
        sequence=int(data["sequence"]),
        reset=bool(data.get("reset")),
        changes=tuple(
            Change(
                kind=each["kind"],
                provider=each["provider"],
                session_key=each["session_key"],
                login=login_from_wire(each["login"]) if each.get("login") else None,
                limits=limits_from_wire(each["limits"]) if each.get("limits") else None,
            )
            for each in data.get("changes", ())
        ),
    )


def finding_to_wire(finding: Finding) -> dict[str, str]:
    """A finding: all it has."""
    return {name: str(getattr(finding, name)) for name in ("about", "says", "fix", "state")}


def finding_from_wire(data: dict[str, Any]) -> Finding:
    """The inverse."""
    return Finding(
        about=str(data["about"]),
        says=str(data["says"]),
        fix=str(data.get("fix") or ""),
        state=cast("State", data["state"] if data["state"] in {"ok", "note"} else "wrong"),
    )


def check_version(theirs: str | None, other_side: str) -> None:
    """BrokerUnavailable if the other side speaks another version; names what to upgrade."""
    if theirs == str(VERSION):
        return
    newer = theirs is not None and theirs.isdecimal() and int(theirs[:9]) > VERSION
    ours = f"this environment: `{sys.executable} -m pip install --upgrade jupyter-auth-session`"
    older = ours if newer else f"the environment of the {other_side}"
    raise BrokerUnavailable(
        f"The {other_side} speaks version {theirs or 'none':.20} of the broker's wire, we"
        f" {VERSION}.",
        hint=f"Upgrade jupyter-auth-session in {older}.",
    )


def _family(kind: type[AuthError]) -> dict[str, type[AuthError]]:
    members = {kind.code: kind}
    for child in kind.__subclasses__():
        members |= _family(child)
    return members


def error_from_wire(data: Any) -> AuthError:
    """The error that ``to_wire`` described; an ``AuthError`` where the code is not known."""
    if not isinstance(data, dict):
        return AuthError("The broker answered without saying why.")
    kind = _family(AuthError).get(str(data.get("code")), AuthError)
    message, hint = str(data.get("message", "")), str(data.get("hint", ""))
    if issubclass(kind, InsufficientScope):
        return kind(message, hint=hint, scopes=tuple(map(str, data.get("scopes") or ())))
    if issubclass(kind, Throttled):
        return kind(message, hint=hint, retry_at=float(data.get("retry_at") or 0.0))
    if issubclass(kind, BrokerUnavailable):
        return kind(message, hint=hint, retry_after=float(data.get("retry_after") or 0.0))
    return kind(message, hint=hint)
