"""What one request may bring (SECURITY 20)."""

from __future__ import annotations

import pytest

from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.server.broker import request_parsing


@pytest.mark.parametrize(
    "read",
    [
        lambda: request_parsing.json_object(b'"' + b"x" * request_parsing.MAX_BODY + b'"'),
        lambda: request_parsing.text({"key": "x" * (request_parsing.MAX_TEXT + 1)}, "key"),
        lambda: request_parsing.words(
            {"scopes": ["x"] * (request_parsing.MAX_SCOPES + 1)}, "scopes"
        ),
        lambda: request_parsing.words({"scopes": ["x" * (request_parsing.MAX_TEXT + 1)]}, "scopes"),
        lambda: request_parsing.number("nan", "wait", 30.0),
        lambda: request_parsing.number(-1, "wait", 30.0),
    ],
    ids=["body", "text", "scopes", "scope", "nan", "negative"],
)
def test_what_is_too_much_is_refused(read):
    with pytest.raises(ConfigurationError):
        read()


def test_a_number_is_clipped():
    assert request_parsing.number(1e300, "wait", 30.0) == 30.0
