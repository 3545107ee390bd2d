"""Service accounts (RFC 6749 4.4): how the client says who it is, and when a token is issued."""

from __future__ import annotations

import base64
import threading
from urllib.parse import quote

import pytest

from core.sign_in import party_at
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.errors import ConfigurationError, ProviderError
from jupyter_auth.core.models import AccountKey
from jupyter_auth.core.protocol.parties import Party
from jupyter_auth.core.tokens.lifetimes import PAUSE
from jupyter_auth.core.tokens.need import Need
from jupyter_auth.core.tokens.revocation import Revoker
from jupyter_auth.core.tokens.service_account_tokens import MOST, ServiceAccountTokens
from patience import PATIENCE
from providers import troubles
from providers.rogue import RogueProvider

KEY = AccountKey("idp")

SECRET = "planted-service-secret:/&+"


@pytest.fixture
def party(rogue, clock):
    rogue.clock = clock
    rogue.client_secret = SECRET
    return party_at(rogue, client_secret=SECRET, client_auth="post")


@pytest.fixture
def tokens(party, clock):
    def at(provider):
        return Party(provider=provider, endpoints=party.endpoints)

    revoker = Revoker()
    yield ServiceAccountTokens(at, clock, revoker)
    revoker.close()


@pytest.fixture
def get(tokens, party):
    """A token of the service account; ``scopes`` and what ``Need`` takes."""

    def ask(key="default", scopes=(), **need):
        return tokens.token(party.provider, AccountKey("idp", key), Need(**need), scopes)

    return ask


def test_what_else_is_said_comes_with_the_token(rogue, get):
    """Salesforce says where the API is."""
    rogue.script("token", troubles.fields(instance_url="https://eu9.example", echo=SECRET))
    assert get().fields == {"instance_url": "https://eu9.example"}


# -- how the client says who it is ---------------------------------------------------------------


@pytest.mark.parametrize("way", ["basic", "post", "query", "none"])
def test_each_way_of_client_authentication(rogue, clock, way):
    rogue.client_secret = None if way == "none" else quote(SECRET, safe="")
    secret = SECRET if way == "basic" else quote(SECRET, safe="")  # rogue decodes no Basic
    party = party_at(rogue, client_secret=secret, client_auth=way)
    tokens = ServiceAccountTokens(lambda _: party, clock)
    if way in {"none", "query"}:  # rogue takes neither: what is sent is what counts here
        with pytest.raises(ConfigurationError):
            tokens.token(party.provider, KEY, Need())
    else:
        tokens.token(party.provider, KEY, Need())
    (sent,) = rogue.seen("token")
    grant, who = {"grant_type": "client_credentials"}, {"client_id": rogue.client_id}
    match way:
        case "basic":
            value = base64.b64decode(sent.headers["authorization"].removeprefix("Basic ")).decode()
            assert value == f"{rogue.client_id}:{quote(SECRET, safe='')}"
            assert (sent.form, sent.query) == (grant, {})
        case "post":
            assert (sent.form, sent.query) == (grant | who | {"client_secret": secret}, {})
        case "query":
            assert (sent.form, sent.query) == ({}, grant | who | {"client_secret": secret})
        case "none":
            assert (sent.form, sent.query) == (grant | who, {})
    assert ("authorization" in sent.headers) == (way == "basic")


def test_scopes_audience_and_further_parameters_are_asked_for(rogue, clock):
    rogue.client_secret = SECRET
    party = party_at(
        rogue,
        client_secret=SECRET,
        client_auth="post",
        scopes=["https://api.example/.default", "b"],
        audience="https://api.example",
        token_params={"resource": "https://api.example/x"},
    )
    tokens = ServiceAccountTokens(lambda _: party, clock)
    token = tokens.token(party.provider, KEY, Need())
    sent = rogue.seen("token")[0].form
    assert sent["scope"] == "https://api.example/.default b"
    assert sent["audience"] == "https://api.example"
    assert sent["resource"] == "https://api.example/x"
    assert token.scopes == ("https://api.example/.default", "b")


def test_without_a_secret_nothing_is_sent(rogue, clock):
    party = party_at(rogue)
    with pytest.raises(ConfigurationError, match="No client secret") as caught:
        ServiceAccountTokens(lambda _: party, clock).token(party.provider, KEY, Need())
    assert "JUPYTER_AUTH_IDP_CLIENT_SECRET" in caught.value.hint
    assert rogue.requests == []


# -- when one is issued --------------------------------------------------------------------------


