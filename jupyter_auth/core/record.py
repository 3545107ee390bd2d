"""Frozen values with named fields, for what is loaded where a token is only read.

``dataclass`` compiles the methods of each class, and its module loads ``inspect``: together that is
a third of the time in which a script with a valid token has its first answer. The methods of
records are the same for all of them. Type checkers, and whoever asks the module ``dataclasses``,
take a record for a dataclass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_MISSING: Any = object()  # what a field has in place of a default


class _Field:
    """What a class says of one of its fields: ``default``, ``metadata`` ... as a dataclass does."""

    name = type = ""

    def __init__(self, **said: Any) -> None:
        self.said = {name: each for name, each in said.items() if each is not _MISSING}
        self.default = said.get("default", _MISSING)
        self.default_factory = said.get("default_factory", _MISSING)
        self.init = said.get("init", True)
        self.metadata = said.get("metadata", {})


def _record(*, frozen: bool, kw_only: bool = False) -> Callable[[Any], Any]:
    assert frozen  # noqa: S101 (there are no others)

    def made(kind: Any) -> Any:
        known = dict(getattr(kind, "__fields__", {}))
        for name, of in kind.__annotations__.items():
            said = vars(kind).get(name, _MISSING)
            known[name] = each = said if isinstance(said, _Field) else _Field(default=said)
            each.name, each.type = name, of
        kind.__fields__, kind.__positional__ = known, () if kw_only else tuple(known)
        for name, method in METHODS.items():
            setattr(kind, name, method)
        return kind

    return made


def _init(self: Any, *args: Any, **given: Any) -> None:
    values = vars(self)
    if args:
        given = dict(**dict(zip(self.__positional__, args, strict=False)), **given)
    for name, each in self.__fields__.items():
        if name in given and each.init:
            values[name] = given.pop(name)
        elif each.default is not _MISSING:
            values[name] = each.default
        elif each.default_factory is not _MISSING:
            values[name] = each.default_factory()
        elif each.init:
            raise TypeError(f"{type(self).__name__} needs {name!r}")
    if given or len(args) > len(self.__positional__):
        raise TypeError(f"{type(self).__name__} takes no {', '.join(given) or 'more arguments'}")
    if after := getattr(self, "__post_init__", None):
        after()


def _values(record: Any) -> list[Any]:
    return [getattr(record, name) for name in record.__fields__]


def _repr(self: Any) -> str:
    shown = (f"{name}={getattr(self, name)!r}" for name in self.__fields__)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _equal(self: Any, other: object) -> bool:
    return _values(self) == _values(other) if type(self) is type(other) else NotImplemented


def _hash(self: Any) -> int:
    return hash(tuple(_values(self)))


def _refuse(_: object, name: str, *__: object) -> NoReturn:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot change field {name!r}")


class _DataclassFields:
    """Those of a dataclass that says the same: it is made for whoever asks, and not before."""

    def __get__(self, instance: object, owner: Any) -> Any:
        import dataclasses

        said = [
            (name, each.type, dataclasses.field(**each.said))
            for name, each in owner.__fields__.items()
        ]
        twin: Any = dataclasses.make_dataclass(owner.__name__, said, kw_only=True)
        return twin.__dataclass_fields__


METHODS = {
    "__init__": _init,
    "__repr__": _repr,
    "__eq__": _equal,
    "__hash__": _hash,
    "__setattr__": _refuse,
    "__delattr__": _refuse,
    "__dataclass_fields__": _DataclassFields(),
}

if TYPE_CHECKING:
    from dataclasses import MISSING, Field, field, fields, is_dataclass, replace
    from dataclasses import dataclass as record
else:
    record, field, Field, MISSING = _record, _Field, _Field, _MISSING

    def fields(of: Any) -> Iterable[Field]:
        """Those of a record or a dataclass."""
        if hasattr(of, "__fields__"):
            return of.__fields__.values()
        import dataclasses

        return dataclasses.fields(of)

    def is_dataclass(of: Any) -> bool:
        """Whether it is a record or a dataclass, or a class of them."""
        return hasattr(of, "__fields__") or hasattr(of, "__dataclass_fields__")

    def replace(of: Any, **changes: Any) -> Any:
        """Another record, with these fields changed."""
        kept = {name: getattr(of, name) for name, each in of.__fields__.items() if each.init}
        return type(of)(**{**kept, **changes})


__all__ = ["MISSING", "Field", "field", "fields", "is_dataclass", "record", "replace"]
