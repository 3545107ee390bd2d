"""What must not be shown is not (SECURITY 13)."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_auth.core.models import Account, AccountKey, Token
from jupyter_auth.core.provider.field_types import Header
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.core.secret import MaskedStr, Secret

PLANTED = "planted-secret-5c0ffee"


def holders() -> list[object]:
    """Everything in the models that holds a secret."""
    secret = Secret(PLANTED)
    return [
        secret,
        Account(
            provider="idp",
            session_key="default",
            fingerprint="f",
            access_token=secret,
            refresh_token=secret,
            id_token=secret,
            issued_at=0.0,
            signed_in_at=0.0,
        ),
        Token(access_token=secret, headers={"Authorization": secret}),
        Provider(name="idp", issuer="https://idp", client_id="x", client_secret=PLANTED),
    ]


@pytest.mark.parametrize("holder", holders(), ids=lambda holder: type(holder).__name__)
def test_no_representation_shows_it(holder):
    nested = {"a": [holder]}
    shown = [repr(nested), str(nested), f"{holder}", f"{holder!r:>400}", f"{holder!s}"]
    assert not any(PLANTED in each for each in shown)


@pytest.mark.parametrize("holder", holders(), ids=lambda holder: type(holder).__name__)
def test_no_pickle_carries_it(holder):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(holder, protocol)


def test_json_and_dicts_show_none_either():
    with pytest.raises(TypeError):
        json.dumps(Secret(PLANTED))
    assert PLANTED not in str(dataclasses.asdict(holders()[2]))


def test_a_traceback_with_locals_shows_none():
    def work(secret: Secret) -> None:
        held = [secret]
        raise ValueError(held)

    try:
        work(Secret(PLANTED))
    except ValueError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        assert PLANTED not in "".join(shown.format())


def test_copies_are_the_secret_itself():
    secret = Secret(PLANTED)
    assert copy.copy(secret) is copy.deepcopy(secret) is secret


@given(st.text(), st.text())
def test_secrets_compare_and_hash_as_their_values(left, right):
    assert (Secret(left) == Secret(right)) == (left == right)
    assert len({Secret(left), Secret(left)}) == 1
    assert Secret(left).reveal() == left
    assert Secret(left) != left


def test_the_empty_one_is_false():
    assert not Secret("")
    assert Secret("x")


def test_a_masked_str_is_a_str_that_only_repr_hides():
    masked = MaskedStr(PLANTED)
    assert masked == PLANTED
    assert f"Bearer {masked}" == f"Bearer {PLANTED}"
    assert PLANTED not in repr(masked)
    assert PLANTED not in repr({"token": masked})


def test_models_are_frozen():
    for holder in [*holders()[1:], AccountKey("idp"), Header()]:
        field = dataclasses.fields(holder)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(holder, field, "x")
