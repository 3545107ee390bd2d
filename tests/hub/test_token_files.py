"""Token files of a user's server: `hub_config` names them, the service gives the tokens."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from hub.service_client import signed_in
from jupyter_auth.core.secret import Secret
from jupyter_auth.server.broker.redirect.hub import HubRedirect
from jupyter_auth.server.forward import RemoteBroker
from jupyter_auth.server.token_files.kept import TokenFiles
from jupyter_auth.server.token_files.settings import VARIABLE, read_token_files
from patience import until

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from hub.hub_process import Hub
    from providers.oidc import OidcProvider


def test_a_users_server_keeps_one_by_the_service(
    served: Hub, oidc: OidcProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = signed_in(served, oidc, "carol")
    environment = served.server("carol").environment
    path = tmp_path / "tokens/access"
    told = {VARIABLE: json.dumps({"idp": {"path": str(path), "variable": "BEARER_TOKEN_FILE"}})}
    monkeypatch.setenv("BEARER_TOKEN_FILE", "")
    for name, each in environment.items():
        if name.startswith("JUPYTERHUB_"):
            monkeypatch.setenv(name, each)

    async def keep() -> None:
        key = Secret(environment["JUPYTERHUB_API_TOKEN"])
        broker = RemoteBroker(environment["JUPYTER_AUTH_URL"], HubRedirect.of(), key)
        files = TokenFiles(read_token_files(None, told, []), broker)  # type: ignore[arg-type]
        files.start()
        try:
            await asyncio.to_thread(until, path.exists)
            token = await asyncio.to_thread(kernel.token)
            assert path.read_text() == token["access_token"]
            await asyncio.to_thread(kernel.call, "DELETE", "accounts?provider=idp")
            await asyncio.to_thread(until, lambda: not path.exists())
        finally:
            files.close()
            broker.close()

    asyncio.run(keep())
