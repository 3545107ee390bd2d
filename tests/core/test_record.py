"""A record does what a dataclass that says the same does."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from typing import Any

import pytest

from jupyter_auth import Provider
from jupyter_auth.core import record as records
from jupyter_auth.core.record import field, record


@record(frozen=True, kw_only=True)
class Base:
    size: int
    words: tuple[str, ...] = ()
    table: dict[str, Any] = field(default_factory=dict, metadata={"wire": "never"})


@record(frozen=True, kw_only=True)
class More(Base):
    words: tuple[str, ...] = ("a",)
    twice: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "twice", 2 * self.size)


@record(frozen=True)
class Pair:
    one: str
    other: str = "x"


def test_each_field_has_what_was_given_or_its_default():
    more = More(size=2)
    assert (more.size, more.words, more.table, more.twice) == (2, ("a",), {}, 4)
    assert more.table is not More(size=2).table
    assert Pair("a", other="b") == Pair("a", "b") == Pair(one="a", other="b")


@pytest.mark.parametrize(
    ("kind", "args", "given"),
    [
        *((More, (), {}), (More, (1,), {}), (More, (), {"size": 1, "twice": 2})),
        *((More, (), {"size": 1, "other": 2}), (Pair, (), {}), (Pair, ("a", "b", "c"), {})),
        (Pair, ("a",), {"one": "b"}),
    ],
)
def test_nothing_else_makes_one(kind, args, given):
    with pytest.raises(TypeError):
        kind(*args, **given)


@pytest.mark.parametrize("option", ["repr", "compare", "hash", "kw_only"])
def test_an_option_that_a_record_does_not_have_is_no_silent_one(option):
    with pytest.raises(TypeError, match=option):
        field(default="secret", **{option: False})


def test_a_record_that_is_not_frozen_is_none():
    with pytest.raises(TypeError, match="frozen"):
        record(frozen=False)(type("Loose", (), {"__annotations__": {"one": "str"}}))


def test_what_dataclasses_asks_for_is_made_once():
    dataclasses.replace(Pair("a"), one="b")
    assert Pair.__dataclass_fields__ is Pair.__dataclass_fields__
    assert [*More.__dataclass_fields__] != [*Base.__dataclass_fields__]


def test_help_shows_the_fields():
    shown = "(one: 'str', other: 'str' = 'x') -> None"
    assert str(inspect.signature(Pair)) == shown
    assert [*inspect.signature(More).parameters] == ["size", "words", "table"]
    assert {each.kind.name for each in inspect.signature(More).parameters.values()} == {
        "KEYWORD_ONLY"
    }
    assert "client_id" in inspect.signature(Provider).parameters


def test_a_provider_by_position_says_that_it_takes_none():
    with pytest.raises(TypeError, match=r"^Provider takes no positional arguments$"):
        Provider("acme")
    with pytest.raises(TypeError, match=r"^Pair takes 2 positional arguments$"):
        Pair("a", "b", "c")


def test_equal_ones_are_of_one_class():
    assert Pair("a") == Pair("a") != Pair("b")
    assert hash(Pair("a")) == hash(Pair("a"))
    assert Base(size=1) != More(size=1, words=())
    assert Pair("a") != ("a", "x")
    with pytest.raises(TypeError):
        hash(Base(size=1))


def test_it_is_shown_and_copied_whole():
    more = More(size=1, words=("b",))
    assert repr(more) == "More(size=1, words=('b',), table={}, twice=2)"
    assert copy.copy(more) == copy.deepcopy(more) == more


def test_it_is_frozen():
    for change in (lambda it: setattr(it, "one", "b"), lambda it: delattr(it, "one")):
        with pytest.raises(dataclasses.FrozenInstanceError, match="'one'"):
            change(Pair("a"))


@pytest.mark.parametrize("replace", [dataclasses.replace, records.replace])
def test_a_changed_copy_is_made_as_any_other(replace):
    assert replace(More(size=1, words=("b",)), size=3) == More(size=3, words=("b",))
    for wrong in ({"other": 1}, {"twice": 1}):
        with pytest.raises((TypeError, ValueError)):
            replace(More(size=1), **wrong)


@pytest.mark.parametrize("of", [More, More(size=1)])
def test_the_module_of_dataclasses_takes_it_for_one(of):
    assert dataclasses.is_dataclass(of)
    assert records.is_dataclass(of)
    for said, known in zip(dataclasses.fields(of), records.fields(of), strict=True):
        assert (said.name, said.type, said.init) == (known.name, known.type, known.init)
        assert dict(said.metadata) == dict(known.metadata)
    assert dataclasses.asdict(More(size=1)) == {"size": 1, "words": ("a",), "table": {}, "twice": 2}


def test_a_dataclass_has_its_own_fields():
    made = dataclasses.make_dataclass("Made", [("one", str)])
    assert [each.name for each in records.fields(made)] == ["one"]
    assert records.is_dataclass(made)
    assert not records.is_dataclass(str)
