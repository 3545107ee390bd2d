"""Where a session's token may go at all (SECURITY 12)."""

from __future__ import annotations

import pytest

from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.kernel.session.user_session import RequestOptions


@pytest.mark.parametrize("url", ["http://api.example.com/v1/", "https://me@api.example.com/"])
def test_a_base_url_that_is_not_secure_gets_no_token(url):
    with pytest.raises(ConfigurationError):
        _ = RequestOptions(url, ()).own_origin
    assert RequestOptions("https://api.example.com/v1/", ()).own_origin == (
        "https://api.example.com",
    )
