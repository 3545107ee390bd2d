"""A provider that calls an API an ``audience``, as Auth0 does, from the sign-in to the answers."""

from __future__ import annotations

import json

import pytest

from jupyter_auth import UserSession
from jupyter_auth.core.models import LoginRequest
from kernel.sign_in import sign_in
from providers.protected_api import ProtectedAPI
from providers.rogue import RogueProvider


class AudienceProvider(RogueProvider):
    """Each token is for the ``audience`` that its request names, at first or in a refresh."""

    def __init__(self):
        super().__init__()
        self.scope = "openid offline_access"
        self.audiences = {}  # by access token
        self._asked = ""

    def _code_grant(self, form):
        _, self._asked = self._codes[form["code"]]
        return self._for(self._asked.get("audience"), super()._code_grant(form))

    def _refresh_grant(self, form):
        at = form.get("audience") or self._asked.get("audience")
        return self._for(at, super()._refresh_grant(form))

    def _for(self, audience, reply):
        self.audiences[json.loads(reply.body)["access_token"]] = audience
        return reply


@pytest.fixture
def provider():
    with AudienceProvider() as made:
        yield made


@pytest.fixture
def apis(provider):
    """The provider's own, and another one: each takes the tokens for it alone."""
    with ProtectedAPI() as own, ProtectedAPI(host="localhost") as other:
        for api in (own, other):
            api.takes = lambda token, api=api: provider.audiences.get(token) == api.address
        yield own, other


@pytest.fixture
def configured(provider, apis):
    own, other = apis
    table = {"issuer": provider.issuer, "client_id": provider.client_id, "base_url": own.address}
    table |= {"resource": own.address, "resource_parameter": "audience"}
    return {"idp": {**table, "scopes": "openid offline_access", "resources": {other.address: {}}}}


@pytest.mark.usefixtures("kernel_api")
def test_each_api_takes_the_token_that_it_gets(engine, provider, apis):
    assert sign_in(engine, provider, engine.begin(LoginRequest("idp"))).status == "complete"
    with UserSession("idp", interactive=False) as session:
        for _ in range(2):
            for api in apis:
                assert session.get(api.address).json() == {"hello": "world"}
        assert provider.refreshes == 1  # for the other API; both are kept
        for api in apis:  # what it refuses is renewed for the same API
            provider.audiences = {t: a for t, a in provider.audiences.items() if a != api.address}
            assert session.get(api.address).json() == {"hello": "world"}
    assert (provider.refreshes, provider.reuses) == (3, 0)
    assert not any("resource" in each.form for each in provider.seen("token"))
