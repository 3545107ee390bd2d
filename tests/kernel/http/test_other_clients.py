"""``credential``: the account's token as azure-core asks for it, by azure-core itself."""

from __future__ import annotations

import base64
import time

import pytest
from azure.core import PipelineClient
from azure.core.credentials import SupportsTokenInfo, TokenCredential
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.rest import HttpRequest

from jupyter_auth import credential
from jupyter_auth.core.errors import InsufficientScope, LoginRequired
from jupyter_auth.core.models import LoginRequest, Token
from jupyter_auth.core.secret import Secret
from jupyter_auth.kernel.broker.connect import connect
from jupyter_auth.kernel.http.other_clients import AccountCredential
from kernel.http.planted_token import PLANTED
from kernel.sign_in import sign_in
from providers import certificates
from providers.rogue import RogueProvider
from providers.troubles import Reply


@pytest.fixture
def rogue(tmp_path):
    """As everywhere, and over TLS: azure-core sends a token nowhere else."""
    with RogueProvider(certificate=certificates.make(tmp_path)) as provider:
        yield provider


@pytest.fixture
def configured(configured, tmp_path):
    configured["idp"] |= {"ca_bundle": str(tmp_path / "ca.pem"), "scopes": ["openid", "read"]}
    return configured


@pytest.fixture
def rosas(kernel_api, signed_in):  # noqa: ARG001
    return credential("idp")


@pytest.fixture
def ask(rosas, rogue, tmp_path):
    """A request by the pipeline that every Azure SDK is made of."""
    policy = BearerTokenCredentialPolicy(rosas, "read")
    with PipelineClient(rogue.issuer, policies=[policy]) as client:
        yield lambda: client.send_request(
            HttpRequest("GET", f"{rogue.issuer}/api/x"), connection_verify=str(tmp_path / "ca.pem")
        )


def test_it_is_a_credential_of_azure_core(rosas):
    assert isinstance(rosas, TokenCredential)
    assert isinstance(rosas, SupportsTokenInfo)
    with rosas as entered:
        assert entered is rosas


def test_a_pipeline_sends_the_token(ask, rogue):
    assert ask().json()["sub"] == "u-2001"
    assert rogue.seen("api")[0].bearer == connect().token("idp").access_token.reveal()


def test_claims_that_an_api_asks_for_bring_another_token(ask, rogue):
    claims = base64.urlsafe_b64encode(b'{"access_token": {}}').decode()
    challenge = f'Bearer error="insufficient_claims", claims="{claims}"'
    rogue.script("api", lambda _: Reply(401, headers={"WWW-Authenticate": challenge}), times=1)
    assert ask().status_code == 200
    assert rogue.refreshes == 1
    assert len({each.bearer for each in rogue.seen("api")}) == 2


def test_when_it_ends_is_in_whole_seconds_utc(rosas):
    token, expires_on = rosas.get_token("read", claims=None, tenant_id=None, enable_cae=False)
    account = connect().token("idp")
    assert token == account.access_token.reveal()
    assert expires_on == int(account.expires_at)
    info = rosas.get_token_info("read", options={})
    assert (info.token, info.expires_on, info.token_type) == (token, expires_on, "Bearer")
    assert info.refresh_on == int(account.refresh_at)
    assert {type(each) for each in (expires_on, info.refresh_on)} == {int}


class Endless:
    """A token that names no lifetime."""

    def token(self, min_valid=0.0):  # noqa: ARG002
        return Token(access_token=Secret(PLANTED), headers={})


def test_one_that_names_no_end_is_asked_for_again_in_an_hour():
    before = int(time.time())
    info = AccountCredential(Endless()).get_token_info("whatever")
    assert before + 3600 <= info.expires_on <= time.time() + 3600
    assert info.refresh_on is None


def test_scopes_that_were_not_granted_are_said(rosas):
    with pytest.raises(InsufficientScope, match="lacks the scopes write") as caught:
        rosas.get_token("read", "write")
    assert caught.value.scopes == ("write",)
    assert rosas.get_token("https://api.example.com/.default").token  # whatever is granted


def test_nobody_is_asked_to_sign_in(kernel_api, engine):  # noqa: ARG001
    with pytest.raises(LoginRequired):
        credential("idp").get_token("read")
    assert engine.logins() == []


def test_nothing_shows_the_token(rosas):
    secret = connect().token("idp").access_token.reveal()
    found = [rosas.get_token("read"), rosas.get_token_info("read")]
    assert [each.token for each in found] == [secret, secret]
    assert not any(secret in repr(each) for each in [*found, rosas, vars(rosas)])


def test_an_account_is_chosen_by_its_key(kernel_api, signed_in, rogue):  # noqa: ARG001
    rogue.sub = "u-other"
    sign_in(signed_in, rogue, signed_in.begin(LoginRequest("idp", "second")))
    tokens = {credential("idp", key).get_token().token for key in ("default", "second")}
    assert len(tokens) == 2
