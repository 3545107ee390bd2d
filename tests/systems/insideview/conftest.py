"""The preset, at the server of the test."""

from __future__ import annotations

import pytest

from systems.presets import preset_at


@pytest.fixture
def table(insideview):
    moved = ("https://login.insideview.com", "https://api.insideview.com")
    return preset_at("insideview", dict.fromkeys(moved, insideview.origin))
