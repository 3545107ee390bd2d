"""Whom a server lets sign in, besides what the login itself asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.models import Account
    from jupyter_auth.core.protocol.parties import Party


class Admission(Protocol):
    """Asked of each account that was made, before it is held or stored."""

    def __call__(self, account: Account, party: Party, claim: Callable[[str], Any]) -> None:
        """``claim`` gives what the provider says of the person under a name, or None.

        UserMismatch: it is somebody else; the tokens are given back. LoginFailed: it may not rest
        here, and its tokens are left alone.
        """


def anybody(account: Account, party: Party, claim: Callable[[str], Any]) -> None:
    """The admission of a server that one person uses."""
