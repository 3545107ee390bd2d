"""4insight's service accounts, row by row of what is known of them, and beside the package that
its users have today: ``fourinsight-api`` says the same on the wire, but for what is listed here.
"""

from __future__ import annotations

import warnings

import pytest
import requests

import jupyter_auth
from jupyter_auth import ClientSession
from jupyter_auth.core.errors import ConfigurationError, LoginRequired
from jupyter_auth.core.provider.registry import Providers
from providers.presets.fourinsight import SCOPE, TOKEN_PATH, FourInsight
from systems.presets import preset_at

with warnings.catch_warnings():  # it reads its constants in a way of old
    warnings.simplefilter("ignore")
    from fourinsight.api import authenticate as theirs

ID, SECRET = FourInsight.client_id, FourInsight.client_secret
ENVIRON = {
    "JUPYTER_AUTH_4INSIGHT_CLIENT_ID": ID,
    "JUPYTER_AUTH_4INSIGHT_CLIENT_SECRET": SECRET,
}

# Headers in which a request of ours differs on purpose, and why.
DIFFERENCES = {
    "user-agent": "names this package",
    "authorization": "another token, of the same kind",
    "content-length": "the order and the encoding of the same fields",
}


@pytest.fixture
def fourinsight():
    with FourInsight() as server:
        yield server


@pytest.fixture
def table(fourinsight):
    """The preset, at the server of the test."""
    moved = ("https://login.microsoftonline.com", "https://api.4insight.io")
    return preset_at("4insight", dict.fromkeys(moved, fourinsight.origin))


@pytest.fixture
def session(broker, table):
    broker({"4insight": table}, ENVIRON)
    with ClientSession(provider="4insight") as made:
        yield made


