"""The listener without a server says nothing of what a browser asks it for (SECURITY 7 and 13)."""

from __future__ import annotations

import requests

from jupyter_auth.core.login.loopback.server import NOTHING, Listener


def test_no_request_line_is_logged(capfd):
    listener = Listener("", lambda _, __: NOTHING, lambda: True)
    try:
        answer = requests.get(f"http://127.0.0.1:{listener.port}/callback/idp?code=planted&state=s")
        assert answer.status_code == 404
    finally:
        listener.close()
    assert "planted" not in "".join(capfd.readouterr())
