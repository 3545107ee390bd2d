"""A server that several people share: whoever signs in is told whom the account will serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from server.jupyter_process import JupyterProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from providers.oidc import OidcProvider

WILL = "Everyone who uses this Jupyter server will be able to use this account."
CAN = "Everyone who uses this Jupyter server can use this account now."
# A real server extension under the name of jupyter-collaboration's: what counts is that it is on.
COLLABORATION = """
def _jupyter_server_extension_points():
    return [{"module": "jupyter_server_ydoc"}]

def _load_jupyter_server_extension(app):
    pass
"""


@pytest.fixture
def started(tmp_path: Path, oidc: OidcProvider, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Starts a server, with that extension switched on or off, and with our own settings."""
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "jupyter_server_ydoc.py").write_text(COLLABORATION)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"))
    servers: list[JupyterProcess] = []

    def start(*, together: bool, **config: Any) -> JupyterProcess:
        provider = {"issuer": oidc.issuer, "client_id": oidc.client_id, "title": "The IdP"}
        server = JupyterProcess(tmp_path / "home", providers={"idp": provider}, **config)
        server.extensions |= {"jupyter_server_ydoc": together}
        servers.append(server.start())
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.mark.parametrize(
    ("together", "config", "shared"),
    [
        (True, {}, True),
        (True, {"shared_server": False}, False),
        (False, {"shared_server": True}, True),
        (False, {}, False),
    ],
)
def test_login_page_and_outcome_say_whom_the_account_will_serve(
    started: Any, oidc: OidcProvider, *, together: bool, config: dict[str, Any], shared: bool
) -> None:
    server = started(together=together, **config)
    login = server.kernel().begin()
    assert login["shared"] is shared
    browser = server.browser()
    assert (WILL in browser.page(login["path"])) is shared
    (listed,) = browser.send("GET", "jupyter-auth/api/v1/logins").json()["logins"]
    assert listed["shared"] is shared
    browser.arrive(oidc.login(browser.open(login)))
    page = browser.page(login["path"])
    assert "Signed in to The IdP" in page
    assert (CAN in page) is shared
    assert (WILL in page) is False
    begun = browser.send("POST", "jupyter-auth/api/v1/logins", {"provider": "idp", "force": True})
    assert begun.json()["shared"] is shared  # from JupyterLab's panel, too


@pytest.mark.parametrize("grants", [["device_code"], ["password"]])
def test_so_do_the_pages_of_other_ways_in(
    started: Any, oidc: OidcProvider, grants: list[str]
) -> None:
    server = started(together=True)
    server.stop()
    provider = server.config["providers"]["idp"] | {"grants": grants, "client_id": oidc.client_id}
    server.config["providers"]["idp"] = provider
    server.start()
    assert WILL in server.browser().page(server.kernel().begin()["path"])


def test_a_wrong_setting_is_named(started: Any) -> None:
    server = started(together=False, shared_server="perhaps")
    server.wait_for_log("c.JupyterAuth.shared_server must be True, False or None.")
