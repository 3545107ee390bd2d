"""Whatever a request brings to either API is read, or refused with one sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.server.broker import request_parsing

NAMES = st.sampled_from(
    [
        "provider",
        "session_key",
        "client_id",
        "calls",
        "quota",
        "limit",
        "remaining",
        "reset_at",
        "throttled_until",
        "notebook",
        "x",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
)
TABLES = st.dictionaries(NAMES, JSON, max_size=6)


def check(error: ConfigurationError) -> None:
    assert len(str(error)) < 200


@given(st.binary(max_size=80) | JSON.map(lambda value: json.dumps(value).encode()))
@settings(deadline=None)
def test_any_body(body: bytes) -> None:
    try:
        assert isinstance(request_parsing.json_object(body), dict)
    except ConfigurationError as error:
        check(error)


@pytest.mark.parametrize(
    "read",
    [
        lambda data: request_parsing.text(data, "x"),
        lambda data: request_parsing.required(data, "provider"),
        request_parsing.session_key,
        lambda data: request_parsing.flag(data, "x"),
        lambda data: request_parsing.words(data, "x"),
        lambda data: request_parsing.number(data.get("x"), "x", 100.0),
        lambda data: request_parsing.limits(data | {"provider": "idp"}),
    ],
)
def test_any_object(read: Any) -> None:
    @given(TABLES)
    @settings(deadline=None)
    def holds(data: dict[str, Any]) -> None:
        try:
            read(data)
        except ConfigurationError as error:
            check(error)

    holds()
