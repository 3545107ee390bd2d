"""What an API demands of a sign-in: in the request, in words, and in the ID token that answers."""

from __future__ import annotations

import json

import pytest

from core.login.device_login import begun
from core.sign_in import account_of, arrive, provider_at, sign_in
from jupyter_auth.core.errors import InsufficientScope, LoginRequired
from jupyter_auth.core.models import AccountKey, Challenge, LoginRequest
from jupyter_auth.core.tokens.next_steps import demanded, sign_in_demanded

CLAIMS = '{"access_token": {"acrs": {"essential": true, "value": "c1"}}}'
STRONG = Challenge(api="api.example", acr_values="urn:mfa", max_age="300", claims=CLAIMS)
IDP = AccountKey("idp")


def test_it_is_asked_for_by_the_names_of_the_standard(engine, rogue):
    sign_in(engine, rogue, scopes=("openid", "write"), challenge=STRONG)
    asked = rogue.seen("authorize")[0].query
    assert asked["scope"] == "openid write"
    assert {name: asked[name] for name in ("acr_values", "max_age")} == {
        "acr_values": "urn:mfa",
        "max_age": "300",
    }
    assert json.loads(asked["claims"]) == json.loads(CLAIMS)
    assert "api" not in asked
    assert account_of(engine).asked == ("openid", "write")


def test_without_one_nothing_is_added(engine, rogue):
    sign_in(engine, rogue)
    assert not {"acr_values", "max_age", "claims"} & rogue.seen("authorize")[0].query.keys()


@pytest.mark.parametrize(
    ("configured", "sent"),
    [
        (
            '{"access_token": {"xms_cc": {"values": ["cp1"]}}, "id_token": {"email": null}}',
            {
                "access_token": {
                    "xms_cc": {"values": ["cp1"]},
                    "acrs": {"essential": True, "value": "c1"},
                },
                "id_token": {"email": None},
            },
        ),
        ('{"access_token": null}', json.loads(CLAIMS)),
        ("not JSON", json.loads(CLAIMS)),
        ("[]", json.loads(CLAIMS)),
    ],
)
def test_its_claims_join_the_configured_ones(engines, rogue, configured, sent):
    engine = engines(unrelated=rogue)
    engine.configure(provider_at(rogue, authorize_params={"claims": configured}))
    sign_in(engine, rogue, challenge=STRONG)
    assert json.loads(rogue.seen("authorize")[0].query["claims"]) == sent


def test_a_forced_sign_in_is_newer_than_any_age(engines, rogue):
    engine = engines(unrelated=rogue)
    engine.configure(provider_at(rogue, scopes="x", authorize_params={"prompt": "consent"}))
    sign_in(engine, rogue, force=True, challenge=STRONG)
    assert rogue.seen("authorize")[0].query["max_age"] == "0"


def test_another_demand_is_another_login_and_says_why(engine):
    plain = engine.begin(LoginRequest("idp"))
    asked = [engine.begin(LoginRequest("idp", challenge=STRONG)) for _ in range(2)]
    assert (plain.reason, asked[0].id) == ("", asked[1].id)
    assert plain.id != asked[0].id
    assert asked[0].reason == (
        "The API api.example asks for a stronger sign-in (urn:mfa) and a sign-in not older than 5"
        " minutes."
    )


@pytest.mark.parametrize(
    ("challenge", "words"),
    [
        ({}, ""),
        ({"scopes": ("files.write",)}, "The API x.example asks for the scope files.write."),
        ({"scopes": ("a", "b")}, "The API x.example asks for the scopes a b."),
        ({"max_age": "0"}, "The API x.example asks for a new sign-in."),
        ({"max_age": "90"}, "The API x.example asks for a sign-in not older than 90 seconds."),
        ({"claims": CLAIMS}, "The API x.example asks for another sign-in."),
    ],
)
def test_in_words(challenge, words):
    assert demanded(Challenge(api="x.example", **challenge)) == words


def test_hostile_words_are_one_short_line():
    hostile = Challenge(api="x.example", scopes=("a\x1b[2J\n\u202e" + "b" * 5000,))
    said = demanded(hostile)
    assert len(said) <= 300
    assert said.isprintable()


@pytest.mark.parametrize(
    ("challenge", "key", "hint"),
    [
        (
            {"scopes": ("b$c",)},
            AccountKey("idp", "my key"),
            "Sign in with `jupyter auth login idp --key 'my key' --scopes a 'b$c'` in a terminal.",
        ),
        ({"max_age": "5"}, IDP, "Sign in with `jupyter auth login idp --force` in a terminal."),
        (
            {"max_age": "5", "scopes": ("b$c",)},
            IDP,
            "Sign in with `jupyter auth login idp --force --scopes a 'b$c'` in a terminal.",
        ),
        (
            {"acr_values": "x", "scopes": ("b$c",)},
            IDP,
            "Make this request where you can sign in: in a notebook cell or a Python prompt.",
        ),
        (
            {"scopes": ("b$c",)},
            AccountKey("idp~" + "0" * 32),
            "Make the session with `UserSession(..., scopes='a b$c')`.",
        ),
    ],
)
def test_where_nobody_can_be_asked_it_says_what_to_run(challenge, key, hint):
    error = sign_in_demanded(key, Challenge(api="x.example", **challenge), ["a", "b$c"])
    assert error.hint == hint
    assert isinstance(error, InsufficientScope) == ("scopes" in challenge)
    assert isinstance(error, LoginRequired)
    assert getattr(error, "scopes", ()) == challenge.get("scopes", ())


def test_a_device_asks_for_its_scopes_alone(engine, clock, rogue):
    engine.configure(provider_at(rogue, grants="device_code"))
    login = begun(engine, clock, scopes=("openid", "write"), challenge=STRONG).login
    (asked,) = rogue.seen("device")
    assert asked.form["scope"] == "openid write"
    assert not {"acr_values", "max_age", "claims"} & asked.form.keys()
    assert "api.example" in login.reason


@pytest.mark.parametrize(
    ("ago", "status"), [(None, "complete"), (60, "complete"), (400, "complete"), (500, "failed")]
)
def test_a_sign_in_that_is_older_than_asked_for_is_refused(engines, rogue, clock, ago, status):
    """Two minutes are granted to the provider's clock."""
    engine = engines(unrelated=rogue)
    engine.configure(provider_at(rogue, scopes="openid"))
    if ago is not None:
        rogue.id_token.claims["auth_time"] = int(clock()) - ago
    login = engine.begin(LoginRequest("idp", challenge=STRONG))
    ended = arrive(engine, login, rogue).finish(engine)
    assert ended.status == status
    if status == "failed":
        assert "you signed in there 8 minutes ago" in ended.error["message"]
        assert engine.accounts() == []
    assert sign_in(engine, rogue).subject == rogue.sub  # no age was asked for
