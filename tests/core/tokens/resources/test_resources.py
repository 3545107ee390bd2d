"""One sign-in, several APIs: a token for each, and one refresh token between them (RFC 8707)."""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from core.sign_in import REDIRECT_URI, USER, account_of, provider_at, sign_in
from core.tokens.resources.two_apis import MORE, ONE, OTHER, token_for, two_apis
from jupyter_auth.core.errors import ConfigurationError, InsufficientScope
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.tokens.need import Need
from jupyter_auth.core.tokens.resource_tokens import MOST, NO_TOKEN
from jupyter_auth.core.tokens.store import encoded
from providers import troubles


@pytest.fixture
def apis(oidc):
    """The real provider, which gives JWTs for these APIs."""
    for each in (ONE, OTHER, MORE):
        oidc.add_resource(each)
    return oidc


@pytest.fixture
def engine(engines, apis):
    """Its provider's own API is one of them, and its data lists another."""
    engine = engines(clock=time.time, unrelated=apis)
    engine.configure(two_apis(apis))
    return engine


def claims_of(token):
    """What a JWT says."""
    payload = token.access_token.reveal().split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=="))


def test_each_api_gets_a_token_of_its_own(engine, apis):
    sign_in(engine, apis, "two")
    tokens = {each: token_for(engine, each) for each in (ONE, OTHER)}
    assert {each: claims_of(token)["aud"] for each, token in tokens.items()} == {
        ONE: ONE,
        OTHER: OTHER,
    }
    for token in tokens.values():
        assert set(token.scopes) == {"api:read", "api:write"}
    assert [token.resource for token in tokens.values()] == ["", OTHER]
    assert engine.token("two").digest == tokens[ONE].digest
    assert (apis.refresh_count, apis.reuse_count) == (1, 0)
    for each, token in tokens.items():
        assert token_for(engine, each).digest == token.digest
        assert token_for(engine, each.rstrip("/")).digest == token.digest
    assert apis.refresh_count == 1


def test_they_are_renewed_once_each_for_all_threads(engine, apis):
    """The provider rotates refresh tokens, and ends the sign-in of one that is used twice."""
    apis.ttl(AccessToken=1)
    sign_in(engine, apis, "two")
    old = {each: token_for(engine, each).digest for each in (ONE, OTHER)}
    before = apis.refresh_count
    asked = [each for each in old for _ in range(16)]
    with ThreadPoolExecutor(len(asked)) as pool:
        found = pool.map(lambda each: token_for(engine, each, rejected=old[each]), asked)
    digests = {(each, token.digest) for each, token in zip(asked, found, strict=True)}
    assert len(digests) == 2
    assert not {digest for _, digest in digests} & {*old.values()}
    assert apis.refresh_count - before == 2
    assert apis.reuse_count == 0


def test_two_processes_share_the_refresh_token(engines, files, apis):
    both = [engines(files, time.time, unrelated=apis) for _ in range(2)]
    for each in both:
        each.configure(two_apis(apis))
    sign_in(both[0], apis, "two")
    with ThreadPoolExecutor(4) as pool:
        asked = [(engine, name) for engine in both for name in (ONE, OTHER)]
        tokens = [*pool.map(lambda each: token_for(*each), asked)]
    assert len({token.digest for token in tokens}) == 2
    assert (apis.refresh_count, apis.reuse_count) == (1, 0)
    both[1].poll()
    since = both[1].changes().sequence
    token_for(both[0], OTHER, rejected=tokens[1].digest)
    both[1].poll()
    assert [change.kind for change in both[1].changes(since).changes] == ["account"]


# -- where one is refused ------------------------------------------------------------------------


@pytest.fixture
def refusing(engines, rogue):
    """An engine at ``rogue``, whose provider lists an API; its person is signed in."""
    engine = engines(unrelated=rogue)
    engine.configure(provider_at(rogue, "two", resources={ONE: {}, OTHER: {}}))
    sign_in(engine, rogue, "two")
    return engine


@pytest.mark.parametrize("code", ["invalid_target", "invalid_grant", "interaction_required"])
def test_a_refusal_for_one_leaves_the_others(refusing, rogue, clock, code):
    """Entra says ``invalid_grant`` where a consent is missing."""
    rogue.script("refresh", troubles.error(code), times=1)
    with pytest.raises(InsufficientScope, match=f"no token for {ONE}: {code}") as caught:
        token_for(refusing, ONE)
    assert caught.value.resource == ONE
    assert f"jupyter auth login two --resource {ONE}" in caught.value.hint
    assert token_for(refusing, OTHER)
    (info,) = refusing.accounts()
    assert not info.trouble
    clock.advance(3600)
    assert refusing.token("two").valid(clock())


