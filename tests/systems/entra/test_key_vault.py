"""Azure's own client of key vaults, with a credential of Entra."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from azure.identity import AuthorizationCodeCredential
from azure.keyvault.secrets import SecretClient

from jupyter_auth import AuthError, LoginRequired, UserSession, credential, token
from patience import PATIENCE
from providers.presets.entra import GRAPH, GRAPH_HOST, LOGIN, SECRET, VAULT, VAULT_HOST

AT = f"https://{VAULT_HOST}/secrets/answer/?api-version=7.5"


@pytest.fixture
def vault():
    """``vault(credential)``: its value of a secret."""

    def read(credential) -> str:
        with SecretClient(f"https://{VAULT_HOST}", credential) as client:
            return client.get_secret("answer").value

    return read


def tokens_at_the_vault(entra) -> set[str]:
    """The resources of the tokens that it got; its client asks without one first."""
    sent = {each.bearer for each in entra.seen(VAULT_HOST)} - {""}
    return {entra.resource_of(each) for each in sent}


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
    assert tokens_at_the_vault(entra) == {VAULT}


@pytest.fixture
def microsoft(home, entra):
    """All that a person writes down for the preset: the registration of their organisation."""
    file = home / "jupyter_auth" / "providers.toml"
    file.parent.mkdir(parents=True)
    file.write_text(f'[microsoft]\nclient_id = "{entra.client_id}"\n')
    return "microsoft"


@pytest.fixture
def consented(microsoft, links):  # noqa: ARG001
    """The person has signed in for the vault, at a session of theirs."""
    with UserSession(microsoft, resource=VAULT, interactive=True, timeout=PATIENCE) as session:
        yield session


def test_a_vault_by_the_account(consented, microsoft, entra, vault, links):  # noqa: ARG001
    assert vault(credential(microsoft)) == SECRET
    assert len(links) == 1
    assert tokens_at_the_vault(entra) == {VAULT}


def test_graph_by_the_same_account(consented, microsoft, entra, vault, links):  # noqa: ARG001
    assert vault(credential(microsoft)) == SECRET
    with UserSession(microsoft, interactive=False) as graph:
        assert graph.get("me").json()["userPrincipalName"] == entra.username
    assert credential(microsoft).get_token(f"{GRAPH}/.default").token == str(token(microsoft))
    assert {entra.resource_of(each.bearer) for each in entra.seen(GRAPH_HOST)} == {GRAPH}
    assert len(links) == 1


def test_expired_tokens_of_both(consented, microsoft, entra, links):
    with UserSession(microsoft, interactive=False) as graph:
        entra.expire()
        assert consented.get(AT).json()["value"] == SECRET
        assert graph.get("me").ok
    assert len(links) == 1
    assert len(entra.refreshes) == 3  # the first is Graph's, for who signed in


def test_a_vault_without_consent_costs_no_account(microsoft, entra, vault, links):
    with UserSession(microsoft, interactive=True, timeout=PATIENCE) as graph:
        with pytest.raises(AuthError) as refused:
            vault(credential(microsoft))
        assert VAULT in f"{refused.value} {refused.value.hint}"
        entra.expire()
        assert graph.get("me").ok
    assert len(links) == 1


def test_claims_that_a_vault_demands(consented, microsoft, entra, vault, links):  # noqa: ARG001
    entra.challenge = '{"access_token":{"nbf":{"essential":true,"value":"1796083200"}}}'
    assert vault(credential(microsoft)) == SECRET
    assert len(links) == 1
    assert json.loads(entra.refreshes[-1]["claims"]) == json.loads(entra.challenge)


def test_claims_for_which_the_person_is_needed(consented, microsoft, entra, vault, links):
    entra.challenge = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
    entra.silent = False
    with pytest.raises(LoginRequired):
        vault(credential(microsoft))
    assert consented.get(AT).json()["value"] == SECRET
    assert len(links) == 2
    assert vault(credential(microsoft)) == SECRET
