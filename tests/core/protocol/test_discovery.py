"""What an issuer says of itself is checked, remembered, and still holds while it is away."""

from __future__ import annotations

import pytest

from core.sign_in import HERE, party_at, provider_at, sign_in
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.errors import AuthError, ConfigurationError, ProviderError
from jupyter_auth.core.protocol.discovery import MAX_AGE, MOST, PAUSE, Discovery, search
from jupyter_auth.core.protocol.http import Unreachable
from jupyter_auth.core.provider.field_types import Endpoints
from providers import troubles
from providers.rogue import RogueProvider
from providers.troubles import MISSING, Reply


@pytest.fixture
def discovery(clock) -> Discovery:
    return Discovery(clock)


@pytest.fixture
def provider(rogue):
    return provider_at(rogue)


def test_all_comes_from_the_issuer(oidc, clock):
    found = Discovery(clock).endpoints(provider_at(oidc))
    assert found.issuer == oidc.issuer
    assert found.token_endpoint == f"{oidc.issuer}/token"
    assert found.revocation_endpoint
    assert found.jwks_uri
    assert found.authorization_response_iss_parameter_supported
    assert "openid" in found.scopes_supported


def test_what_is_given_goes_first(rogue, discovery):
    given = {"token_endpoint": "https://elsewhere.example.com/token"}
    found = discovery.endpoints(provider_at(rogue, endpoints=given))
    assert found.token_endpoint == given["token_endpoint"]
    assert found.jwks_uri == f"{rogue.issuer}/jwks"
    assert found.issuer == rogue.issuer


@pytest.mark.parametrize("said", ["http://idp.example/token", "/token", 5, MISSING])
def test_what_is_given_makes_up_for_what_cannot_be_used(rogue, discovery, said):
    """As the error's hint says."""
    rogue.script("discovery", troubles.fields(token_endpoint=said))
    with pytest.raises(AuthError, match="in `endpoints` of the provider"):
        discovery.endpoints(provider_at(rogue))
    given = {"token_endpoint": f"{rogue.issuer}/token"}
    found = discovery.endpoints(provider_at(rogue, endpoints=given))
    assert found.token_endpoint == given["token_endpoint"]
    with pytest.raises(AuthError):
        discovery.endpoints(provider_at(rogue))


def test_without_an_issuer_nothing_is_asked(rogue, discovery):
    given = {"token_endpoint": f"{rogue.issuer}/token"}
    found = discovery.endpoints(provider_at(rogue, issuer=None, endpoints=given))
    assert found == Endpoints(**given)
    assert rogue.requests == []


def test_oauth_metadata_is_found_too(rogue, discovery, provider):
    """RFC 8414 for a server that speaks no OpenID Connect."""
    rogue.script("discovery", troubles.status(404), times=1)
    assert discovery.endpoints(provider).token_endpoint == f"{rogue.issuer}/token"
    assert rogue.requests[-1].path == "/.well-known/oauth-authorization-server"


PLACES = [
    "/realm/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server/realm",
    "/.well-known/openid-configuration/realm",
    "/realm/.well-known/oauth-authorization-server",
]


def test_an_issuer_with_a_path_is_asked_in_every_place(rogue, discovery):
    """OIDC Discovery 4; RFC 8414 3 and 5."""
    rogue.script("api", troubles.status(404))
    with pytest.raises(ConfigurationError) as caught:
        discovery.endpoints(provider_at(rogue, issuer=f"{rogue.issuer}/realm/"))
    assert [request.path for request in rogue.requests] == PLACES
    assert f"HTTP 404 at {' and '.join(PLACES)}" in caught.value.message
    assert "metadata_url" in caught.value.hint


