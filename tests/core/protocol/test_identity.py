"""Who signed in, as the ID token says it, or userinfo (OpenID Connect Core 5.3)."""

from __future__ import annotations

import dataclasses

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from core.login.device_login import begun
from core.sign_in import CLIENT_SECRET, account_of, exchanged
from jupyter_auth.core.errors import ProviderError
from jupyter_auth.core.protocol import identity
from jupyter_auth.core.protocol.discovery import Discovery
from jupyter_auth.core.secret import Secret
from providers import troubles
from providers.troubles import MISSING, Reply

USERINFO = {"sub": "u-2001", "preferred_username": "rosa"}


class Person:
    """Who signed in at ``rogue``, without an ID token unless ``claims`` are given."""

    def __init__(self, party, rogue, clock) -> None:
        rogue.clock = clock
        rogue.scope = "email"
        self.party, self.rogue, self.discovery = party, rogue, Discovery(clock)
        self.tokens = exchanged(party, rogue)
        assert self.tokens.id_token is None

    def who(self, claims=None, **fields) -> identity.Identity:
        provider = dataclasses.replace(self.party.provider, **fields)
        party = dataclasses.replace(self.party, provider=provider)
        return identity.of(party, self.tokens, claims or {}, self.discovery)

    def says(self, claims) -> None:
        self.rogue.script("userinfo", troubles.json_value(claims))

    def signs(self, claims, key=None, kind="application/jwt; charset=utf-8", **header) -> None:
        """Userinfo is a JWT, signed by a published key unless another is given."""
        key = key or self.rogue.id_token._keys[0]
        body = jwt.encode({"alg": "RS256"} | header, claims, key, algorithms=["RS256", "HS256"])
        reply = Reply(200, body.encode(), {"Content-Type": kind})
        self.rogue.script("userinfo", lambda _: reply)


@pytest.fixture
def person(party, rogue, clock) -> Person:
    return Person(party, rogue, clock)


# -- without an ID token -------------------------------------------------------------------------


def test_a_jwt_is_one_whatever_it_is_called(person):
    person.signs({"sub": "u-1", "name": "Ada"}, kind="text/plain")
    assert person.who().username == "Ada"


def test_userinfo_names_whom_no_id_token_names(person):
    who = person.who()
    assert (who.subject, who.username, who.vouched) == ("u-2001", "rosa", False)


def test_so_it_does_after_a_device_grant(engine, rogue, clock):
    waiting = begun(engine, clock, scopes=("email",))
    rogue.devices.approve(waiting.login.user_code)
    assert waiting.poll().status == "complete"
    account = account_of(engine)
    assert account.id_token is None
    assert (account.subject, account.username) == ("u-2001", "rosa")


@pytest.mark.parametrize(
    ("said", "subject", "username"),
    [
        ({"sub": 4711, "name": "Ada"}, "4711", "Ada"),
        ({"sub": "u-1", "preferred_username": None, "email": None, "name": "Ada"}, "u-1", "Ada"),
        ({"sub": "u-1", "name": {"first": "Ada"}, "login": "ada"}, "u-1", "ada"),
        ({"id": 42, "username": "ada"}, None, "ada"),
        ({"id": 42}, None, "42"),
        ({"sub": "", "id": "a-42"}, None, "a-42"),
        ({"sub": "x" * 256, "name": "Ada"}, None, "Ada"),
        ({"sub": "\u202e", "name": "Ada"}, None, "Ada"),
        ({"sub": ["u-1"], "name": True}, None, None),
        ({}, None, None),
    ],
)
def test_names_and_numbers_of_many_kinds(person, said, subject, username):
    person.says(said)
    who = person.who()
    assert (who.subject, who.username) == (subject, username)


@pytest.mark.parametrize(
    ("claim", "said", "username"),
    [
        ("data.username", {"data": {"username": "ada"}}, "ada"),
        ("user.profile.id", {"user": {"profile": {"id": 7}}, "name": "no"}, "7"),
        ("https://acme.example/login", {"https://acme.example/login": "ada"}, "ada"),
        ("data.username", {"data": ["ada"]}, None),
        ("data.username", {"data": {"username": None}}, None),
    ],
)
def test_a_claim_may_be_within_another(person, claim, said, username):
    person.says(said)
    assert person.who(username_claim=claim).username == username


