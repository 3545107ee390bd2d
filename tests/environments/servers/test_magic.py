"""``%auth`` and ``%%auth`` on a Jupyter server: its kernels, terminals and default provider."""

from __future__ import annotations

import sys

import pytest

from environments.home import configure
from environments.servers.server_kernel import ServerKernel, ServerTerminal
from patience import PATIENCE
from server.jupyter_process import JupyterProcess


@pytest.fixture
def server(oidc, tmp_path):
    """Its person has ``idp``, its administrator ``school``; ``idp`` is the default."""
    configure(tmp_path / "home" / "user", oidc)
    school = {"issuer": oidc.issuer, "client_id": oidc.client_id, "title": "The School"}
    server = JupyterProcess(tmp_path / "home", default_provider="idp", providers={"school": school})
    server.extensions = {"jupyter_auth": True, "jupyter_server_terminals": True}
    with server:
        yield server


def test_the_default_provider_from_sign_in_to_sign_out(server, oidc):
    with ServerKernel(server) as kernel, ServerTerminal(server) as terminal:
        kernel.ok("%load_ext jupyter_auth\nimport asyncio")
        kernel.ok("%auth login")
        (login,) = server.browser().get("jupyter-auth/api/v1/logins").json()["logins"]
        assert login["provider"] == "idp"
        browser = server.browser()
        assert browser.arrive(oidc.login(browser.open(login), "alice")) == login["path"]
        ran = kernel.ok("%%auth\nawait asyncio.sleep(0)\nsession.get('me').json()['username']")
        assert "'alice'" in ran.text()
        code = "%auth login --key "
        reply = kernel.client.complete(code, len(code), reply=True, timeout=PATIENCE)
        assert reply["content"]["matches"] == ["default"]
        terminal.type(f"{sys.executable} -m jupyter_auth.cli logout")
        terminal.read(r"Signed out of idp\.")
        said = kernel.ok("for name in ('idp', 'school'):\n    %auth status {name}").text()
        assert "not signed in to idp." in said
        assert "not signed in to school." in said
