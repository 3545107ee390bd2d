"""Providers known by name: one file each, read when it is needed.

Data: whatever is true of one provider alone is said here, never in code.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jupyter_auth.core.common.override import override

DIRECTORY = Path(__file__).parent


class Presets(Mapping[str, Mapping[str, Any]]):
    """The tables of this package, by the provider's name."""

    @functools.cached_property
    def _names(self) -> list[str]:
        return sorted(file.stem for file in DIRECTORY.glob("*.toml"))

    @override
    def __getitem__(self, name: str) -> Mapping[str, Any]:
        if name not in self._names:
            raise KeyError(name)
        return _read(name)

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    @override
    def __len__(self) -> int:
        return len(self._names)


@functools.cache
def _read(name: str) -> Mapping[str, Any]:
    return tomllib.loads((DIRECTORY / f"{name}.toml").read_text(encoding="utf-8"))


PRESETS = Presets()
