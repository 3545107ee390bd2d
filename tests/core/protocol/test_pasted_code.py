"""What a person pastes: a package, an address or a code; whatever else is told apart from them."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_auth.core.errors import LoginFailed
from jupyter_auth.core.protocol import pasted_code

CODE = "eyJraWQiOiJ-._~+/=.abc"
ENDPOINT = "https://login.example/token"


@pytest.mark.parametrize(
    "text",
    [
        CODE,
        f"  {CODE}\n",
        json.dumps({"endpoint": ENDPOINT, "code": CODE}),
        json.dumps({"code": CODE, "endpoint": ENDPOINT, "more": [1]}, indent=4),
        json.dumps({"code": CODE}),
        f"https://4insight.example/auth?{urlencode({'state': 's', 'code': CODE})}",
        f"https://4insight.example/auth#code={quote(CODE, safe='')}",
        f"http://127.0.0.1/x?code={quote(CODE, safe='')}",
    ],
)
def test_a_code_is_found(text):
    found = pasted_code.parse(text)
    assert found.code.reveal() == CODE
    assert found.endpoint == (ENDPOINT if "endpoint" in text else None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "two words",
        "{}",
        "{",
        "{'code': 'x'}",
        '{"endpoint": "https://x"}',
        '{"code": ""}',
        '{"code": 5}',
        '{"code": "a b"}',
        '{"endpoint": 5, "code": "x"}',
        "[1]",
        '"x"',
        "https://login.example/",
        "https://login.example/?code=",
        "https://login.example/?code=a&code=b",
        "https://[x",
        "kód",
        "x" * 40000,
        "<html>",
        "{" * 20000,
        '{"a":' * 5000,
    ],
)
def test_it_is_something_else(text):
    with pytest.raises(LoginFailed) as caught:
        pasted_code.parse(text)
    assert caught.value.hint


def test_a_refusal_is_told():
    with pytest.raises(LoginFailed, match="access_denied: you said no"):
        pasted_code.parse("https://x.example/?error=access_denied&error_description=you+said+no")


PACKAGES = st.fixed_dictionaries(
    {}, optional={"code": st.text() | st.integers(), "endpoint": st.text() | st.none()}
).map(json.dumps)
QUERIES = st.dictionaries(st.sampled_from(["code", "state"]), st.text()).map(urlencode)
ADDRESSES = QUERIES.map("https://x/?{}".format)


@given(st.text() | st.binary().map(lambda b: b.decode("latin-1")) | PACKAGES | ADDRESSES)
def test_whatever_is_pasted_is_a_code_or_an_error_that_repeats_nothing(text):
    try:
        found = pasted_code.parse(text)
    except LoginFailed as failed:
        found, said = None, str(failed)
    if found is None:
        assert len(text.strip()) < 40 or text.strip() not in said
    else:
        assert pasted_code.CODE.fullmatch(found.code.reveal())
        assert "Secret('…')" in repr(found)
