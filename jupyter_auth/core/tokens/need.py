"""What a caller needs of a token."""

from __future__ import annotations

from typing import NamedTuple


class Need(NamedTuple):
    """Valid for ``min_valid`` seconds more, and not the one of the digest ``rejected``."""

    min_valid: float = 0.0
    rejected: str | None = None


ANY = Need()
