"""Each request gets the token of the API that it goes to, and no API gets another's."""

from __future__ import annotations

import asyncio
import dataclasses
import pickle

import httpx
import pytest
import requests

from jupyter_auth import TokenAuth, UserSession, credential, httpx_auth, token
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.tokens.need import Need
from jupyter_auth.kernel.http.token_cache import CachedTokens
from jupyter_auth.kernel.http.warnings import AuthWarning
from kernel.echo_api import Api
from kernel.sign_in import sign_in
from providers.troubles import Reply


class PickyApi(Api):
    """An API that takes all tokens but those that it ``refuses``."""

    def __init__(self):
        super().__init__()
        self.refuses = set()
        self.url = f"{self.origin}/"

    @property
    def tokens(self):
        return [each.bearer for each in self.seen]

    def answer(self, request):
        return Reply.json({}, 401 if request.bearer in self.refuses else 200)


@pytest.fixture
def other():
    with PickyApi() as api:
        yield api


@pytest.fixture
def stranger():
    with PickyApi() as api:
        yield api


@pytest.fixture
def configured(configured, other):
    configured["idp"]["resources"] = {other.url: {}, "urn:example:third": {}}
    return configured


@pytest.fixture
def own(signed_in):
    """The token for the provider's own API."""
    return signed_in.token("idp").access_token.reveal()


@pytest.fixture
def its(signed_in, other):
    """The token for the other API."""
    return signed_in.token("idp", need=Need(resource=other.url)).access_token.reveal()


def by_session(url):
    UserSession("idp", interactive=False).get(url)


def by_auth(url):
    requests.get(url, auth=TokenAuth("idp"), timeout=60)


def by_unpickled_auth(url):
    requests.get(url, auth=pickle.loads(pickle.dumps(TokenAuth("idp"))), timeout=60)  # noqa: S301


def by_httpx(url):
    httpx.get(url, auth=httpx_auth("idp"), trust_env=False)


def by_httpx_on_a_loop(url):
    async def run():
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.get(url, auth=httpx_auth(UserSession("idp", interactive=False).auth))

    asyncio.run(run())


WAYS = [by_session, by_auth, by_unpickled_auth, by_httpx, by_httpx_on_a_loop]


@pytest.mark.usefixtures("kernel_api")
@pytest.mark.parametrize("way", WAYS)
def test_each_api_gets_its_own(way, rogue, other, own, its):
    way(f"{rogue.issuer}/api")
    way(f"{other.url}items")
    assert rogue.seen("api")[-1].bearer == own
    assert other.tokens == [its]
    assert its != own


@pytest.mark.usefixtures("kernel_api")
def test_however_its_identifier_is_written_and_said_by_explain(other, its):
    for written in (other.url.rstrip("/"), other.url.replace("http", "HTTP")):
        with UserSession("idp", resource=written, interactive=False) as session:
            explained = str(session.explain(session.get("")).text(colour=False))
            assert f"Its token is for {other.url}, with" in explained
    assert other.tokens == [its, its]


@pytest.mark.usefixtures("kernel_api")
def test_a_credential_has_the_token_of_the_api_that_a_scope_names(other, own, its):
    scopes = {f"{other.url}.default": its, f"{other.url}/.default": its, "openid": own}
    for scope, expected in scopes.items():
        assert credential("idp").get_token(scope).token == expected


@pytest.mark.usefixtures("kernel_api", "its")
@pytest.mark.parametrize("way", WAYS)
def test_a_stranger_gets_none(way, stranger):
    stranger.refuses = {""}
    with pytest.warns(AuthWarning):
        way(stranger.url)
    assert stranger.tokens == [""]


@pytest.mark.usefixtures("kernel_api")
def test_one_that_is_refused_is_renewed_for_that_api(other, own, its):
    other.refuses = {its}
    session = UserSession("idp", interactive=False)
    assert session.get(other.url).ok
    assert len(set(other.tokens)) == 2
    assert own not in other.tokens
    assert session.access_token == own


@pytest.mark.usefixtures("kernel_api")
def test_a_session_of_one_api_is_for_that_alone(rogue, other, own, its):
    session = UserSession("idp", resource=other.url, interactive=False)
    assert session.get("items").ok
    with pytest.warns(AuthWarning):
        session.get(f"{rogue.issuer}/api")
    assert rogue.seen("api")[-1].bearer == ""
    assert other.tokens == [its]
    assert session.access_token == its
    again = pickle.loads(pickle.dumps(session))  # noqa: S301
    assert again.get("items").ok
    assert other.tokens == [its, its]
    assert token("idp", resource=other.url.rstrip("/")) == its
    assert token("idp", resource="urn:example:third") not in {its, own}


@pytest.mark.usefixtures("kernel_api", "own")
def test_one_that_is_nowhere_gets_its_token_by_name_alone(rogue):
    session = UserSession("idp", resource="urn:example:third", interactive=False)
    with pytest.warns(AuthWarning):
        session.get(f"{rogue.issuer}/api")
    assert rogue.seen("api")[-1].bearer == ""
    assert session.access_token


@pytest.mark.usefixtures("kernel_api", "signed_in")
def test_what_can_name_no_api_is_said():
    with pytest.raises(ConfigurationError, match="an absolute URI without a fragment"):
        UserSession("idp", resource="vault", interactive=False)


def test_a_broker_that_knows_one_api_only_sends_its_token_nowhere(signed_in, other):
    """It would answer with that of the provider's own."""

    class Older:
        def __getattr__(self, name):
            return getattr(signed_in, name)

        def token(self, provider, session_key="default", _=None):
            return dataclasses.replace(signed_in.token(provider, session_key), resource="")

    tokens = CachedTokens(Older(), "idp").of(other.url)
    with pytest.raises(ConfigurationError, match="an older version"):
        tokens.token()


def test_another_persons_token_is_not_used_for_any_api(signed_in, rogue, other):
    tokens = CachedTokens(signed_in, "idp")
    tokens.token()
    signed_in.logout("idp")
    rogue.sub, rogue.username = "u-2", "eve"
    sign_in(signed_in, rogue, signed_in.begin(LoginRequest("idp")))
    with pytest.raises(AssertionError, match="belongs to another person"):
        tokens.of(other.url).token()
