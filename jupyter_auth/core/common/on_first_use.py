"""Parts of an object that are made when they are first used, with the modules that they need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable

Part = TypeVar("Part")


class OnFirstUse(Generic[Part]):
    """As ``functools.cached_property``; where several threads are first, all get the same part.

    Making one must change nothing else: what another thread made meanwhile is thrown away.
    """

    def __init__(self, make: Callable[[Any], Part]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> Part: ...
    def __get__(self, instance: object | None, owner: type) -> Self | Part:
        if instance is None:
            return self
        part: Part = vars(instance).setdefault(self._name, self._make(instance))
        return part

    def made(self, instance: object) -> Part | None:
        """That part of ``instance``, if it was used."""
        return vars(instance).get(self._name)
