"""``session.api_keys``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.core.secret import MaskedStr

if TYPE_CHECKING:
    from collections.abc import Mapping


class KeyParts(dict[str, str]):
    """An API key's parts by name, as items and attributes, with masked reprs.

    ``aliases``: other names of the attributes.
    """

    def __init__(self, parts: Mapping[str, str], aliases: Mapping[str, str]) -> None:
        super().__init__((name, MaskedStr(value)) for name, value in parts.items())
        self._aliases = dict(aliases)

    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):  # asked for by copy
            raise AttributeError(name)
        part = self._aliases.get(name, name)
        if part not in self:
            raise AttributeError(f"This key has no part {name!r}; it has {', '.join(self)}.")
        return self[part]
