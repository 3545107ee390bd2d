"""The guards as they are listed in the files beside this one."""

from __future__ import annotations

import ast
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, kw_only=True)
class Guard:
    """One guard; ``topic`` is the name of the file that lists it."""

    topic: str
    promise: int
    says: str
    file: str
    old: str
    new: str
    test: str
    function: str = ""  # none in what is no Python

    def __str__(self) -> str:
        return f"{self.promise:2} {self.says} ({self.file} {self.function})"

    def removed_from(self, source: str) -> str:
        """``source`` without it. ValueError: it is not there once."""
        if source.count(self.old) != 1:
            raise ValueError(f"{self.old!r} is {source.count(self.old)} times in {self.file}")
        return source.replace(self.old, self.new)


def guards(*topics: str) -> list[Guard]:
    """Those of the files with these names; of all, where none is given."""
    found = [
        Guard(topic=file.stem, **each)
        for file in sorted(HERE.rglob("*.toml"), key=lambda file: file.stem)
        if not topics or file.stem in topics
        for each in _listed(file).get("guard", [])
    ]
    return sorted(found, key=lambda guard: guard.promise)


def unguarded() -> dict[int, str]:
    """Why a promise has no guard in the code, by its number."""
    listed = [each for file in HERE.rglob("*.toml") for each in _listed(file).get("unguarded", [])]
    return {each["promise"]: each["why"] for each in listed}


def _listed(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def place_of(source: str, function: str) -> str:
    """The text of a function, class or constant of a Python file. ValueError: there is none."""
    for name, node in _named(ast.parse(source), ""):
        if name == function:
            return "\n".join(source.splitlines()[_start(node) - 1 : node.end_lineno])
    raise ValueError(f"there is no {function}")


def _named(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.stmt]]:
    for each in ast.iter_child_nodes(node):
        match each:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield prefix + name, each
                yield from _named(each, f"{prefix}{name}.")
            case ast.ClassDef(name=name):
                yield prefix + name, each
                yield from _named(each, f"{prefix}{name}.")
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield prefix + name, each
            case _:
                yield from _named(each, prefix)


def _start(node: ast.stmt) -> int:
    """A decorator is part of what it decorates."""
    return min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
