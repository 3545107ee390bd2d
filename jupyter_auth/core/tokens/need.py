"""What a caller needs of a token."""

from __future__ import annotations

from typing import NamedTuple


class Need(NamedTuple):
    """Valid for ``min_valid`` seconds more, and not the one of the digest ``rejected``.

    ``resource``: the API that it is for (see ``Account.resources``); empty for the account's own.
    ``claims``: those that an API demands (OIDC Core 5.5), as JSON.
    """

    min_valid: float = 0.0
    rejected: str | None = None
    resource: str = ""
    claims: str = ""


ANY = Need()
