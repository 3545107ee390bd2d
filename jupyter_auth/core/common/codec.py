"""Dataclasses as JSON and back, by their types.

The wire carries what is public: no ``Secret``, and no field that is marked ``NEVER``. It is read
leniently, as another version of this package may have written it: an unknown field is ignored, a
missing or null one gets its default. A record is everything, secrets in the clear, and is read
strictly. An unknown word for a ``Literal`` is kept.
"""

from __future__ import annotations

import functools
import json
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from jupyter_auth.core.record import fields, is_dataclass
from jupyter_auth.core.secret import Secret

Value = TypeVar("Value")
Tag = Callable[[str, Any], Any]

NEVER = {"wire": "never"}  # metadata of a field that stays with the broker
ALWAYS = {"wire": "always"}  # of a field that a response must have, although it has a default
# What reading anything else than what was written here raises.
DAMAGED = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


def to_wire(value: Any) -> Any:
    """``value`` as JSON that may travel.

    Raises:
        TypeError: it contains a secret.
    """
    return _json(value, lambda _, of: of, secrets=False)


def to_record(value: Any, tag: Tag = lambda _, of: of) -> Any:
    """All of ``value`` as JSON to store. ``tag`` gets the type's name and the JSON of each value
    that is no scalar, and returns what takes its place.
    """
    return _json(value, tag, secrets=True)


def from_wire(kind: Callable[..., Value], data: Any) -> Value:
    """The dataclass that ``to_wire`` described.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: ``data`` is something else.
    """
    given = {}
    for name, (hint, sent, needed) in _fields(kind).items():
        if sent == "never":
            continue
        value = data[name] if needed else data.get(name)
        if value is None and not needed:
            value = () if typing.get_origin(hint) is tuple else {} if is_dataclass(hint) else None
        if value is not None or needed:
            given[name] = _reader(hint, _meant)(value)
    return kind(**given)


def from_record(kind: Callable[..., Value], data: Any) -> Value:
    """The dataclass that ``to_record`` described; raises as ``from_wire``."""
    known = _fields(kind)
    return kind(**{name: _reader(known[name][0], _written)(data[name]) for name in data})


def _json(value: Any, tag: Tag, *, secrets: bool) -> Any:
    if value is None or isinstance(value, (str, int, float)):
        return value
    inner = functools.partial(_json, tag=tag, secrets=secrets)
    if isinstance(value, Secret):
        if not secrets:
            raise TypeError("A secret does not travel.")
        return tag("secret", value.reveal())
    if isinstance(value, tuple):
        return tag("tuple", [inner(each) for each in value])
    if isinstance(value, Mapping):
        return tag("mapping", {name: inner(each) for name, each in value.items()})
    if not is_dataclass(value):
        return value
    kind: Any = type(value)
    known = _fields(kind).items()
    kept = [name for name, (_, sent, _) in known if secrets or sent != "never"]
    return tag(kind.__name__, {name: inner(getattr(value, name)) for name in kept})


@functools.cache
def _fields(kind: Any) -> dict[str, tuple[Any, str, bool]]:
    """By name: the type, the mark for the wire, and whether a response must have it."""
    hints, known = typing.get_type_hints(kind), {}
    for each in fields(kind):
        sent = each.metadata.get("wire", "")
        bare = each.default is each.default_factory  # both are MISSING
        known[each.name] = (hints[each.name], sent, bare or sent == "always")
    return known


@functools.cache
def _reader(hint: Any, scalar: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """A function from JSON to a value of that type; ``scalar`` reads what is no container."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return lambda value: value
    if type(None) in inner:
        some = _reader(inner[0], scalar)
        return lambda value: None if value is None else some(value)
    if origin is tuple:
        each, kind = _reader(inner[0], scalar), list if scalar is _written else object
        return lambda value: tuple(map(each, _of(kind, value)))
    if origin in {Mapping, dict}:
        each = _reader(inner[1], scalar)
        return lambda value: {name: each(of) for name, of in value.items()}
    if is_dataclass(hint):
        made: Callable[..., Any] = from_record if scalar is _written else from_wire
        return functools.partial(made, hint)
    return functools.partial(scalar, str if origin is Literal else hint)


def _of(kind: Any, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(kind)
    return value


def _written(kind: Any, value: Any) -> Any:
    """A scalar of a record, exactly as it was written."""
    if kind is Secret:
        return Secret(_of(str, value))
    if isinstance(value, bool) != (kind is bool):
        raise TypeError(kind)
    return _of((int, float) if kind is float else kind, value)


def _meant(kind: Any, value: Any) -> Any:
    """A scalar of the wire, converted to that kind."""
    if value is None or kind is Secret:
        raise TypeError(kind)
    try:
        return kind(value)
    except OverflowError:
        raise ValueError(kind) from None


def list_to_json(entries: Sequence[Any]) -> bytes:
    """Records, secrets in the clear. A list: what reads accounts finds none here."""
    return json.dumps([to_record(each) for each in entries]).encode()


def list_from_json(kind: Callable[..., Value], data: bytes) -> list[Value]:
    """What ``list_to_json`` wrote. Raises one of ``DAMAGED`` for anything else."""
    return [from_record(kind, each) for each in json.loads(data)]
