"""The Hub's service has its secrets in files (SECURITY 14)."""

from __future__ import annotations

import json

import pytest
from traitlets.config import Config

import jupyter_auth
from hub.hubs import KEYS
from jupyter_auth.core.secret import Secret
from jupyter_auth.server.hub.service import HubService

IDP = {"issuer": "https://idp.example", "client_id": "x", "grants": ["password"]}


@pytest.fixture
def files(tmp_path):
    """What they say, by the variable that would hold it."""
    secrets = {
        "JUPYTER_AUTH_DATABASE_URL": f"sqlite:///{tmp_path / 'accounts.sqlite'}",
        "JUPYTER_AUTH_CRYPT_KEYS": KEYS,
        "JUPYTER_AUTH_PROVIDERS": json.dumps({"idp": IDP}),
        "JUPYTER_AUTH_IDP_CLIENT_SECRET": "s3cret",
        "JUPYTER_AUTH_IDP_PASSWORD": "one-persons",
    }
    place = tmp_path / "credentials"
    place.mkdir(mode=0o700)
    for name, secret in secrets.items():
        (place / name).touch(mode=0o600)
        (place / name).write_text(f"{secret}\n")
    return place


@pytest.mark.parametrize("how", ["files", "credentials"])
def test_all_that_is_secret_can_be_in_a_file(files, monkeypatch, how):
    named = {f"{each.name}_FILE": str(each) for each in files.iterdir()}
    given = named if how == "files" else {"CREDENTIALS_DIRECTORY": str(files)}
    hub = {
        "JUPYTERHUB_API_TOKEN": "t",
        "JUPYTERHUB_SERVICE_PREFIX": "/services/jupyter-auth/",
        "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:10201",
    }
    environ = hub | given | {"JUPYTER_AUTH_IDP_USERNAME": "rosa"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    service = HubService(environ)
    assert service.providers.get("idp").client_secret == Secret("s3cret")
    assert service.providers.password("idp") is None  # it would sign everybody in as rosa
    assert service.cipher.open("x", service.cipher.seal("x", b"y")) == b"y"
    service.brokers.close()
    service.database.close()


def test_hub_config_hands_on_what_says_where_they_are(monkeypatch):
    given = {
        "JUPYTER_AUTH_DATABASE_URL_FILE": "/run/secrets/database",
        "JUPYTER_AUTH_CRYPT_KEYS_FILE": "/run/secrets/keys",
        "JUPYTER_AUTH_IDP_CLIENT_SECRET_FILE": "/run/secrets/idp",
        "CREDENTIALS_DIRECTORY": "/run/credentials/jupyterhub.service",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    c = Config()
    jupyter_auth.hub_config(c, {"idp": IDP})
    (service,) = c.JupyterHub.services
    assert given.items() <= service["environment"].items()
    assert "/run/secrets" not in str(c.Spawner)
    c = Config()
    jupyter_auth.hub_config(c, {"idp": IDP}, crypt_keys=KEYS)
    (service,) = c.JupyterHub.services
    assert "JUPYTER_AUTH_CRYPT_KEYS_FILE" not in service["environment"]
