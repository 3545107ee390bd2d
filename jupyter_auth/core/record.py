"""Frozen values with named fields, for what is loaded where a token is only read.

``dataclass`` compiles the methods of each class, and its module loads ``inspect``: a third of the
time that a script with a valid token takes. All records share their methods. Type checkers, and
the module ``dataclasses``, take them for dataclasses.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MISSING: Any = object()  # the default of a field that is required
METHODS = ("init", "repr", "eq", "hash", "setattr", "delattr", "dataclass_fields", "signature")


class _Field:
    name = type = ""
    init, default, default_factory = True, _MISSING, _MISSING
    metadata: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, **options: Any) -> None:
        if unknown := options.keys() - {"default", "default_factory", "init", "metadata"}:
            raise TypeError(f"a record's field has no {sorted(unknown)}")  # repr=False would leak
        self.options = {name: each for name, each in options.items() if each is not _MISSING}
        vars(self).update(self.options)


def _record(*, frozen: bool, kw_only: bool = False) -> Callable[[Any], Any]:
    if not frozen:
        raise TypeError("a record is frozen")

    def made(kind: Any) -> Any:
        known = dict(getattr(kind, "__fields__", {}))
        for name, of in kind.__annotations__.items():
            given = vars(kind).get(name, _MISSING)
            known[name] = each = given if isinstance(given, _Field) else _Field(default=given)
            each.name, each.type = name, of
        kind.__fields__, kind.__positional__ = known, () if kw_only else tuple(known)
        for name in METHODS:
            setattr(kind, f"__{name}__", vars(_Record)[f"__{name}__"])
        return kind

    return made


class _OfDataclass:
    """What ``dataclasses`` and a notebook's help ask for: that of an equal dataclass, made then."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: Any) -> Any:
        import dataclasses
        import inspect

        known = owner.__fields__.values()
        given = [(each.name, each.type, dataclasses.field(**each.options)) for each in known]
        kw_only = not owner.__positional__
        twin: Any = dataclasses.make_dataclass(owner.__name__, given, kw_only=kw_only)
        twin.__signature__ = inspect.signature(twin)
        setattr(owner, self._name, getattr(twin, self._name))  # next time it is at hand
        return getattr(twin, self._name)


class _Record:
    """The methods of all records."""

    __fields__: dict[str, _Field]
    __positional__: tuple[str, ...]
    __dataclass_fields__ = _OfDataclass()
    __signature__ = _OfDataclass()

    def __init__(self, *args: Any, **given: Any) -> None:
        if len(args) > len(self.__positional__):
            most = len(self.__positional__) or "no"
            raise TypeError(f"{type(self).__name__} takes {most} positional arguments")
        if args:  # a name that is given twice is refused by ``dict``
            given = dict(**dict(zip(self.__positional__, args, strict=False)), **given)
        for name, each in self.__fields__.items():
            made = each.default if each.default_factory is _MISSING else each.default_factory()
            vars(self)[name] = given.pop(name, made) if each.init else made
            if each.init and made is vars(self)[name] is _MISSING:
                raise TypeError(f"{type(self).__name__} needs {name!r}")
        if given:
            raise TypeError(f"{type(self).__name__} takes no {[*given]}")
        if after := getattr(self, "__post_init__", None):
            after()

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in self.__fields__)
        return f"{type(self).__qualname__}({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        return _values(self) == _values(other) if type(self) is type(other) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(_values(self)))

    def __setattr__(self, name: str, *_: object) -> NoReturn:
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot change field {name!r}")

    __delattr__ = __setattr__


def _values(record: Any) -> list[Any]:
    return [getattr(record, name) for name in record.__fields__]


def _fields(of: Any) -> Any:
    if hasattr(of, "__fields__"):
        return of.__fields__.values()
    import dataclasses

    return dataclasses.fields(of)


def _is_dataclass(of: Any) -> bool:
    return hasattr(of, "__fields__") or hasattr(of, "__dataclass_fields__")


def _replace(of: Any, **changes: Any) -> Any:
    kept = {name: getattr(of, name) for name, each in of.__fields__.items() if each.init}
    return type(of)(**{**kept, **changes})


if TYPE_CHECKING:
    from dataclasses import MISSING, Field, field, fields, is_dataclass, replace
    from dataclasses import dataclass as record
else:
    record, field, Field, MISSING = _record, _Field, _Field, _MISSING
    fields, is_dataclass, replace = _fields, _is_dataclass, _replace

__all__ = ["MISSING", "Field", "field", "fields", "is_dataclass", "record", "replace"]
