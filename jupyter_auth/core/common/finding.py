"""What ``doctor`` finds: facts, and a fix for each problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jupyter_auth.core.errors import AuthError, NextStep, advice

State = Literal["ok", "note", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One fact, without secrets. ``wrong``: something will not work until it is fixed.

    ``next_step`` is the part of the fix that each front end words.
    """

    about: str
    says: str
    fix: str = ""
    state: State = "ok"
    next_step: NextStep | None = None

    @property
    def advice(self) -> str:
        """The whole fix, in the words of this process's front end."""
        return advice(self.fix, self.next_step)


def wrong(about: str, error: AuthError) -> Finding:
    """An error as a finding."""
    return Finding(about, error.message, error.own_hint, "wrong", error.next_step)
