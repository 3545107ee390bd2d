"""How requests name an API, by ``resource_parameter``."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from core.sign_in import REDIRECT_URI, USER, provider_at, sign_in
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.login.login_store import LoginPurpose, StoredLogin
from jupyter_auth.core.models import AccountKey, Login, LoginRequest
from jupyter_auth.core.provider.resources import of_scope
from jupyter_auth.core.tokens.need import Need
from jupyter_auth.core.tokens.store import decoded, encoded
from jupyter_auth.server.hub.storage.login_codec import packed, unpacked

OWN, OTHER = "https://own.example", "https://other.example"


@pytest.fixture
def engine(engines, rogue):
    """``engine(**fields)``: one whose provider has these."""
    made = engines(unrelated=rogue)

    def with_fields(**fields):
        given = {"resource": OWN, "resources": {OTHER: {"scopes": "other:read"}}}
        made.configure(provider_at(rogue, "two", **given | fields))
        return made

    return with_fields


def asked(engine, resource=""):
    """The parameters of an authorization request."""
    login = engine.begin(LoginRequest("two", resource=resource))
    url, _ = engine.open(login.id, REDIRECT_URI, USER)
    return parse_qs(urlsplit(url).query)


@pytest.mark.parametrize(
    ("by", "sent_for", "refresh"),
    [
        ("resource", [{"resource": [OWN, OTHER]}] * 2, {"resource": OTHER}),
        ("audience", [{"audience": [OWN]}, {"audience": [OTHER]}], {"audience": OTHER}),
        ("scope", [{}, {}], {"scope": "openid other:read"}),
    ],
)
def test_a_sign_in_and_a_refresh_name_it(engine, rogue, by, sent_for, refresh):
    engine = engine(resource_parameter=by, scopes="openid own:read")
    names = ("resource", "audience")
    for resource, expected in zip(("", OTHER), sent_for, strict=True):
        sent = asked(engine, resource)
        assert {name: sent[name] for name in names if name in sent} == expected
    sign_in(engine, rogue, "two")
    engine.token("two", need=Need(resource=OTHER))
    form = rogue.seen("refresh")[-1].form
    assert {name: form[name] for name in (*names, "scope") if name in form} == refresh


def test_by_scope_one_api_is_asked_for_at_a_time(engine):
    engine = engine(resource_parameter="scope", scopes="openid own:read offline_access")
    assert asked(engine)["scope"] == ["openid own:read offline_access"]
    assert asked(engine, f"{OTHER}/")["scope"] == ["openid offline_access other:read"]
    more = asked(engine, "https://more.example")["scope"]
    assert more == ["openid offline_access https://more.example/.default"]


def test_a_person_is_told_which_it_is_for(engine):
    engine = engine()
    more = "https://more.example"
    login = engine.begin(LoginRequest("two", resource=more))
    assert login.reason == f"This sign-in is for the API {more}"
    assert engine.begin(LoginRequest("two", resource=OWN)).reason == ""


def test_by_resource_all_that_are_listed_are_asked_for_at_once(engine):
    engine = engine(scopes="openid own:read")
    assert asked(engine)["scope"] == ["openid own:read other:read"]


def test_a_device_asks_for_them_too(engine, rogue):
    engine = engine(grants=["device_code"], scopes="openid")
    login = engine.begin(LoginRequest("two", resource=OTHER))
    engine.device.start(login.id, confirm_by=None)
    body = rogue.seen("device")[-1].body.decode()
    assert [value for name, value in parse_qsl(body) if name == "resource"] == [OWN, OTHER]


@pytest.mark.parametrize(
    ("scope", "resource"),
    [
        ("https://vault.azure.net/.default", "https://vault.azure.net"),
        ("https://database.windows.net//.default", "https://database.windows.net/"),
        ("api://app/access", "api://app"),
        ("2ff814a6/.default", "2ff814a6"),
        ("User.Read", ""),
        ("repo/read", ""),
    ],
)
def test_a_scope_may_name_one(scope, resource):
    assert of_scope(scope) == resource


MANY = {str(number): {} for number in range(21)}


@pytest.mark.parametrize("resources", [{"x": {"unknown": 1}}, {"x": 1}, [], MANY])
def test_a_wrong_table_is_said(rogue, resources):
    with pytest.raises(ConfigurationError, match="resources"):
        provider_at(rogue, "two", resources=resources)


def test_an_account_is_bound_to_where_each_token_goes(rogue):
    there = {OTHER: {"api_origins": "https://api.example"}}
    one, other = (provider_at(rogue, "two", resources=each) for each in (there, {OTHER: {}}))
    assert one.fingerprint != other.fingerprint
    assert one.reach != other.reach
    scopes = {OTHER: {"scopes": "more"}}
    assert provider_at(rogue, "two", resources=scopes).fingerprint == other.fingerprint


def test_they_are_stored_with_all_their_times(engine, rogue):
    engine = engine()
    account = sign_in(engine, rogue, "two", resource=OTHER)
    assert account.resources
    assert decoded(encoded(account)) == account
    assert json.loads(encoded(account))["resources"].keys() == {OTHER}
    purpose = LoginPurpose(key=AccountKey("two"), resource=OTHER)
    login = StoredLogin(purpose, Login(id="l", provider="two"), held=account)
    assert unpacked(packed({"l": login})) == {"l": login}
