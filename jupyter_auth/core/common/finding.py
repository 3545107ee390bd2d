"""What ``doctor`` finds: facts, and a fix for each problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from jupyter_auth.core.errors import AuthError

State = Literal["ok", "note", "wrong"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One fact, without secrets. ``wrong``: something will not work until it is fixed."""

    about: str
    says: str
    fix: str = ""
    state: State = "ok"


def wrong(about: str, error: AuthError) -> Finding:
    """An error as a finding."""
    return Finding(about=about, says=error.message, fix=error.hint, state="wrong")