INSTEAD = {
    "nothing": troubles.status(404),
    "a page": troubles.html(),
    "an error": troubles.status(503),
    "a way to sign in": troubles.redirect("/login", 302),
    "a circle": troubles.redirect("/realm", 302),
    "a way nowhere": troubles.redirect("http://[bad", 302),
    "no answer": troubles.close(),
    "no JSON": troubles.status(200, '{"issuer":', "application/json"),
    "too much": troubles.huge(2),
    "another document": troubles.json_value({"error": "not_found"}),
    "another issuer": troubles.json_value({"issuer": "https://idp.example"}),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("instead", INSTEAD)
def test_it_is_found_whatever_is_at_the_others(rogue, discovery, place, instead):
    issuer = f"{rogue.issuer}/realm"
    rogue.metadata["issuer"] = issuer
    rogue.paths = {place: "discovery"}
    rogue.script("api", INSTEAD[instead])
    assert discovery.endpoints(provider_at(rogue, issuer=issuer)).issuer == issuer


def test_what_lacks_an_endpoint_ends_no_search(rogue, discovery, provider):
    rogue.script("discovery", troubles.fields(token_endpoint=None), times=1)
    assert discovery.endpoints(provider).token_endpoint == f"{rogue.issuer}/token"


def test_each_answer_is_said_and_the_most_telling_one_counts(rogue, discovery, provider):
    rogue.script("discovery", troubles.status(404), times=1)
    rogue.script("discovery", troubles.status(503), times=1)
    with pytest.raises(ProviderUnavailable) as caught:
        discovery.endpoints(provider)
    assert "HTTP 404 at /.well-known/openid-configuration." in caught.value.message
    assert "answered 503 at /.well-known/oauth-authorization-server." in caught.value.message
    rogue.script("discovery", troubles.fields(issuer="https://idp.example"), times=1)
    rogue.script("discovery", troubles.html(), times=1)
    with pytest.raises(ConfigurationError, match=r"another issuer: 'https://idp\.example'") as told:
        discovery.endpoints(provider)
    assert type(told.value) is ConfigurationError
    assert "text/html" in told.value.message


def test_a_host_that_cannot_be_reached_is_asked_once(rogue, provider):
    rogue.offline()
    assert [type(each.error) for each in search(provider)] == [Unreachable]


def test_but_one_that_a_redirect_leads_to_is_another(rogue, discovery, provider):
    with RogueProvider() as other:
        rogue.script("discovery", troubles.redirect(f"{other.issuer}/login", 302), times=1)
    assert discovery.endpoints(provider).issuer == rogue.issuer


def test_all_addresses_share_one_deadline(rogue, discovery, impatient):
    rogue.paths = dict.fromkeys(PLACES, "discovery")
    rogue.script("discovery", troubles.Gate(dribble=True))
    with impatient(), pytest.raises(ProviderUnavailable):
        discovery.endpoints(provider_at(rogue, issuer=f"{rogue.issuer}/realm"))
    assert len(rogue.requests) == 1


# -- a slash at the end --------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["{issuer}", "{issuer}/"])
@pytest.mark.parametrize("named", ["{issuer}", "{issuer}/"])
def test_a_slash_at_the_end_is_the_documents(rogue, discovery, asked, named):
    named = named.format(issuer=rogue.issuer)
    rogue.metadata["issuer"] = named
    provider = provider_at(rogue, issuer=asked.format(issuer=rogue.issuer))
    assert discovery.endpoints(provider).issuer == named


def test_with_it_a_person_signs_in(engine, rogue):
    """ID tokens and the response (RFC 9207) name the issuer as the document has it."""
    rogue.issuer += "/"
    assert sign_in(engine, rogue).issuer == rogue.issuer


# -- what is not believed (SECURITY 21) ----------------------------------------------------------


@pytest.mark.parametrize(
    "named", ["https://evil.example.com", "{issuer}//", "{issuer}/realm", "", None, 5, [], MISSING]
)
def test_another_issuers_document_is_not_believed(rogue, discovery, provider, named):
    rogue.script(
        "discovery",
        troubles.fields(issuer=named.format(issuer=rogue.issuer) if type(named) is str else named),
    )
    with pytest.raises(ConfigurationError, match="another issuer"):
        discovery.endpoints(provider)


ENDPOINTS = [
    "authorization_endpoint",
    "token_endpoint",
    "revocation_endpoint",
    "userinfo_endpoint",
    "device_authorization_endpoint",
    "jwks_uri",
]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    "url",
    ["http://evil.example.com/", "/token", "javascript:alert(1)", 5, {"a": 1}, ["https://x"]],
    ids=str,
)
def test_an_endpoint_that_is_not_secure_is_not_believed(rogue, discovery, provider, endpoint, url):
    rogue.metadata[endpoint] = url
    with pytest.raises(ProviderError, match=endpoint):
        discovery.endpoints(provider)


@pytest.mark.parametrize(
    "endpoints",
    [["authorization_endpoint", "device_authorization_endpoint"], ["token_endpoint"]],
)
@pytest.mark.parametrize("nothing", [MISSING, None, ""])
def test_a_document_without_the_main_endpoints_is_none(
    rogue, discovery, provider, endpoints, nothing
):
    rogue.script("discovery", troubles.fields(**dict.fromkeys(endpoints, nothing)))
    with pytest.raises(ProviderError, match="lacks"):
        discovery.endpoints(provider)


def test_a_redirect_is_followed_and_its_document_names_the_issuer_all_the_same(
    rogue, discovery, provider
):
    with RogueProvider() as other:
        there = f"{other.issuer}/.well-known/openid-configuration"
        rogue.script("discovery", troubles.redirect(there, 302))
        with pytest.raises(ConfigurationError, match="another issuer"):
            discovery.endpoints(provider)
        other.metadata = {"issuer": rogue.issuer}
        assert discovery.endpoints(provider).issuer == rogue.issuer


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (troubles.status(500), ProviderUnavailable),
        (troubles.close(), ProviderUnavailable),
        (troubles.html(), ProviderError),
        (troubles.empty(), ProviderError),
        (troubles.json_value([]), ProviderError),
        (troubles.json_value(None), ProviderError),
        (troubles.huge(), ProviderError),
        (troubles.redirect("http://[bad"), ProviderError),
        (troubles.html(403), ConfigurationError),
        (troubles.json_value({}), ConfigurationError),
    ],
)
def test_nonsense_is_an_error(rogue, discovery, provider, trouble, error):
    rogue.script("discovery", trouble)
    with pytest.raises(error):
        discovery.endpoints(provider)