@pytest.mark.parametrize(
    "trouble",
    [troubles.status(code) for code in (401, 403, 404, 429, 500)]
    + [troubles.html(), troubles.empty(), troubles.close(), troubles.redirect("/login", 302)]
    + [troubles.json_value(value) for value in (None, [], "rosa")]
    + [troubles.status(200, "e30.e30.e30", "application/jwt"), troubles.huge(2)],
)
def test_a_userinfo_that_fails_costs_no_sign_in(person, trouble):
    person.rogue.script("userinfo", trouble)
    assert person.who() == identity.Identity(None, None, False, None, {})
    assert person.who({"sub": "u-1"}).subject == "u-1"


def test_an_apis_me_says_no_subject(person):
    """It is another party's word, and ``sub`` may be whatever there."""
    me = f"{person.rogue.issuer}/me"
    person.rogue.script("api", troubles.json_value({"sub": "u-9", "upn": "rosa@uni"}))
    who = person.who(username_url=me, username_claim="upn")
    assert (who.subject, who.username, who.vouched) == (None, "rosa@uni", True)


# -- with one ------------------------------------------------------------------------------------


def test_a_number_is_the_same_person_as_its_text(person):
    person.says({"sub": 4711, "preferred_username": "rosa"})
    assert person.who({"sub": "4711"}).username == "rosa"
    with pytest.raises(ProviderError, match="another person"):
        person.who({"sub": "4712"})


@pytest.mark.parametrize("sub", [None, MISSING])
def test_a_userinfo_that_does_not_say_whom_it_is_about(person, sub):
    person.says({k: v for k, v in (USERINFO | {"sub": sub}).items() if v is not MISSING})
    assert person.who({"sub": "u-1"}).username == "rosa"


# -- a signed one --------------------------------------------------------------------------------


def test_a_signed_userinfo_is_read(person):
    person.signs(USERINFO | {"iss": person.rogue.issuer, "aud": ["notebook", "other"]})
    assert person.who().username == "rosa"
    assert person.who({"sub": "u-2001"}).username == "rosa"
    with pytest.raises(ProviderError, match="another person"):
        person.who({"sub": "u-1"})


def test_issuer_and_audience_may_be_left_out(person):
    person.signs(USERINFO | {"iss": None})
    assert person.who().username == "rosa"


@pytest.mark.parametrize("wrong", [{"iss": "https://evil.example"}, {"aud": "other"}, {"aud": []}])
def test_a_signed_one_for_somebody_else_is_not_believed(person, wrong):
    person.signs(USERINFO | wrong)
    assert person.who().username is None


def test_nor_one_that_the_issuer_did_not_sign(person):
    person.signs(USERINFO, RSAKey.generate_key(2048))
    assert person.who().username is None
    person.rogue.script(
        "userinfo",
        troubles.status(200, person.rogue.id_token.issue("u", None, "a"), "application/jwt"),
    )
    assert person.who().username == "rosa"
    person.rogue.id_token.signature = "none"
    person.rogue.script(
        "userinfo",
        troubles.status(200, person.rogue.id_token.issue("u", None, "a"), "application/jwt"),
    )
    assert person.who().username is None


def test_one_signed_with_the_clients_secret(person):
    secret = OctKey(CLIENT_SECRET.encode(), CLIENT_SECRET.encode())
    person.signs(USERINFO, secret, alg="HS256")
    own = {"client_secret": Secret(CLIENT_SECRET)}
    assert person.who(**own).username is None  # the metadata does not list it
    listed = {"id_token_signing_alg_values_supported": ("HS256",)}
    endpoints = dataclasses.replace(person.party.endpoints, **listed)
    person.party = dataclasses.replace(person.party, endpoints=endpoints)
    assert person.who(**own).username == "rosa"
    assert person.who().username is None


def test_without_an_issuer_there_is_nobody_to_have_signed_it(person):
    person.signs(USERINFO)
    endpoints = dataclasses.replace(person.party.endpoints, issuer=None)
    person.party = dataclasses.replace(person.party, endpoints=endpoints)
    assert person.who().username is None
