"""Two types for what must not be shown.

``Secret`` is for values that stay inside: its repr hides them, and it cannot be pickled.
``MaskedStr`` is a real ``str`` for what users are given (an access token): only its repr is masked.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, NoReturn


class Secret:
    """A string that only ``reveal()`` shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = str(value)

    def reveal(self) -> str:
        """The string itself. Call it as late as possible, and do not keep the result."""
        return self._value

    @property
    def digest(self) -> str:
        """SHA-256 in hex: names the secret without showing it."""
        return hashlib.sha256(self._value.encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret('…')"

    __str__ = __repr__

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled: it would rest in the clear")


class MaskedStr(str):
    """A ``str`` whose repr is masked: a cell that ends in it, or a traceback, does not show it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002, FBT001
        """IPython prints any ``str`` by ``str.__repr__`` otherwise."""
        printer.text(repr(self))