@pytest.mark.parametrize("dribble", [False, True])
def test_it_never_takes_long(rogue, discovery, provider, impatient, dribble):
    rogue.script("discovery", troubles.Gate(dribble=dribble))
    with impatient(), pytest.raises(ProviderUnavailable):
        discovery.endpoints(provider)


@pytest.mark.parametrize("strange", [None, "RS256", 5, {}, [5, None]])
def test_strange_lists_are_no_lists(rogue, discovery, provider, strange):
    rogue.metadata["scopes_supported"] = strange
    rogue.metadata["id_token_signing_alg_values_supported"] = strange
    found = discovery.endpoints(provider)
    assert found.scopes_supported == ()
    assert found.id_token_signing_alg_values_supported == ()


# -- memory --------------------------------------------------------------------------------------


def test_an_issuer_is_asked_once_an_hour(rogue, discovery, provider, clock):
    for _ in range(3):
        discovery.endpoints(provider)
        clock.advance(MAX_AGE / 3 - 1)
    assert len(rogue.seen("discovery")) == 1
    clock.advance(3)
    discovery.endpoints(provider)
    assert len(rogue.seen("discovery")) == 2


def test_made_up_addresses_do_not_fill_the_memory(rogue, discovery):
    known = provider_at(rogue)
    discovery.endpoints(known)
    for number in range(MOST - 1):
        at = f"{rogue.issuer}/.well-known/openid-configuration?{number}"
        discovery.endpoints(provider_at(rogue, metadata_url=at))
    discovery.endpoints(known)
    assert len(rogue.seen("discovery")) == MOST
    discovery.endpoints(provider_at(rogue, metadata_url=f"{at}1"))
    discovery.endpoints(known)
    assert len(rogue.seen("discovery")) == MOST + 2


@pytest.mark.parametrize(
    "trouble",
    [troubles.status(500), troubles.html(), troubles.html(404)]
    + [troubles.redirect(location, 302) for location in ("/portal", "http://[bad")],
    ids=["500", "HTML", "404", "redirect", "redirect nowhere"],
)
def test_while_it_is_away_its_last_word_holds(rogue, discovery, provider, clock, trouble):
    known = discovery.endpoints(provider)
    clock.advance(MAX_AGE + 1)
    rogue.script("discovery", trouble)
    assert discovery.endpoints(provider) == known


def test_while_it_is_away_it_is_not_asked_by_everybody(rogue, discovery, provider, clock):
    discovery.endpoints(provider)
    clock.advance(MAX_AGE + 1)
    rogue.script("discovery", troubles.status(500))
    for _ in range(5):
        discovery.endpoints(provider)
    assert len(rogue.seen("discovery")) == 1 + 2  # at both addresses
    clock.advance(PAUSE + 1)
    rogue.behave()
    rogue.metadata["revocation_endpoint"] = f"{rogue.issuer}/revoke2"
    assert discovery.endpoints(provider).revocation_endpoint.endswith("revoke2")


def test_a_failure_is_not_remembered(rogue, discovery, provider):
    rogue.script("discovery", troubles.status(500), times=2)
    with pytest.raises(ProviderUnavailable):
        discovery.endpoints(provider)
    assert discovery.endpoints(provider).issuer == rogue.issuer


def test_issuers_are_remembered_apart(rogue, discovery, provider):
    with RogueProvider() as other:
        assert discovery.endpoints(provider).issuer == rogue.issuer
        assert discovery.endpoints(provider_at(other)).issuer == other.issuer


# -- keys ----------------------------------------------------------------------------------------


def test_keys_are_remembered_until_they_are_wanted_afresh(rogue, discovery):
    endpoints = party_at(rogue).endpoints
    first = discovery.keys(endpoints, HERE)
    rogue.id_token.rotate_key()
    assert discovery.keys(endpoints, HERE) == first
    assert len(discovery.keys(endpoints, HERE, fresh=True)["keys"]) == 2


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": {}}, {"keys": "x"}])
def test_what_is_no_key_set_is_an_error(rogue, discovery, document):
    rogue.script("jwks", lambda _: Reply.json(document))
    with pytest.raises(ProviderError, match="no key set"):
        discovery.keys(party_at(rogue).endpoints, HERE)


def test_an_issuer_without_keys_is_an_error(discovery):
    with pytest.raises(ProviderError, match="publishes no keys"):
        discovery.keys(Endpoints(issuer="https://idp.example.com"), HERE)
