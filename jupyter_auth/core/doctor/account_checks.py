"""Whether the accounts of a provider are renewed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.core.common.finding import Finding
from jupyter_auth.core.tokens.next_steps import how_to_sign_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jupyter_auth.core.models import AccountInfo


def troubles(provider: str, accounts: Iterable[AccountInfo], now: float) -> Iterator[Finding]:
    """The accounts there that are not renewed, each with the reason."""
    for each in accounts:
        if each.provider == provider and each.trouble:
            over = each.over(now)
            yield Finding(
                about="Sign-in",
                says=f"{'Sign-in needed' if over else 'Not renewed'}: {each.trouble}",
                state="wrong" if over else "note",
                next_step=how_to_sign_in(each.key),
            )
