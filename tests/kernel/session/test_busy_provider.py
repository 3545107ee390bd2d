"""A token endpoint that says when to ask again is asked once by all sessions of a process."""

from __future__ import annotations

import pytest

from jupyter_auth import ClientSession
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.kernel.session import service_account
from providers.troubles import Reply


def test_a_cell_that_is_run_again_asks_no_more(kernel_api, rogue):  # noqa: ARG001
    service_account._lockouts.cache_clear()
    rogue.script("token", lambda _: Reply(429, b"", {"Retry-After": "60"}))
    for _ in range(3):
        with pytest.raises(ProviderUnavailable, match="takes no requests until"):
            _ = ClientSession("notebook", "secret", provider="idp").access_token
    assert len(rogue.seen("token")) == 1
    service_account._lockouts.cache_clear()