def test_a_token_is_kept_until_a_tenth_of_its_life_is_left(get, rogue, clock):
    rogue.access_token_ttl = 100
    first = get()
    clock.advance(89)
    assert get() == first
    clock.advance(2)
    assert get() != first
    assert len(rogue.seen("token")) == 2


def test_each_key_and_each_set_of_scopes_has_its_own(get, rogue):
    made = [get(), get("second"), get(scopes=["a"]), get(scopes=["b"])]
    assert len({token.digest for token in made}) == 4
    assert [get(), get("second"), get(scopes=["a"]), get(scopes=["b"])] == made
    assert len(rogue.seen("token")) == 4


def test_a_rejected_one_is_replaced_but_not_for_each_call(get, rogue, clock):
    first = get()
    second = get(rejected=first.digest)
    assert second != first
    assert get(rejected=second.digest) == second  # an API that refuses them all
    clock.advance(11)
    assert get(rejected=second.digest) != second
    assert len(rogue.seen("token")) == 3


def test_who_comes_late_with_a_rejected_one_gets_what_is_there(get, rogue):
    first = get()
    second = get(rejected=first.digest)
    assert get(rejected=first.digest) == second
    assert len(rogue.seen("token")) == 2


def test_the_old_one_does_while_the_provider_is_away(get, rogue, clock):
    rogue.access_token_ttl = 1000
    first = get()
    clock.advance(950)
    rogue.script("token", troubles.status(500))
    assert get() == first
    assert get() == first
    assert len(rogue.seen("token")) == 2  # the first, and one try
    clock.advance(PAUSE + 1)
    with pytest.raises(ProviderUnavailable):
        get(rejected=first.digest)
    rogue.behave()
    assert get() != first


@pytest.mark.parametrize("trouble", [troubles.html(), troubles.empty(), troubles.huge()])
def test_an_answer_that_is_none_is_an_error(get, rogue, trouble):
    rogue.script("token", trouble)
    with pytest.raises(ProviderError):
        get()
    rogue.behave()
    assert get()


def test_many_at_once_cost_one_request(get, rogue):
    gate = rogue.script("token", troubles.Gate(), times=1)
    found = []
    threads = [threading.Thread(target=lambda: found.append(get())) for _ in range(8)]
    for each in threads:
        each.start()
    assert gate.arrived.wait(PATIENCE)
    gate.release()
    for each in threads:
        each.join(PATIENCE)
    assert len(found) == 8
    assert len({token.digest for token in found}) == 1
    assert len(rogue.seen("token")) == 1


def test_made_up_keys_do_not_fill_the_memory(tokens, get):
    for number in range(MOST + 10):
        get(f"key {number}")
    assert len(tokens._held) == MOST
    assert (get(f"key {MOST + 9}"), len(tokens._held))[1] == MOST


# -- and when it ends ----------------------------------------------------------------------------


def test_one_key_is_dropped_and_revoked_the_others_stay(tokens, party, get, rogue):
    first, second = get(), get("second")
    scoped = get(scopes=["a"])
    outcome = tokens.drop(party.provider, KEY, revoke=True)
    assert (outcome.removed, outcome.revoked, outcome.note) == (True, True, "")
    revoked = {first.access_token.reveal(), scoped.access_token.reveal()}
    assert set(rogue.revoked) == revoked
    assert get("second") == second
    assert get() != first


def test_what_is_not_there_is_not_dropped(tokens, party, rogue):
    outcome = tokens.drop(party.provider, KEY, revoke=True)
    assert (outcome.removed, outcome.revoked) == (False, False)
    assert rogue.requests == []


def test_without_revoke_nothing_is_sent(tokens, party, get, rogue):
    get()
    assert tokens.drop(party.provider, KEY, revoke=False).removed
    assert rogue.revoked == []


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_a_secret_is_not_posted_to_another_host(get, rogue, code):
    with RogueProvider() as other:
        rogue.script("token", troubles.redirect(f"{other.issuer}/token", code))
        with pytest.raises(ConfigurationError, match="redirect"):
            get()
        assert other.requests == []


@pytest.mark.parametrize("said", [troubles.MISSING, -1, "soon", None])
def test_a_life_time_that_is_none_is_until_it_is_refused(get, rogue, clock, said):
    rogue.script("token", troubles.fields(expires_in=said))
    first = get()
    assert (first.expires_at, first.refresh_at) == (None, None)
    clock.advance(10**6)
    assert get() == first
    rogue.behave()
    assert get(rejected=first.digest) != first
