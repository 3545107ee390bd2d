"""A person without a Jupyter server whose token is stored, and valid for long."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_auth.core.models import Account
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.tokens.store import FileStore

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN = "of-alice-71f0c5"


def store_token(env: Mapping[str, str], api: str) -> None:
    """Sign alice in at ``idp``, whose API is at that origin, for processes in ``env``."""
    config, data = (Path(env[f"XDG_{kind}_HOME"]) / "jupyter_auth" for kind in ("CONFIG", "DATA"))
    config.mkdir(parents=True, mode=0o700)
    file = config / "providers.toml"
    file.write_text(
        f'[idp]\nclient_id = "mine"\nbase_url = "{api}"\n'
        'endpoints.token_endpoint = "https://idp.example/token"\n'
        'endpoints.authorization_endpoint = "https://idp.example/authorize"\n'
    )
    account = Account(
        provider="idp",
        session_key="default",
        fingerprint=Providers(user_file=file).get("idp").fingerprint,
        access_token=Secret(TOKEN),
        refresh_token=Secret("refresh-of-alice"),
        issued_at=time.time(),
        expires_at=time.time() + 86400.0,
        username="alice",
        signed_in_at=time.time(),
    )
    with FileStore(data).locked(account.key) as slot:
        slot.save(account)
