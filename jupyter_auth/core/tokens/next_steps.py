"""Next steps that several errors share, and what an API demands before it does what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.core.common.handles import is_handle
from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.errors import InsufficientScope, LoginRequired, NextStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_auth.core.models import AccountKey, Challenge

SHOWN = 300  # characters of what an API demands
TWO_MINUTES = 120  # seconds: from here on an age is in minutes
ASKED_THERE = "Make this request where you can sign in: in a notebook cell or a Python prompt."


def how_to_sign_in(key: AccountKey, options: str = "") -> NextStep:
    """How to sign in to that account, with ``options`` of the command.

    A terminal does not know providers made in a notebook.
    """
    if is_handle(key.provider):
        return NextStep("make_session")
    label = "" if key.session_key == DEFAULT_KEY else key.session_key
    return NextStep("sign_in", key.provider, label, options)


def demanded(challenge: Challenge) -> str:
    """What an API demands of a sign-in, in a sentence; "" if it demands nothing."""
    asks = []
    if challenge.scopes:
        asks.append(f"the scope{'s' * (len(challenge.scopes) > 1)} {' '.join(challenge.scopes)}")
    if challenge.acr_values:
        asks.append(f"a stronger sign-in ({challenge.acr_values})")
    if challenge.max_age:
        asks.append(_no_older(int(challenge.max_age)))
    if challenge.claims and not asks:
        asks.append("another sign-in")
    said = f"The API {challenge.api} asks for {' and '.join(asks)}."
    return plain_text(said, SHOWN) if asks else ""


def for_api(resource: str) -> str:
    """Which API a sign-in is for, in a sentence; "" for the provider's own."""
    return plain_text(f"This sign-in is for the API {resource}", SHOWN) if resource else ""


def _no_older(seconds: int) -> str:
    if seconds < 1:
        return "a new sign-in"
    many = f"{seconds} seconds" if seconds < TWO_MINUTES else f"{seconds // 60} minutes"
    return f"a sign-in not older than {many}"


def sign_in_demanded(key: AccountKey, challenge: Challenge, scopes: Sequence[str]) -> LoginRequired:
    """Why a request needs another sign-in, which asks for ``scopes``; how to do it elsewhere."""
    hint, step = ASKED_THERE, None
    if not (challenge.acr_values or challenge.claims):  # which no command asks for
        hint, step = _by_command(key, challenge, scopes)
    if challenge.scopes:
        return InsufficientScope(
            demanded(challenge), hint=hint, next_step=step, scopes=challenge.scopes
        )
    return LoginRequired(demanded(challenge), hint=hint, next_step=step)


def _by_command(
    key: AccountKey, challenge: Challenge, scopes: Sequence[str]
) -> tuple[str, NextStep | None]:
    wanted = scopes if challenge.scopes else ()
    if is_handle(key.provider):
        options = [f"scopes={' '.join(wanted)!r}"] * bool(wanted)
        options += ["auth_force=True"] * bool(challenge.max_age)
        return f"Make the session with `UserSession(..., {', '.join(options)})`.", None
    words = ["--force"] * bool(challenge.max_age) + ["--scopes"] * bool(wanted)
    import shlex  # needed for a demand alone

    return "", how_to_sign_in(key, shlex.join([*words, *wanted]))
