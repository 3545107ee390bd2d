"""Dataclasses as JSON and back: what travels, what is kept, and what is made of anything else."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping  # noqa: TC003 (read at run time)
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from core.tokens.store_files import ACCOUNT
from jupyter_auth.core.common.codec import (
    ALWAYS,
    NEVER,
    from_record,
    from_wire,
    to_record,
    to_wire,
)
from jupyter_auth.core.models import AccountInfo, AccountKey, Login, Refusal
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.tokens.store import decoded, encoded


@dataclass(frozen=True)
class Part:
    size: float = 1.5
    words: tuple[str, ...] = ("a",)


@dataclass(frozen=True)
class Whole:
    name: str
    part: Part = field(default_factory=Part)
    maybe: Part | None = None
    parts: tuple[Part, ...] = ()
    table: Mapping[str, Any] = field(default_factory=dict)
    state: Literal["on", "off"] = "on"
    number: int = 3
    flag: bool = False
    needed: str = field(default="x", metadata=ALWAYS)
    inside: str | None = field(default=None, metadata=NEVER)
    secret: Secret | None = field(default=None, metadata=NEVER)


WHOLE = Whole("n", Part(2.0, ("b", "c")), Part(), (Part(),), {"k": [1]}, "off", 4, True, "y")
KEPT = dataclasses.replace(WHOLE, inside="in", secret=Secret("s"))
SENT = to_wire(WHOLE)


def test_what_goes_in_comes_out():
    assert from_wire(Whole, json.loads(json.dumps(SENT))) == WHOLE
    assert from_record(Whole, json.loads(json.dumps(to_record(KEPT)))) == KEPT


@pytest.mark.parametrize("value", [ACCOUNT, Secret("x"), {"a": (Secret("x"),)}], ids=type)
def test_no_secret_travels(value):
    with pytest.raises(TypeError) as caught:
        to_wire(value)
    assert "planted" not in str(caught.value)


def test_nor_does_what_stays_inside():
    assert not {"inside", "secret"} & to_wire(KEPT).keys()
    sent = SENT | {"inside": "forged", "secret": "forged"}
    assert from_wire(Whole, sent) == WHOLE


def test_no_secret_is_read_from_the_wire():
    bare = dataclasses.make_dataclass("Bare", [("token", Secret)])
    with pytest.raises(TypeError):
        from_wire(bare, {"token": "x"})


def test_what_an_older_side_does_not_send_is_empty_or_the_default():
    for nothing in ({}, {"part": None, "parts": None, "table": None, "state": None, "flag": None}):
        found = from_wire(Whole, {"name": "n", "needed": "y", **nothing})
        assert found == Whole("n", Part(words=()), needed="y")


def test_what_a_newer_side_sends_besides_is_left():
    found = from_wire(Whole, SENT | {"new": 1, "state": "dimmed", "part": {"size": 1, "new": 2}})
    assert (found.state, found.part) == ("dimmed", Part(1.0, ()))


@pytest.mark.parametrize("name", ["name", "needed"])
def test_an_answer_lacks_nothing_that_it_must_have(name):
    with pytest.raises(KeyError):
        from_wire(Whole, {key: value for key, value in SENT.items() if key != name})
    with pytest.raises(TypeError):
        from_wire(Whole, SENT | {name: None})


@pytest.mark.parametrize("size", ["x", [], 10**400])
def test_what_is_no_number_is_refused(size):
    with pytest.raises((TypeError, ValueError)):
        from_wire(Whole, SENT | {"part": {"size": size}})


@pytest.mark.parametrize(
    "wrong",
    [
        {"new": 1},
        {"name": 5},
        {"name": None},
        {"part": {"size": "2"}},
        {"part": {"size": True}},
        {"part": {"words": "text"}},
        {"part": {"words": [5]}},
        {"parts": {}},
        {"table": []},
        {"number": 1.5},
        {"flag": 1},
        {"flag": None},
        {"state": 5},
        {"secret": 5},
    ],
    ids=str,
)
def test_a_record_is_read_strictly(wrong):
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        from_record(Whole, to_record(KEPT) | wrong)


def test_a_record_can_name_its_types():
    tagged = to_record(KEPT, lambda kind, of: (kind, of))
    assert tagged[0] == "Whole"
    assert tagged[1]["part"] == ("Part", {"size": 2.0, "words": ("tuple", ["b", "c"])})
    assert (tagged[1]["secret"], tagged[1]["table"]) == (("secret", "s"), ("mapping", {"k": [1]}))


# -- as it was written before ----------------------------------------------------------------------

RECORD = {
    "version": 1,
    "provider": "idp",
    "session_key": "default",
    "fingerprint": "f",
    "access_token": "planted-access-token",
    "refresh_token": "planted-refresh-token",
    "id_token": "planted-id-token",
    "kind": "bearer",
    "token_endpoint": None,
    "scopes": ["openid", "email"],
    "asked": [],
    "issued_at": 1.5,
    "expires_at": 3601.5,
    "issuer": "https://idp.example.com",
    "subject": "u-1",
    "username": "rosa",
    "vouched": False,
    "email": None,
    "signed_in_at": 1.5,
}


def test_an_accounts_record_is_as_it_was():
    assert json.loads(encoded(ACCOUNT)) == RECORD
    assert decoded(json.dumps(RECORD).encode()) == ACCOUNT
    added = {"kind", "token_endpoint", "asked", "vouched", "email"}  # the first had none of them
    first = {name: value for name, value in RECORD.items() if name not in added}
    assert decoded(json.dumps(first).encode()) == ACCOUNT


def test_a_refused_account_is_read_as_it_was_written():
    refused = Refusal(says="No.", at=2.5, final=True, times=3)
    account = dataclasses.replace(ACCOUNT, refused=refused)
    assert decoded(encoded(account)) == account


@pytest.mark.parametrize("kind", [Login, AccountInfo, AccountKey])
def test_every_field_of_these_has_a_type_that_can_be_read(kind):
    value = kind(provider="idp", **({"id": "l"} if kind is Login else {}))
    assert from_record(kind, to_record(value)) == value