@pytest.fixture
def package(fourinsight, monkeypatch):
    """``fourinsight.api`` as it is published, but for the addresses, and http to this machine."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    constants = {
        "API_BASE_URL": f"{fourinsight.origin}/",
        "CLIENT_TOKEN_URL": fourinsight.origin + TOKEN_PATH,
    }
    monkeypatch.setattr(theirs, "_CONSTANTS", theirs._CONSTANTS | constants)
    return theirs


# -- the rows of the table -----------------------------------------------------------------------


def test_flow_client_credentials(broker, table):
    broker({"4insight": table})
    session = ClientSession(ID, SECRET, provider="4insight")  # as in their documents, and a name
    assert session.get("v1.0/Campaigns").json()["value"] == [1]


def test_client_auth_in_the_body(session, fourinsight):  # noqa: ARG001
    (asked,) = fourinsight.seen(TOKEN_PATH)
    assert asked.form["client_id"] == ID
    assert asked.form["client_secret"] == SECRET
    assert "authorization" not in asked.headers
    assert asked.query == {}


def test_token_url_fixed():
    service = Providers(environ=ENVIRON).service("4insight")
    assert service.endpoints.token_endpoint == theirs._CONSTANTS["CLIENT_TOKEN_URL"]
    assert service.base_url == theirs._CONSTANTS["API_BASE_URL"]
    assert list(service.scopes) == theirs._CONSTANTS["CLIENT_SCOPE"] == [SCOPE]


def test_extra_params_none(session, fourinsight):  # noqa: ARG001
    (asked,) = fourinsight.seen(TOKEN_PATH)
    assert set(asked.form) == {"grant_type", "client_id", "client_secret", "scope"}


def test_api_header_bearer(session, fourinsight):
    session.get("v1.0/Campaigns")
    (call,) = fourinsight.seen("/v1.0")
    assert call.bearer == session.access_token


def test_refresh_is_another_issue(session, fourinsight):
    before = str(session.access_token)
    fourinsight.expire()
    assert session.get("v1.0/Campaigns").ok
    assert str(session.access_token) != before
    first, second = fourinsight.seen(TOKEN_PATH)
    assert first.form == second.form


def test_revoke_none(session, fourinsight):
    outcome = session.logout()
    assert outcome.removed
    assert "4insight does not support revocation" in outcome.note
    assert len(fourinsight.requests) == 1
    with pytest.raises(LoginRequired):
        session.get("v1.0/Campaigns")


def test_kept_under_nothing(session, tmp_path):
    token = str(session.access_token).encode()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if token in path.read_bytes()]


def test_leeway_ours(session):
    held = session._account.tokens.held
    assert held.expires_at - held.refresh_at == 60


def test_a_wrong_secret_says_so(broker, table):
    broker({"4insight": table})
    with pytest.raises(ConfigurationError, match="AADSTS7000215") as caught:
        ClientSession(ID, "wrong", provider="4insight")
    assert "client_secret" in caught.value.hint


def test_the_package_has_a_persons_client_secret_and_we_read_it_there():
    """``credentials_from``: it is not in our preset, and never that of a service account."""
    provider = Providers().get("4insight")
    assert provider.client_id == theirs._CONSTANTS["USER_CLIENT_ID"]
    assert provider.client_secret.reveal() == theirs._CONSTANTS["USER_CLIENT_SECRET"]
    assert provider.as_service().scopes == (SCOPE,)
    other = Providers({"4insight": {"client_id": "my-own-registration"}}).get("4insight")
    assert other.client_secret is None


def test_without_a_service_s_own_secret_the_persons_is_not_sent(broker, table, fourinsight):
    """The package is here, with the secret of the application for people."""
    for provider in ("4insight", jupyter_auth.provider("4insight", ca_bundle=None)):
        broker({"4insight": table})
        with pytest.raises(ConfigurationError, match="No client secret of a service") as caught:
            ClientSession(provider=provider)
        assert all(name in caught.value.hint for name in ENVIRON)
    with pytest.raises(ConfigurationError, match="No client secret of my-service was found"):
        ClientSession("my-service", provider="4insight")
    assert fourinsight.requests == []


def test_another_client_in_code_has_no_part_of_the_packages_secret():
    own = jupyter_auth.provider("4insight", client_id="my-own-registration")
    assert (own.client_secret, own.credentials_from) == (None, None)
    same = jupyter_auth.provider("4insight", title="Ours")
    assert same.client_secret.reveal() == theirs._CONSTANTS["USER_CLIENT_SECRET"]


def test_attributes_that_sessions_of_requests_oauthlib_have(session, package):
    other = package.ClientSession(ID, SECRET)
    assert session.authorized is other.authorized is True
    assert session.client_id == other.client_id == ID


# -- beside their package ------------------------------------------------------------------------


def test_the_same_requests_as_their_package(session, package, fourinsight):
    ours, fourinsight.requests = fourinsight.requests, []
    list(session.get_pages("v1.0/Campaigns", params={"$top": 1}))
    session.post(f"{fourinsight.origin}/v1.0/Campaigns", json={"name": "x"})
    ours, fourinsight.requests = ours + fourinsight.requests, []
    their_session = package.ClientSession(ID, SECRET)
    list(their_session.get_pages(f"{fourinsight.origin}/v1.0/Campaigns", params={"$top": 1}))
    their_session.post(f"{fourinsight.origin}/v1.0/Campaigns", json={"name": "x"})
    assert len(ours) == len(fourinsight.requests) == 5
    for mine, other in zip(ours, fourinsight.requests, strict=True):
        assert (mine.method, mine.path, mine.query) == (other.method, other.path, other.query)
        same = mine.path != TOKEN_PATH
        assert (mine.body == other.body) if same else (mine.form == other.form)
        left = mine.headers.keys() ^ other.headers.keys()
        assert left <= DIFFERENCES.keys()
        changed = {n for n in mine.headers if mine.headers[n] != other.headers.get(n)}
        assert changed <= DIFFERENCES.keys()


def test_each_of_their_sessions_asks_for_a_token_ours_share_one(session, package, fourinsight):
    ClientSession(provider="4insight")
    assert len(fourinsight.seen(TOKEN_PATH)) == 1
    package.ClientSession(ID, SECRET)
    package.ClientSession(ID, SECRET)
    assert len(fourinsight.seen(TOKEN_PATH)) == 3
    assert session.authenticated


def test_their_token_goes_to_any_host_ours_does_not(session, package, fourinsight):
    with FourInsight() as other:
        package.ClientSession(ID, SECRET).get(f"{other.origin}/v1.0/x")
        assert other.requests.pop().bearer
        with pytest.warns(UserWarning, match="did not get the token"):
            session.get(f"{other.origin}/v1.0/x")
        assert not other.requests.pop().bearer
    assert isinstance(session, requests.Session)
    assert fourinsight.seen(TOKEN_PATH)
