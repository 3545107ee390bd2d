"""``c.JupyterAuth`` counts wherever Jupyter reads configuration, however the server was started."""

from __future__ import annotations

import json
import time

import pytest

from environments.servers.configured_server import STARTERS, Started

ACME = {
    "client_id": "jupyter",
    "endpoints": {
        "authorization_endpoint": "https://login.acme.example/authorize",
        "token_endpoint": "https://login.acme.example/token",
    },
}
# Each file has one setting, so that one start shows that all were read.
LIFETIME = "login_lifetime"
FILES = {
    "jupyter_lab_config": {"providers": {"acme": ACME, "other": ACME}},
    "jupyter_notebook_config": {"allow_user_providers": False},
    "jupyter_server_config": {"default_provider": "other"},
    "jupyter_jupyter_auth_config": {LIFETIME: 61.0},
    "jupyter_config": {"public_url": "https://jupyter.example.org"},
}


@pytest.mark.parametrize("kind", ["py", "json"])
@pytest.mark.parametrize("starter", STARTERS)
def test_each_file_is_read(tmp_path, starter, kind):
    home = tmp_path / "home"
    files = {f"{name}.{kind}": settings for name, settings in FILES.items()}
    accounts = f"--JupyterAuth.store_directory={home / 'accounts'}"
    with Started(home, starter, files, accounts) as server:
        kernel = server.kernel()
        found = kernel.call("GET", "providers")
        assert [each["name"] for each in found["providers"]] == ["acme", "other"]  # no preset
        assert found["default"] == "other"
        assert "administrator" in kernel.ask("PUT", "providers/mine", ACME)[1]["message"]
        login = kernel.begin("acme")
        assert login["url"].startswith("https://jupyter.example.org/base/jupyter-auth/login/")
        assert login["expires_at"] - time.time() <= FILES["jupyter_jupyter_auth_config"][LIFETIME]
        assert str(home / "accounts") in str(kernel.call("GET", "doctor"))


@pytest.mark.parametrize("starter", STARTERS)
def test_of_two_that_say_different_things_one_counts_as_it_does_for_jupyter(tmp_path, starter):
    files = {
        "jupyter_notebook_config.py": {"default_provider": "notebook", "public_url": "notebook"},
        "jupyter_lab_config.py": {"default_provider": "lab", "public_url": "lab", LIFETIME: 61.0},
        "jupyter_server_config.d/a.json": {LIFETIME: 62.0, "store_directory": "d"},
        "jupyter_jupyter_auth_config.py": {"store_directory": "own"},
        "jupyter_server_config.py": {"public_url": "server", "store_directory": "py"},
        "jupyter_server_config.json": {"store_directory": "json"},
    }
    server = Started(tmp_path / "home", starter, files, "--JupyterAuth.allow_user_providers=False")
    assert json.loads(server.shown("--show-config-json"))["JupyterAuth"] == {
        "allow_user_providers": "False",
        "default_provider": "lab",
        "login_lifetime": 62.0,
        "public_url": "server",
        "store_directory": "json",
    }
