"""The attempts of browsers at logins, and whose response a callback brings.

Each time a browser opens a login there is a fresh state, verifier, nonce and binding; a state is
accepted once. A redirect URI serves the logins to one provider at a time (SECURITY 4).
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
from typing import TYPE_CHECKING

from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.common.urls import same_place
from jupyter_auth.core.errors import START_AGAIN, LoginExpired, LoginFailed, LoginOvertaken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_auth.core.login.login_store import AuthorizationResponse, Opening, StoredLogin
    from jupyter_auth.core.models import Login

MAX_OPENINGS = 8
COOKIE_PREFIX = "jupyter-auth-"


def digest(value: str) -> str:
    """The SHA-256 by which a browser's secret is stored here."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def binding_name(state: str) -> str:
    """The name of the cookie that belongs to a state."""
    return COOKIE_PREFIX + digest(state)[:16]


def entry_of(entries: Mapping[str, StoredLogin], state: str) -> StoredLogin | None:
    """The login that a state belongs to; None if the state is not known (any more)."""
    known = digest(state)
    return next((each for each in entries.values() if known in each.openings), None)


def add(
    entries: Mapping[str, StoredLogin], entry: StoredLogin, state: str, opening: Opening
) -> None:
    """Keep an opening; its redirect URI is taken over from logins to other providers."""
    for each in entries.values():
        if each.login.provider != entry.login.provider:
            _overtake(each, opening.redirect_uri)
    entry.openings[digest(state)] = opening
    while len(entry.openings) > MAX_OPENINGS:
        del entry.openings[next(iter(entry.openings))]


def _overtake(entry: StoredLogin, redirect_uri: str) -> None:
    for state, opening in entry.openings.items():
        if same_place(opening.redirect_uri, redirect_uri):
            entry.openings[state] = dataclasses.replace(opening, overtaken=True)


def left_by(entries: Mapping[str, StoredLogin], response: AuthorizationResponse) -> list[Login]:
    """The pending logins for which this browser left for the provider, and has not come back."""
    values = {digest(value) for value in response.bindings.values()}
    user = digest(response.user)
    return [
        entry.login
        for entry in entries.values()
        if entry.login.status == "pending"
        and plain(entry.login.provider) == response.provider
        and any(o.binding in values and digest(o.user) == user for o in entry.openings.values())
    ]


def take(
    entries: Mapping[str, StoredLogin], response: AuthorizationResponse
) -> tuple[Login, Opening]:
    """The opening that a response belongs to; it is taken once.

    Raises:
        LoginExpired: the state is not known (any more).
        LoginFailed: it is another browser's, user's or provider's, which can still take it.
        LoginOvertaken: another login took its redirect URI over.
    """
    state = response.state
    entry = entry_of(entries, state)
    if entry is None:
        raise LoginExpired(
            "This sign-in is not known here, or is already finished.", next_step=START_AGAIN
        )
    opening = entry.openings[digest(state)]
    value = digest(response.bindings.get(binding_name(state), ""))
    ours = hmac.compare_digest(value, opening.binding)
    same_user = hmac.compare_digest(digest(response.user), digest(opening.user))
    if not (ours and same_user and plain(entry.login.provider) == response.provider):
        raise LoginFailed(
            "This sign-in was started in another browser, or by another user.",
            next_step=START_AGAIN,
        )
    del entry.openings[digest(state)]
    if opening.overtaken:
        raise LoginOvertaken(
            "A later sign-in to another provider uses the same redirect URI.",
            hint="Finish that one first, then open the link of this one again.",
        )
    return entry.login, opening
