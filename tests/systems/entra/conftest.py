"""Entra at its real host names, and a person at this machine who is signed in there."""

from __future__ import annotations

import threading
import webbrowser
from typing import TYPE_CHECKING

import pytest
import requests

from browser_file import leads_to
from patience import PATIENCE
from providers.internet import Internet
from providers.presets.entra import Entra

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def entra(home, tmp_path, monkeypatch) -> Iterator[Entra]:  # noqa: ARG001
    """``environ`` of this process leads to it, for all programs and libraries."""
    with Entra() as server, Internet(tmp_path, server.hosts) as internet:
        for name, value in internet.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
        monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
        yield server


@pytest.fixture
def links(entra, monkeypatch) -> list[str]:  # noqa: ARG001
    """All that the person's browser was opened at; Entra asks nothing of who is signed in there."""
    opened: list[str] = []

    def visit(link: str) -> None:
        requests.get(link, timeout=PATIENCE).raise_for_status()

    def open_(link: str, *_: object, **__: object) -> bool:
        opened.append(link)
        threading.Thread(target=visit, args=(leads_to(link),), daemon=True).start()
        return True

    monkeypatch.setenv("BROWSER", "the person's")
    monkeypatch.setattr(webbrowser, "open", open_)
    return opened
