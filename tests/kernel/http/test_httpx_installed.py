"""``httpx_auth`` where httpx or httpx2 is missing, both are, or one stands for the other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import httpx2
import pytest

from jupyter_auth import httpx_auth
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.kernel.http.httpx_auth import HttpxAuth
from kernel.http.planted_token import API, Fixed


@pytest.fixture
def without(monkeypatch):
    """As if these were not installed, and nothing had been loaded."""

    def forget(*missing):
        monkeypatch.delitem(sys.modules, "jupyter_auth.kernel.http.httpx_auth")
        for each in missing:
            monkeypatch.setitem(sys.modules, each, None)

    return forget


@pytest.mark.parametrize(("missing", "there"), [("httpx", httpx2), ("httpx2", httpx)])
def test_either_is_enough(without, rogue, source, missing, there):
    without(missing)
    auth = httpx_auth(source, origins=[rogue.issuer])
    assert not isinstance(auth, HttpxAuth)  # but one of what is left
    rogue.expire()
    with there.Client(trust_env=False) as client:
        assert client.get(f"{rogue.issuer}/api/x", auth=auth).status_code == 200
    assert rogue.refreshes == 1


def test_without_both_one_sentence_says_so(without):
    without("httpx", "httpx2")
    with pytest.raises(ConfigurationError, match="Neither httpx nor httpx2 is") as caught:
        httpx_auth(Fixed(), origins=[API])
    assert "pip install httpx" in caught.value.hint


def test_where_one_stands_for_the_other(tmp_path):
    """``httpx2.alias_httpx``, for packages that know httpx alone."""
    code = (
        "import httpx2; httpx2.alias_httpx(); import httpx\n"
        "from jupyter_auth import httpx_auth\n"
        "from kernel.http.planted_token import API, Fixed\n"
        "httpx.Client(auth=httpx_auth(Fixed(), origins=[API]))"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=env)


def test_they_are_imported_when_it_is_called_for():
    code = "import sys, jupyter_auth as a; a.httpx_auth, a.credential; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not {"httpx", "httpx2", "anyio", "azure"} & set(ran.stdout.split())
