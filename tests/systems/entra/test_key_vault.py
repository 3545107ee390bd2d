"""Azure's own client of key vaults, with a credential of Entra."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from azure.identity import AuthorizationCodeCredential
from azure.keyvault.secrets import SecretClient

from patience import PATIENCE
from providers.presets.entra import LOGIN, SECRET, VAULT, VAULT_HOST


@pytest.fixture
def vault():
    """``vault(credential)``: its value of a secret."""

    def read(credential) -> str:
        with SecretClient(f"https://{VAULT_HOST}", credential) as client:
            return client.get_secret("answer").value

    return read


def test_what_a_credential_of_azure_gets(entra, vault):
    back = "http://localhost:8400/"
    asked = {"client_id": entra.client_id, "redirect_uri": back, "state": "x"}
    asked["scope"] = f"User.Read {VAULT}/.default offline_access"
    at = f"https://{LOGIN}/common/oauth2/v2.0/authorize"
    answer = requests.get(at, params=asked, allow_redirects=False, timeout=PATIENCE)
    code = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))["code"]
    credential = AuthorizationCodeCredential(
        "common", entra.client_id, code, back, disable_instance_discovery=True
    )
    assert vault(credential) == SECRET
    sent = [each.bearer for each in entra.seen(VAULT_HOST)]
    assert [entra.resource_of(each) for each in sent] == ["", VAULT]
