"""What tests do with a server that keeps token files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from patience import until

if TYPE_CHECKING:
    from pathlib import Path

    from providers.oidc import OidcProvider
    from server.jupyter_process import JupyterProcess


class Keeping:
    """``access``, ``id`` and ``fickle`` are the files."""

    def __init__(self, server: JupyterProcess) -> None:
        self.server = server
        self.kernel = server.kernel()
        self.access = server.home / f"run/bt_u{os.geteuid()}"
        self.id = server.home / "tokens/id"
        self.fickle = server.home / "tokens/fickle"

    def sign_in(self, provider: OidcProvider, person: str, name: str = "idp") -> None:
        login = self.kernel.begin(name, force=True)
        browser = self.server.browser()
        browser.arrive(provider.login(browser.open(login), person))

    def sign_out(self, name: str) -> None:
        self.kernel.call("DELETE", f"accounts?provider={name}&revoke=0")


def text(path: Path) -> str:
    """What is in the file, once it is there."""
    until(path.exists)
    return path.read_text()
