"""Who may sign in on a server, besides what the login itself asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.models import Account
    from jupyter_auth.core.protocol.parties import Party


class Admission(Protocol):
    """Called with each new account, before it is held or stored."""

    def __call__(self, account: Account, party: Party, claim: Callable[[str], Any]) -> bool:
        """Whether it is certain that this is the server's own user, whose identity is theirs alone.

        ``claim`` gives the value of a claim about the person, or None.

        Raises:
            UserMismatch: it is another person's; its tokens are revoked.
            LoginFailed: it may not be stored here; its tokens are left alone.
        """


def admit_all(account: Account, party: Party, claim: Callable[[str], Any]) -> bool:  # noqa: ARG001
    """The admission of a server that one person uses."""
    return False
