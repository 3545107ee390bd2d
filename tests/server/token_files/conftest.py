"""A Jupyter server that keeps files for two accounts, one of a provider that goes away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from patience import until
from providers.oidc import OidcProvider
from server.jupyter_process import JupyterProcess
from server.token_files.keeping import Keeping

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="package")
def fickle() -> Iterator[OidcProvider]:
    """A provider that tests stop, and start again."""
    with OidcProvider() as provider:
        uri = "http://127.0.0.1/base/jupyter-auth/callback/fickle"
        provider.add_client(provider.client_id, uri)
        yield provider


@pytest.fixture(scope="package")
def _jupyter(
    oidc: OidcProvider, fickle: OidcProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[JupyterProcess]:
    home = tmp_path_factory.mktemp("files")
    scopes = ["openid", "profile", "offline_access"]
    tables = {"idp": oidc, "fickle": fickle}
    providers = {
        name: {"issuer": each.issuer, "client_id": each.client_id, "scopes": scopes}
        for name, each in tables.items()
    }
    aws = {"path": str(home / "tokens/id"), "token": "id_token", "variable": "AWS_FILE"}
    files = {"idp": [True, aws], "fickle": str(home / "tokens/fickle")}
    server = JupyterProcess(home, providers=providers, token_files=files)
    (home / "run").mkdir(mode=0o700)
    server.variables = {"XDG_RUNTIME_DIR": str(home / "run")}
    with server:
        yield server


@pytest.fixture
def keeping(_jupyter: JupyterProcess) -> Iterator[Keeping]:
    """It, with nobody signed in before and after."""
    found = Keeping(_jupyter)
    yield found
    for name in ("idp", "fickle"):
        found.sign_out(name)
    until(lambda: not any(path.exists() for path in (found.access, found.id, found.fickle)))
