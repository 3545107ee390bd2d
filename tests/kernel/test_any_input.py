"""Whatever an API answers: its next page, and how long it wants us to wait."""

from __future__ import annotations

import json

import requests
from hypothesis import given
from hypothesis import strategies as st

from jupyter_auth.core.common.times import retry_after
from jupyter_auth.core.registration.challenges import challenges
from jupyter_auth.kernel.http.refusals import status_in
from jupyter_auth.kernel.session.paging import next_page

TEXT = st.text(max_size=30) | st.text(alphabet='<>;=," rel:next/0123456789', max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["next", "@odata.nextLink", "x"]), inner)
    ),
)


def answer(body=b"", **headers):
    made = requests.Response()
    made.status_code, made.url, made._content = 200, "https://api.example.com/a/b", body
    made.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return made


@given(JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40), TEXT)
def test_any_page(body, link):
    for kind in ("application/json", "text/html"):
        found = next_page(answer(body, Content_Type=kind, Link=link))
        assert found is None or isinstance(found, str)


@given(TEXT | st.integers().map(str) | st.floats().map(str))
def test_any_wait(value):
    found = retry_after(value)
    assert found is None or 0 <= found <= 6 * 3600


@given(TEXT | st.text(alphabet='Bearer ,="\\\\error_tk', max_size=60))
def test_any_challenge(header):
    found = challenges(header)
    assert all(all(parameters) for _, parameters in found)
    assert all(scheme for scheme, _ in found[1:])  # the first may lack it


@given(st.binary(max_size=40) | JSON.map(lambda value: json.dumps({"error": value}).encode()))
def test_any_body(body):
    assert status_in(body) is None or b"code" in body
