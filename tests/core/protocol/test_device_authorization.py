"""What a device authorization endpoint answers (RFC 8628 3.2), read with care."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_auth.core.errors import ProviderError
from jupyter_auth.core.protocol.oauth_response import MAX_INTERVAL, DeviceAuthorizationResponse

GOOD = {
    "device_code": "d",
    "user_code": "AB-CD",
    "verification_uri": "https://idp.example/device",
    "expires_in": 600,
}


@pytest.mark.parametrize("name", ["device_code", "user_code", "verification_uri"])
@pytest.mark.parametrize("value", [None, "", [], {}, True, "a\nb", -1])
def test_an_answer_that_nobody_could_sign_in_with(name, value):
    with pytest.raises(ProviderError):
        DeviceAuthorizationResponse.parse(GOOD | {name: value})


def test_a_code_may_be_a_number():
    assert DeviceAuthorizationResponse.parse(GOOD | {"user_code": 123456}).user_code == "123456"


NOWHERE = ["ftp://idp.example/d", "http://idp.example/d", "javascript:alert(1)", "//x", 5]


@pytest.mark.parametrize("uri", NOWHERE)
def test_nobody_is_sent_in_plain_text_or_nowhere(uri):
    with pytest.raises(ProviderError):
        DeviceAuthorizationResponse.parse(GOOD | {"verification_uri": uri})


@pytest.mark.parametrize("uri", NOWHERE)
def test_a_complete_uri_that_leads_nowhere_is_left_out(uri):
    assert DeviceAuthorizationResponse.parse(
        GOOD | {"verification_uri_complete": uri}
    ) == DeviceAuthorizationResponse.parse(GOOD)


@pytest.mark.parametrize("said", [None, "", "soon", -1, 0, True, float("nan"), [], 10**400])
def test_an_interval_that_is_none_is_five_seconds(said):
    assert DeviceAuthorizationResponse.parse(GOOD | {"interval": said}).interval == 5


@pytest.mark.parametrize("said", [None, "", "soon", -1, 0, True, float("nan"), [], {}])
def test_a_lifetime_that_is_none_is_a_quarter_of_an_hour(said):
    assert DeviceAuthorizationResponse.parse(GOOD | {"expires_in": said}).expires_in == 900


VALUES = st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.lists(st.text())
NAMES = [*GOOD, "interval", "verification_uri_complete"]


@given(st.dictionaries(st.sampled_from(NAMES), VALUES), st.sets(st.sampled_from(list(GOOD))))
def test_whatever_comes_is_a_value_that_can_be_shown_or_an_error(changes, good):
    answer = GOOD | changes | {name: GOOD[name] for name in good}
    try:
        found = DeviceAuthorizationResponse.parse(answer)
    except ProviderError:
        return
    assert found.user_code.isprintable()
    assert found.verification_uri.startswith(("https://", "http://"))
    assert 0 < found.interval <= MAX_INTERVAL
    assert found.expires_in > 0
