"""What one request may bring (SECURITY 20)."""

from __future__ import annotations

import pytest

from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.server import inputs


@pytest.mark.parametrize(
    "read",
    [
        lambda: inputs.json_object(b'"' + b"x" * inputs.MAX_BODY + b'"'),
        lambda: inputs.text({"key": "x" * (inputs.MAX_TEXT + 1)}, "key"),
        lambda: inputs.words({"scopes": ["x"] * (inputs.MAX_SCOPES + 1)}, "scopes"),
        lambda: inputs.words({"scopes": ["x" * (inputs.MAX_TEXT + 1)]}, "scopes"),
        lambda: inputs.number("nan", "wait", 30.0),
        lambda: inputs.number(-1, "wait", 30.0),
    ],
    ids=["body", "text", "scopes", "scope", "nan", "negative"],
)
def test_what_is_too_much_is_refused(read):
    with pytest.raises(ConfigurationError):
        read()


def test_a_number_is_clipped():
    assert inputs.number(1e300, "wait", 30.0) == 30.0
