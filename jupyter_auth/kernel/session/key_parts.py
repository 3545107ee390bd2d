"""The parts of an API key, as a session shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.core.secret import MaskedStr

if TYPE_CHECKING:
    from collections.abc import Mapping


class KeyParts(dict[str, str]):
    """The parts by name, as items and as attributes; their reprs are masked.

    ``aliases`` are other names for the attributes.
    """

    def __init__(self, parts: Mapping[str, str], aliases: Mapping[str, str]) -> None:
        super().__init__((name, MaskedStr(value)) for name, value in parts.items())
        self._aliases = dict(aliases)

    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):  # of a copy that is being made
            raise AttributeError(name)
        part = self._aliases.get(name, name)
        if part not in self:
            raise AttributeError(f"This key has no part {name!r}; it has {', '.join(self)}.")
        return self[part]
