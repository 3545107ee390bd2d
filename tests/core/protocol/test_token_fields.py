"""What else providers say with their tokens, as kernels may read it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_auth.core.protocol.token_fields import LARGEST, MOST, of_response
from jupyter_auth.core.secret import Secret

PLANTED = "planted-5ecret+/="
SALESFORCE = {"instance_url": "https://eu9.example", "id": "https://login.example/id/00D/005"}


def test_what_is_kept():
    answer = {
        **SALESFORCE,
        "orcid": "0000-0002-1825-0097",
        "athlete": {"id": 5, "city": "Ås", "clubs": [{"id": 1}, 2.5]},
        "is_enterprise_install": False,
        "refresh_token_expires_in": 8726400,
    }
    assert of_response(answer, []) == answer


def test_what_is_known_otherwise_is_not_kept():
    answer = {"access_token": "a", "token_type": "Bearer", "expires_in": 5, "expires": 5}
    answer |= {"refresh_token": "r", "id_token": "i", "scope": "x", "state": "s", "iss": "i"}
    answer |= {"code": "c", "session_state": "s", "nothing": None, "empty": "", "null": "null"}
    assert of_response(answer | SALESFORCE, []) == SALESFORCE


@pytest.mark.parametrize(
    "answer",
    [
        {"refreshToken": PLANTED},
        {"user": {"access_token": PLANTED, "id": "U1"}},
        {"other_tokens": [{"value": PLANTED, "resource_server": "x"}]},
        {"incoming_webhook": {"url": f"https://hooks.example/{PLANTED}"}},
        {"client_secret": PLANTED, "api-key": PLANTED, "privateKey": PLANTED, "jwt": PLANTED},
        {"team": [{"credentials": {"x": PLANTED}}]},
        {"refresh": PLANTED, "session_id": PLANTED, "authorization": f"Basic {PLANTED}"},
        {"private_key_pem": PLANTED, "passphrase": PLANTED},
        {"echo": PLANTED, "refresh_token": PLANTED},
        {"url": "https://x.example/?t=planted-5ecret%2B%2F%3D", "access_token": PLANTED},
        {"assertion": "x", "thing": f"eyJhbGciOiJ9.{'e' * 9}.c2ln {PLANTED}"},
    ],
    ids=str,
)
def test_what_may_be_a_secret_is_not(answer):
    kept = json.dumps(of_response(answer | SALESFORCE, []))
    assert "planted" not in kept
    assert "eyJ" not in kept
    assert SALESFORCE["instance_url"] in kept


def test_nor_what_was_sent():
    answer = {"asked_with": PLANTED, "in": {"a": [f"<{PLANTED}>"]}, "short": "ab"}
    assert of_response(answer, [Secret(PLANTED), None, Secret("a")]) == {
        "in": {"a": []}, "short": "ab"
    }  # fmt: skip


def test_what_utf8_cannot_write_costs_no_tokens():
    odd = "\ud800" + PLANTED
    assert of_response({"x_token": odd, "echo": f"<{odd}>", "odd": "\ud800"}, []) == {
        "odd": "\ud800"
    }


def test_a_large_response_has_none():
    assert of_response(SALESFORCE | {"x": "eyJ" * LARGEST}, []) == {}
    assert of_response({f"token{n}": f"secret{n:06}" for n in range(LARGEST // 25)}, []) == {}


def test_there_is_a_limit():
    answer = {"small": 1, "large": "x" * MOST, "deep": [[[[[["x"]]]]]], "last": 2}
    kept = of_response(answer, [])
    assert (kept["small"], kept["last"]) == (1, 2)
    assert "large" not in kept
    assert "x" not in json.dumps(kept["deep"])
    assert len(json.dumps(of_response({f"n{n}": "x" * 90 for n in range(500)}, []))) <= MOST


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
NAMES = st.sampled_from(["access_token", "secret", "id", "url", "code", "x"])
JSON = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4)
)


@given(st.dictionaries(NAMES, JSON))
def test_any_answer_has_fields_that_can_be_written(answer):
    kept = of_response(answer | {"huge": 10**400}, [])
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept
