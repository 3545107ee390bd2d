"""``typing.override`` (PEP 698), for Python 3.11 too, without importing typing_extensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import override
else:

    def override(method: Any) -> Any:
        """Mark a method that replaces one of its base class; type checkers verify it."""
        return method


__all__ = ["override"]
