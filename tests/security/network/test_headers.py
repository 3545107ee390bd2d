"""Promises 7 and 17: a server's own settings open neither frames nor other origins to our APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from server.jupyter_process import JupyterProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPEN = {
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "sniff",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Credentials": "true",
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterProcess]:
    """Its administrator opened the rest of Jupyter."""
    home: Path = tmp_path_factory.mktemp("open")
    settings = f"--ServerApp.tornado_settings={{'headers': {OPEN}}}"
    with JupyterProcess(home, settings) as server:
        yield server


@pytest.mark.parametrize("place", ["login/none", "signed-out", "api/v1/accounts"])
def test_settings_loosen_nothing(opened: JupyterProcess, place: str) -> None:
    browser = opened.browser()
    assert OPEN.items() <= browser.get("api/status").headers.items(), "they are in force elsewhere"
    headers = browser.get(f"jupyter-auth/{place}").headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert not [name for name in headers if name.startswith("Access-Control")]
