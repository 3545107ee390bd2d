"""The real provider's clients that registered themselves, and its tokens for several APIs."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from providers import certificates
from providers.by_hand import REDIRECT_URI, VERIFIER, answer, authorization_url, exchange, refresh
from providers.oidc import OidcProvider
from providers.person import LoginRefused
from providers.sockets import SocketServer
from providers.troubles import Reply

CLIENT = {
    "redirect_uris": [REDIRECT_URI],
    "grant_types": ["authorization_code", "refresh_token"],
    "application_type": "native",
    "token_endpoint_auth_method": "none",
}


class Known:
    """A provider with one of its clients, as what the helpers take."""

    def __init__(self, provider: OidcProvider, client_id: str) -> None:
        self.issuer, self.client_id = provider.issuer, client_id


def register(oidc: OidcProvider, **changes: Any) -> dict[str, Any]:
    response = requests.post(f"{oidc.issuer}/reg", json=CLIENT | changes)
    assert response.status_code == 201, response.text
    return response.json()


def test_a_client_registers_itself_and_is_forgotten(oidc):
    client = Known(oidc, register(oidc)["client_id"])
    code = answer(oidc.login(authorization_url(client)))["code"]
    tokens = exchange(client, code).json()
    oidc.forget_clients()
    assert refresh(client, tokens).json()["error"] == "invalid_client"
    with pytest.raises(LoginRefused, match="invalid_client"):
        oidc.login(authorization_url(client))
    assert "code" in answer(oidc.login(authorization_url(oidc)))


def test_registration_can_be_managed_or_off():
    with OidcProvider(features={"registrationManagement": {"enabled": True}}) as managed:
        told = register(managed)
        own = {"Authorization": f"Bearer {told['registration_access_token']}"}
        assert requests.get(told["registration_client_uri"], headers=own).ok
        managed.forget_clients()
        assert requests.get(told["registration_client_uri"], headers=own).status_code == 401
    with OidcProvider(features={"registration": {"enabled": False}}) as closed:
        metadata = requests.get(f"{closed.issuer}/.well-known/openid-configuration").json()
        assert "registration_endpoint" not in metadata


def test_a_document_is_a_client(tmp_path):
    certificate = certificates.make(tmp_path)
    published = SocketServer(lambda _: Reply.json(document), certificate.context())
    url = f"https://localhost:{published.port}/client.json"
    document = CLIENT | {"client_id": url, "client_name": "Notebooks"}
    published.start()
    asked = {"clientIdMetadataDocument": {"enabled": True}}
    with OidcProvider(features=asked, trusts=certificate.ca_bundle) as oidc:
        client = Known(oidc, url)
        code = answer(oidc.login(authorization_url(client)))["code"]
        assert "access_token" in exchange(client, code).json()
        document["redirect_uris"] = ["http://127.0.0.1/elsewhere"]
        with pytest.raises(LoginRefused, match="redirect_uri"):
            oidc.login(authorization_url(client))
        document["client_id"] = "https://elsewhere.example/client.json"
        with pytest.raises(LoginRefused, match="client_id"):
            oidc.login(authorization_url(client))
    published.stop()


def test_one_sign_in_has_tokens_for_two_apis(oidc):
    apis = ["https://one.example/mcp", "https://two.example/mcp"]
    for each in apis:
        oidc.add_resource(each)
    keys = KeySet.import_key_set(requests.get(f"{oidc.issuer}/jwks").json())
    url = authorization_url(oidc, scope="openid offline_access api:read", prompt="consent")
    code = answer(oidc.login("&resource=".join([url, *apis])))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
    form |= {"client_id": oidc.client_id, "code_verifier": VERIFIER, "resource": apis[0]}
    tokens = requests.post(f"{oidc.issuer}/token", data=form).json()
    assert jwt.decode(tokens["access_token"], keys).claims["aud"] == apis[0]
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    form |= {"client_id": oidc.client_id, "resource": apis[1]}
    other = requests.post(f"{oidc.issuer}/token", data=form).json()
    assert jwt.decode(other["access_token"], keys).claims["aud"] == apis[1]
    form |= {"refresh_token": other["refresh_token"], "resource": "https://unknown.example"}
    refused = requests.post(f"{oidc.issuer}/token", data=form).json()
    assert refused["error"] == "invalid_target"
