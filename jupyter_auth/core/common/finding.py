"""What an examination of this installation finds: facts, and a fix for each that is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from jupyter_auth.core.errors import AuthError

State = Literal["ok", "note", "wrong"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One fact. ``note``: worth knowing; ``wrong``: something will not work until it is fixed.

    Nothing in it is secret.
    """

    about: str
    says: str
    fix: str = ""
    state: State = "ok"


def wrong(about: str, error: AuthError) -> Finding:
    """What an error says, as a finding."""
    return Finding(about=about, says=error.message, fix=error.hint, state="wrong")
