"""Service accounts at a certified provider (npm ``oidc-provider``), known by its issuer alone."""

from __future__ import annotations

import base64
import json

import pytest

from jupyter_auth import ClientSession, Provider, Service
from jupyter_auth.core.errors import ConfigurationError, ProviderError


@pytest.fixture
def table(oidc):
    credentials = {"client_id": oidc.service_id, "client_secret": oidc.service_secret}
    return {"issuer": oidc.issuer, "service": credentials, "base_url": oidc.issuer}


@pytest.fixture
def provider(table):
    """The same, made in code."""

    def make(**fields):
        service = Service(**(table["service"] | fields))
        return Provider(name="nightly", **(table | {"service": service}))

    return make


def test_the_issuer_is_all_it_takes(broker, table, oidc):
    broker({"nightly": table})
    session = ClientSession(provider="nightly")
    found = oidc.introspect(str(session.access_token))
    assert (found["active"], found["kind"]) == (True, "ClientCredentials")
    assert oidc.events("grant.success", grant_type="client_credentials", client_id=oidc.service_id)


@pytest.mark.parametrize("format_", ["api", "jwt"])
def test_resource_indicators(oidc, provider, format_, home):  # noqa: ARG001
    """RFC 8707: the API that the token is for is one more parameter."""
    resource = f"{oidc.issuer}/{format_}"
    session = ClientSession(
        provider=provider(token_params={"resource": resource}, scopes="api:read")
    )
    assert session.scopes == ("api:read",)
    token = str(session.access_token)
    if format_ == "jwt":  # RFC 9068
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        assert claims["aud"] == resource
    else:
        assert oidc.introspect(token)["active"]


def test_a_resource_that_is_not_known(oidc, provider, home):  # noqa: ARG001
    with pytest.raises(ProviderError, match="invalid_target"):
        ClientSession(provider=provider(token_params={"resource": f"{oidc.issuer}/other"}))


def test_a_token_that_ended_there_is_replaced(broker, table, oidc):
    broker({"nightly": table})
    session = ClientSession(provider="nightly")
    before = str(session.access_token)
    oidc.expire()
    session.get("/me")  # a resource of the provider's that takes no such token at all: 401
    assert str(session.access_token) != before


def test_revoked_when_signed_out(broker, table, oidc):
    broker({"nightly": table})
    session = ClientSession(provider="nightly")
    token = str(session.access_token)
    assert session.logout().revoked
    assert not oidc.introspect(token)["active"]


def test_a_wrong_secret(oidc, home):  # noqa: ARG001
    wrong = Provider(name="nightly", issuer=oidc.issuer)
    with pytest.raises(ConfigurationError, match="invalid_client"):
        ClientSession(oidc.service_id, "wrong", provider=wrong)


def test_a_client_that_is_registered_for_people(oidc, home):  # noqa: ARG001
    people = Provider(name="people", issuer=oidc.issuer)
    with pytest.raises(ProviderError, match="grant type is not allowed for this client"):
        ClientSession(oidc.confidential_id, oidc.client_secret, provider=people)
