"""Tokens for several APIs in one response, each with a refresh token of its own, as at Globus."""

from __future__ import annotations

import pytest

from core.sign_in import account_of, provider_at, sign_in
from jupyter_auth.core.errors import InsufficientScope, LoginRequired
from jupyter_auth.core.tokens.need import Need
from providers import troubles

TRANSFER, GROUPS = "https://transfer.example", "https://groups.example"
LISTED = {"other_tokens": {"list": "other_tokens", "name": "resource_server"}}
NAMES = {TRANSFER: {"token_name": "transfer", "scopes": "transfer:all"}}
NAMES |= {GROUPS: {"token_name": "groups"}}


def other(name, **fields):
    given = {"resource_server": name, "access_token": f"at-{name}", "token_type": "Bearer"}
    given |= {"refresh_token": f"rt-{name}", "scope": f"{name}:all", "expires_in": 3600}
    return given | fields


@pytest.fixture
def engine(engines, rogue):
    engine = engines(unrelated=rogue)
    engine.configure(provider_at(rogue, "two", resources=NAMES, scopes="openid", **LISTED))
    return engine


def test_each_is_kept_and_renewed_by_itself(engine, rogue, clock):
    others = [other("transfer"), other("unknown"), {"resource_server": "groups"}, "no table", None]
    rogue.script("token", troubles.fields(resource_server="auth", other_tokens=others), times=1)
    account = sign_in(engine, rogue, "two")
    assert "resource=" not in rogue.seen("authorize")[-1].target
    assert [*account.resources] == [TRANSFER]
    token = engine.token("two", need=Need(resource=TRANSFER))
    assert (token.access_token.reveal(), token.scopes) == ("at-transfer", ("transfer:all",))
    assert engine.token("two").access_token == account.access_token
    with pytest.raises(InsufficientScope, match=f"no token for {GROUPS}"):
        engine.token("two", need=Need(resource=GROUPS))
    assert rogue.seen("refresh") == []

    clock.advance(3600)
    given = other("transfer", access_token="at-next", refresh_token="rt-next")
    rogue.script("refresh", troubles.json_value(given))
    renewed = engine.token("two", need=Need(resource=TRANSFER))
    sent = rogue.seen("refresh")[-1].form
    assert sent["refresh_token"] == "rt-transfer"
    assert not {"resource", "scope"} & sent.keys()
    fresh = account_of(engine, "two")
    assert fresh.refresh_token == account.refresh_token
    assert fresh.resources[TRANSFER].refresh_token.reveal() == "rt-next"
    assert fresh.resources[TRANSFER].access_token == renewed.access_token


def test_the_first_may_be_for_another_api_than_the_own(engine, rogue):
    fields = other("auth", access_token="at-own", refresh_token="rt-own")
    rogue.script(
        "token", troubles.fields(resource_server="transfer", other_tokens=[fields]), times=1
    )
    account = sign_in(engine, rogue, "two", resource=TRANSFER)
    assert account.access_token.reveal() == "at-own"
    assert account.refresh_token.reveal() == "rt-own"
    assert [*account.resources] == [TRANSFER]
    assert account.subject == rogue.sub


def test_a_second_sign_in_keeps_what_the_first_brought(engine, rogue):
    given = troubles.fields(resource_server="auth", other_tokens=[other("transfer")])
    rogue.script("token", given, times=1)
    sign_in(engine, rogue, "two")
    given = troubles.fields(resource_server="auth", other_tokens=[other("groups")])
    rogue.script("token", given, times=1)
    assert {*sign_in(engine, rogue, "two", resource=GROUPS).resources} == {TRANSFER, GROUPS}


def test_there_are_not_many_in_one_response(engine, rogue):
    others = [*(other(f"unknown-{number}") for number in range(20)), other("transfer")]
    rogue.script("token", troubles.fields(resource_server="auth", other_tokens=others), times=1)
    assert sign_in(engine, rogue, "two").resources == {}


@pytest.mark.parametrize("others", [[], [other("search"), other("auth")]])
def test_none_of_another_api_takes_the_place_of_the_own(engine, rogue, others):
    """It would be sent to the provider's own API, now or when it is renewed."""
    given = troubles.fields(resource_server="transfer", other_tokens=others, refresh_token="rt-1")
    rogue.script("token", given, times=1)
    sign_in(engine, rogue, "two", resource=TRANSFER)
    assert engine.token("two", need=Need(resource=TRANSFER)).access_token
    with pytest.raises(LoginRequired):
        engine.token("two")
    assert rogue.seen("refresh") == []