def test_one_that_is_always_refused_is_asked_for_less_and_less_often(refusing, rogue, clock):
    rogue.script("refresh", troubles.error("invalid_target"))
    for _ in range(20):
        with pytest.raises(InsufficientScope, match="invalid_target"):
            token_for(refusing, ONE)
    assert len(rogue.seen("refresh")) == 4
    rogue.behave()
    sign_in(refusing, rogue, "two")
    assert token_for(refusing, ONE).valid(clock())


def test_claims_that_are_refused_end_nothing(refusing, rogue):
    rogue.script("refresh", troubles.error("interaction_required"), times=1)
    old = refusing.token("two").digest
    claims = '{"access_token": {"acrs": {"essential": true, "value": "c1"}}}'
    with pytest.raises(InsufficientScope, match="needs a new sign-in"):
        refusing.token("two", need=Need(rejected=old, claims=claims))
    assert rogue.seen("refresh")[-1].form["claims"] == claims
    assert refusing.token("two").digest == old
    assert refusing.token("two", need=Need(rejected=old)).digest != old
    assert "claims" not in rogue.seen("refresh")[-1].form


# -- what may be asked for -----------------------------------------------------------------------


def test_only_what_is_listed_or_was_signed_in_for(refusing, rogue):
    for other in (MORE, "https://one.example.evil/", f"{ONE}more", "api://x", "not a URI"):
        with pytest.raises(InsufficientScope, match="has no token for"):
            token_for(refusing, other)
    assert rogue.seen("refresh") == []
    own = account_of(refusing, "two")
    account = sign_in(refusing, rogue, "two", resource=MORE)
    assert [*account.resources] == [MORE]
    assert account.access_token == own.access_token
    assert account.refresh_token != own.refresh_token
    assert token_for(refusing, MORE).digest == account.resources[MORE].access_token.digest


@pytest.mark.parametrize("resource", [f"{ONE}#part", "no URI", ONE + 600 * "x"])
def test_what_can_name_no_api_begins_no_sign_in(refusing, resource):
    with pytest.raises(ConfigurationError, match="an absolute URI without a fragment"):
        refusing.begin(LoginRequest("two", resource=resource))


def test_there_are_not_many_of_them(refusing, rogue, clock):
    for number in range(MOST + 5):
        clock.advance(1)
        account = sign_in(refusing, rogue, "two", resource=f"https://api-{number}.example/")
    assert [*account.resources] == [f"https://api-{n}.example/" for n in range(5, MOST + 5)]


# -- a sign-in for one of them -------------------------------------------------------------------


def test_a_sign_in_for_another_api_brings_no_token_for_the_own(engines, rogue):
    engine = engines(unrelated=rogue)
    engine.configure(provider_at(rogue, "two", resources={ONE: {}}))
    account = sign_in(engine, rogue, "two", resource=ONE)
    assert account.access_token == NO_TOKEN
    assert rogue.seen("token")[-1].form["resource"] == ONE
    assert rogue.seen("userinfo") == []  # its token is not for that
    token = engine.token("two")
    assert token.access_token not in {NO_TOKEN, account.resources[ONE].access_token}
    assert token_for(engine, ONE).digest == account.resources[ONE].access_token.digest


def test_another_persons_sign_in_replaces_all(refusing, rogue):
    token_for(refusing, OTHER)
    rogue.sub = "u-2002"
    account = sign_in(refusing, rogue, "two", resource=ONE)
    assert [*account.resources] == [ONE]
    assert account.access_token == NO_TOKEN


def test_a_sign_in_names_all_that_the_provider_lists(refusing):
    login = refusing.begin(LoginRequest("two", resource=MORE))
    url, _ = refusing.open(login.id, REDIRECT_URI, USER)
    assert parse_qs(urlsplit(url).query)["resource"] == [ONE, OTHER, MORE]


# -- at rest -------------------------------------------------------------------------------------


def test_they_are_stored_and_an_older_version_reads_what_has_none(engines, files, rogue):
    engine = engines(files, unrelated=rogue)
    engine.configure(provider_at(rogue, "two", resources={ONE: {}}))
    account = sign_in(engine, rogue, "two")
    assert "resources" not in json.loads(encoded(account))
    token = token_for(engine, ONE)
    again = engines(files, unrelated=rogue)
    again.configure(engine.configured("two"))
    assert token_for(again, ONE).digest == token.digest
    assert len(rogue.seen("refresh")) == 1


def test_signing_out_revokes_them(refusing, rogue):
    token = token_for(refusing, ONE)
    account = account_of(refusing, "two")
    assert refusing.logout("two").revoked
    sent = [each.form["token"] for each in rogue.seen("revoke")]
    assert sent == [
        account.refresh_token.reveal(),
        account.access_token.reveal(),
        token.access_token.reveal(),
    ]
