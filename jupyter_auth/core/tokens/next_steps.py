"""Next steps that several errors share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.core.common.handles import is_handle
from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.errors import NextStep

if TYPE_CHECKING:
    from jupyter_auth.core.models import AccountKey


def how_to_sign_in(key: AccountKey) -> NextStep:
    """How to sign in to that account; a terminal does not know providers made in a notebook."""
    if is_handle(key.provider):
        return NextStep("make_session")
    label = "" if key.session_key == DEFAULT_KEY else key.session_key
    return NextStep("sign_in", key.provider, label)
