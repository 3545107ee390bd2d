"""One sign-in at Entra, several of Azure's APIs: each gets its own token, and no other's."""

from __future__ import annotations

import pytest
from azure.keyvault.secrets import SecretClient

import jupyter_auth
from jupyter_auth import InsufficientScope, UserSession
from jupyter_auth.cli import main
from providers.presets.entra import GRAPH, GRAPH_HOST, SECRET, VAULT, VAULT_HOST

SECRETS = f"https://{VAULT_HOST}/secrets/answer"


@pytest.fixture(autouse=True)
def _client(entra, monkeypatch):
    monkeypatch.setenv("JUPYTER_AUTH_MICROSOFT_CLIENT_ID", entra.client_id)


@pytest.fixture
def session(links):
    """Its person is signed in to Graph."""
    session = UserSession("microsoft", interactive=True)
    assert len(links) == 1
    return session


def read(credential) -> str:
    with SecretClient(f"https://{VAULT_HOST}", credential) as client:
        return client.get_secret("answer").value


def sent(entra, host) -> set[str]:
    """Which API the tokens were for that arrived there; "" is none."""
    return {entra.resource_of(each.bearer) for each in entra.seen(host)}


def test_a_token_for_each_api(entra, session, links):
    assert session.get("me").json()["userPrincipalName"] == entra.username
    credential = jupyter_auth.credential("microsoft")
    with pytest.raises(InsufficientScope, match=f"no token for {VAULT}: .*consent") as caught:
        credential.get_token(f"{VAULT}/.default")
    assert f"jupyter auth login microsoft --resource {VAULT}" in str(caught.value)

    vault = UserSession("microsoft", resource=VAULT, interactive=True)  # once
    assert len(links) == 2
    assert vault.get(SECRETS).json()["value"] == SECRET
    assert read(credential) == SECRET
    assert session.get(SECRETS).json()["value"] == SECRET
    assert session.get("me").json()["userPrincipalName"] == entra.username
    assert entra.resource_of(credential.get_token(f"{GRAPH}/.default").token) == GRAPH
    assert entra.resource_of(jupyter_auth.token("microsoft", resource=VAULT)) == VAULT
    assert entra.resource_of(jupyter_auth.token("microsoft")) == GRAPH
    assert sent(entra, GRAPH_HOST) == {GRAPH}
    assert sent(entra, VAULT_HOST) - {""} == {VAULT}  # the SDK first asks what is wanted
    assert len(links) == 2


def test_expired_tokens_are_renewed_each_for_itself(entra, session, links):
    UserSession("microsoft", resource=VAULT, interactive=True)
    entra.expire()
    assert session.get(SECRETS).json()["value"] == SECRET
    assert session.get("me").ok
    scopes = [set(form["scope"].split()) for form in entra.refreshes[-2:]]
    assert [f"{VAULT}/.default" in each for each in scopes] == [True, False]
    assert all("offline_access" in each for each in scopes)
    assert len(links) == 2


def test_a_request_asks_for_the_sign_in_that_its_api_needs(entra, session, links):
    assert session.get(SECRETS).json()["value"] == SECRET
    assert len(links) == 2
    assert session.get("me").ok
    assert sent(entra, VAULT_HOST) == {VAULT}


@pytest.mark.usefixtures("session")
def test_the_command_line(entra, capsys):
    capsys.readouterr()
    assert main(["token", "microsoft", "--resource", VAULT]) == 1
    assert f"jupyter auth login microsoft --resource {VAULT}" in capsys.readouterr().err
    UserSession("microsoft", resource=f"{VAULT}/", interactive=True)
    assert main(["token", "microsoft", "--resource", VAULT]) == 0
    out = capsys.readouterr().out.splitlines()[-1]
    assert entra.resource_of(out) == VAULT


@pytest.mark.parametrize("scope", ["https://graph.microsoft.com/.default", "User.Read"])
@pytest.mark.usefixtures("session")
def test_the_own_api_by_its_scopes(entra, scope):
    assert entra.resource_of(jupyter_auth.credential("microsoft").get_token(scope).token) == GRAPH
