"""A person's own ``providers.toml``."""

from __future__ import annotations

import pytest


@pytest.fixture
def user_file(tmp_path):
    path = tmp_path / "providers.toml"
    path.write_text('[idp]\nissuer = "https://idp.example.com"\nclient_id = "user"\n')
    return path
