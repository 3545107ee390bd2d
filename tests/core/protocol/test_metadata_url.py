"""A document whose issuer is another on purpose is believed where its own address is configured."""

from __future__ import annotations

import pytest

from core.sign_in import arrive, ended, provider_at, sign_in, table
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError, ProviderError
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.protocol.discovery import Discovery
from jupyter_auth.core.provider.registry import Providers
from memory_store import MemoryStore
from providers import troubles

POLICY = "/contoso/b2c_1_susi/v2.0"
DOCUMENT = f"{POLICY}/.well-known/openid-configuration"
TENANTS = "https://login.example/{tenantid}/v2.0"


@pytest.fixture
def many(rogue, clock):
    """A provider whose one document is of a policy and names the issuer of its tenant."""
    rogue.clock = clock
    rogue.paths = rogue.paths | {DOCUMENT: "discovery"}
    for path in ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"):
        del rogue.paths[path]
    rogue.script("api", troubles.status(404))
    rogue.issuer = f"{rogue.url}/0e96f835/v2.0/"
    return rogue


@pytest.fixture
def discovery(clock) -> Discovery:
    return Discovery(clock)


@pytest.fixture
def engine_with(clock):
    made = []

    def engine(server, **fields) -> Engine:
        document = {"issuer": None, "metadata_url": f"{server.url}{DOCUMENT}"}
        given = table(server, **document | fields)
        made.append(Engine(Providers({"idp": given}), MemoryStore(), clock=clock))
        return made[-1]

    yield engine
    for each in made:
        each.close()


# -- the error names the way out, and the way leads out ------------------------------------------


def test_the_policys_address_is_no_issuer_and_what_the_hint_says_works(many, engine_with):
    """RFC 8414 3.3: the document is not believed for the configured issuer."""
    issuer = many.url + POLICY
    with pytest.raises(ConfigurationError, match="names another issuer") as caught:
        Discovery(many.clock).endpoints(provider_at(many, issuer=issuer))
    assert f"{many.issuer!r}" in caught.value.message
    _, _, line = caught.value.hint.partition("add metadata_url = ")
    url = line.split('"')[1]
    assert url == many.url + DOCUMENT
    account = sign_in(engine_with(many, issuer=issuer, metadata_url=url), many)
    assert (account.issuer, account.username) == (many.issuer, "rosa")


def test_nor_does_the_documents_issuer_lead_to_it(many, discovery, engine_with):
    with pytest.raises(ConfigurationError, match="HTTP 404") as caught:
        discovery.endpoints(provider_at(many))
    assert "`metadata_url`" in caught.value.hint
    assert sign_in(engine_with(many, issuer=many.issuer), many).username == "rosa"


def test_nor_is_the_documents_address_an_issuer(many, discovery):
    with pytest.raises(ConfigurationError) as caught:
        discovery.endpoints(provider_at(many, issuer=many.url + DOCUMENT))
    assert "give it as `metadata_url`" in caught.value.hint


def test_it_alone_is_enough(many, engine_with):
    engine = engine_with(many)
    assert sign_in(engine, many).issuer == many.issuer
    (info,) = (each for each in engine.providers() if each.name == "idp")
    assert info.api_origins == (many.url,)
    assert [each.path for each in many.seen("discovery")] == [DOCUMENT]


# -- what is believed then, and what is not ------------------------------------------------------


def test_id_tokens_name_the_documents_issuer(many, engine_with):
    engine = engine_with(many, issuer=many.url + POLICY)
    for issuer in (many.url + POLICY, many.issuer.rstrip("/")):
        many.id_token.claims["iss"] = issuer
        login = engine.begin(LoginRequest("idp"))
        ended(arrive(engine, login, many).finish(engine), "provider_error")


def test_so_does_the_response(many, engine_with):
    """RFC 9207."""
    engine = engine_with(many)
    callback = arrive(engine, engine.begin(LoginRequest("idp")), many)
    ended(callback.finish(engine, params={"iss": many.url + POLICY}), "login_failed")
    assert callback.params["iss"] == many.issuer


def test_the_issuer_of_many_tenants_is_filled_by_each_id_token(many, engine_with):
    many.issuer, many.sends_iss = TENANTS, False
    many.id_token.claims = {"iss": "https://login.example/t-1/v2.0", "tid": "t-1"}
    engine = engine_with(many)
    first = sign_in(engine, many)
    assert first.issuer == "https://login.example/t-1/v2.0"
    many.id_token.claims = {"iss": "https://login.example/t-2/v2.0", "tid": "t-2"}
    assert sign_in(engine, many, key="other").person != first.person
    many.id_token.claims["tid"] = "t-1"
    login = engine.begin(LoginRequest("idp", "third"))
    ended(arrive(engine, login, many).finish(engine), "provider_error")


@pytest.mark.parametrize("issuer", [None, 5, "", "tenant", "ftp://idp.example", "https://a b"])
def test_an_issuer_that_is_no_url_is_not_believed(many, discovery, issuer):
    many.metadata["issuer"] = issuer
    with pytest.raises(ConfigurationError, match="another issuer"):
        discovery.endpoints(provider_at(many, metadata_url=f"{many.url}{DOCUMENT}"))


def test_its_endpoints_are_checked_as_ever(many, discovery):
    many.metadata["token_endpoint"] = "http://evil.example/token"
    with pytest.raises(ProviderError, match="unusable token_endpoint"):
        discovery.endpoints(provider_at(many, metadata_url=f"{many.url}{DOCUMENT}"))


def test_nothing_else_is_asked(many, discovery):
    many.script("discovery", troubles.status(404))
    provider = provider_at(many, metadata_url=f"{many.url}{DOCUMENT}")
    with pytest.raises(ConfigurationError, match="HTTP 404"):
        discovery.endpoints(provider)
    assert [each.path for each in many.requests] == [DOCUMENT]


def test_what_one_provider_believes_is_not_believed_for_another(many, discovery):
    issuer = many.url + POLICY
    discovery.endpoints(provider_at(many, issuer=issuer, metadata_url=many.url + DOCUMENT))
    with pytest.raises(ConfigurationError, match="another issuer"):
        discovery.endpoints(provider_at(many, issuer=issuer))


# -- what is configured goes first ---------------------------------------------------------------


def test_all_that_is_configured_goes_before_the_document(rogue, discovery):
    given = {
        "issuer": "https://idp.example",
        "id_token_signing_alg_values_supported": ["ES256"],
        "scopes_supported": ["read"],
    }
    found = discovery.endpoints(provider_at(rogue, endpoints=given))
    assert found.issuer == "https://idp.example"
    assert found.id_token_signing_alg_values_supported == ("ES256",)
    assert found.scopes_supported == ("read",)
    assert found.token_endpoint == f"{rogue.url}/token"
