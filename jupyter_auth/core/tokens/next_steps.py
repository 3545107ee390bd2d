"""What a person does next, in words: the hints that several errors share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.core.common.handles import is_handle
from jupyter_auth.core.common.session_key import DEFAULT_KEY

if TYPE_CHECKING:
    from jupyter_auth.core.models import AccountKey


def how_to_sign_in(key: AccountKey) -> str:
    """What brings that account there. By the name of a notebook's own a terminal knows another."""
    if is_handle(key.provider):
        return "Run the cell that makes this session again."
    words = f"auth login {key.provider}"
    if key.session_key != DEFAULT_KEY:
        import shlex

        words += f" --key {shlex.quote(key.session_key)}"
    return f"Run `jupyter {words}` in a terminal or `%{words}` in a notebook."
