"""From the address of an API to a provider."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest

from jupyter_auth.core.errors import AuthError, ConfigurationError, ProviderError, ProviderNotFound
from jupyter_auth.core.registration.addresses import names
from jupyter_auth.core.registration.protected_resource import covers
from providers.protected_api import WELL_KNOWN, ProtectedAPI
from providers.rogue import RogueProvider
from providers.troubles import Reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jupyter_auth.core.engine import Engine

NOTHING = Reply(404)


def saved(user_file: Path) -> dict[str, dict[str, object]]:
    return tomllib.loads(user_file.read_text(encoding="utf-8"))


# -- the way -------------------------------------------------------------------------------------


def test_an_address_becomes_a_provider_as_a_person_would_write_it(
    engine: Engine, api: ProtectedAPI, rogue: RogueProvider, user_file: Path
) -> None:
    found = engine.find(api.address)
    port = api.url.rpartition(":")[2]
    assert found.name == f"127.0.0.1-{port}"
    assert saved(user_file)[found.name] == {
        "title": f"127.0.0.1:{port}",
        "issuer": rogue.issuer,
        "base_url": api.address,
        "resource": api.address,
        "found_at": api.address,
    }
    assert (found.source, found.api_origins, found.found_at) == ("user", (api.url,), api.address)
    assert found.host in rogue.issuer
    assert found.missing == ()  # its client registers itself
    assert found in engine.providers()
    assert all(not request.bearer for request in api.requests)


def test_the_challenge_says_where_the_metadata_is(engine: Engine, api: ProtectedAPI) -> None:
    api.challenge = f'Basic realm="x", Bearer scope="a b", resource_metadata="{api.url}/about"'
    api.answers["/about"] = Reply.json({**api.metadata, "scopes_supported": ["c"]})
    assert engine.find(api.address).scopes == ("a", "b")
    assert api.asked == ["/mcp", "/about"]


def test_it_may_be_on_another_host_as_long_as_it_is_of_this_api(
    engine: Engine, api: ProtectedAPI, rogue: RogueProvider
) -> None:
    with ProtectedAPI(host="localhost") as other:
        api.challenge = f'Bearer resource_metadata="{other.url}/about"'
        other.answers["/about"] = Reply.json(api.metadata)
        assert engine.find(api.address).host in rogue.issuer


@pytest.mark.parametrize("status", [200, 404, 405, 406])
def test_an_api_that_says_nothing_at_its_address_has_metadata_where_rfc_9728_has_it(
    engine: Engine, api: ProtectedAPI, status: int
) -> None:
    api.answers["/mcp"] = Reply(status)
    engine.find(api.address)
    assert api.asked == ["/mcp", f"{WELL_KNOWN}/mcp"]


def test_or_at_the_root(engine: Engine, api: ProtectedAPI) -> None:
    api.challenge = None
    api.answers |= {f"{WELL_KNOWN}/mcp": NOTHING, WELL_KNOWN: Reply.json(api.metadata)}
    engine.find(api.address)
    assert api.asked[-1] == WELL_KNOWN


def test_an_endless_answer_of_the_api_itself_does_not_matter(
    engine: Engine, api: ProtectedAPI
) -> None:
    api.answers["/mcp"] = Reply(body=(b"data: x\n\n" * 65536 for _ in iter(int, 1)))
    assert engine.find(api.address).found_at == api.address


def test_the_first_server_that_works_is_taken(
    engine: Engine, api: ProtectedAPI, rogue: RogueProvider
) -> None:
    """The first is away, and the second is another's."""
    with RogueProvider(host="localhost") as other:
        other.issuer = rogue.issuer
        servers = ["http://127.0.0.1:1", other.url, rogue.issuer]
        api.metadata["authorization_servers"] = servers
        assert engine.find(api.address).host in rogue.issuer


def test_the_origin_of_an_api_without_metadata_may_be_its_authorization_server(
    engine: Engine, api: ProtectedAPI, user_file: Path
) -> None:
    api.answers[f"{WELL_KNOWN}/mcp"] = NOTHING
    with RogueProvider() as issuer:
        issuer.issuer = api.url
        document = {
            "issuer": api.url,
            "authorization_endpoint": f"{issuer.url}/authorize",
            "token_endpoint": f"{issuer.url}/token",
        }
        api.answers["/.well-known/oauth-authorization-server"] = Reply.json(document)
        table = saved_at(engine, api.address, user_file)
    assert (table["issuer"], table["base_url"]) == (api.url, api.address)
    assert "resource" not in table  # it has no identifier that it knows of


def test_an_issuer_is_the_address_of_a_provider_too(
    engine: Engine, rogue: RogueProvider, user_file: Path
) -> None:
    table = saved_at(engine, rogue.issuer, user_file)
    assert table["issuer"] == rogue.issuer
    assert table.keys() == {"title", "issuer", "found_at"}


def saved_at(engine: Engine, address: str, user_file: Path) -> dict[str, object]:
    name = engine.find(address).name
    return saved(user_file)[name]


# -- scopes and names ----------------------------------------------------------------------------


def test_the_scopes_are_those_of_the_api_and_the_one_that_keeps_people_signed_in(
    engine: Engine, api: ProtectedAPI, rogue: RogueProvider
) -> None:
    api.metadata["scopes_supported"] = ["tools.read", "tools.write"]
    rogue.metadata = {"scopes_supported": ["tools.read", "offline_access", "admin"]}
    assert engine.find(api.address).scopes == ("tools.read", "tools.write", "offline_access")


@pytest.mark.parametrize("scopes", [[f"s{n}" for n in range(51)], ["x" * 201], ['"'], ["a b"]])
def test_an_api_may_not_ask_for_more_than_a_person_reads(
    engine: Engine, api: ProtectedAPI, scopes: list[str]
) -> None:
    api.metadata["scopes_supported"] = scopes
    with pytest.raises(ProviderError, match="too many to agree to"):
        engine.find(api.address)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Acme Tools", "Acme Tools ({host})"),
        ("github.com", "{host}"),
        ("Acme\nis safe", "{host}"),
        ("\u202eacme", "{host}"),
        ("x" * 41, "{host}"),
        (["Acme"], "{host}"),
    ],
)
def test_what_an_api_calls_itself_stands_beside_its_host_or_nowhere(
    engine: Engine, api: ProtectedAPI, name: object, title: str
) -> None:
    api.metadata["resource_name"] = name
    assert engine.find(api.address).title == title.format(host=api.url.partition("://")[2])


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://mcp.acme.example/mcp", "mcp.acme.example"),
        ("https://MCP.acme.example:443", "mcp.acme.example"),
        ("http://localhost:8000/x", "localhost-8000"),
        ("http://[::1]:8000/", "1-8000"),
        ("https://bücher.example/", "xn--bcher-kva.example"),
    ],
)
def test_it_is_named_after_the_host(address: str, name: str) -> None:
    assert next(names(address)) == name


def test_further_names_have_the_path() -> None:
    assert list(names("https://acme.example/v1/mcp"))[1] == "acme.example-v1-mcp"
    long = list(names(f"https://{'x' * 60}.example/"))
    assert len(long) == 1
    assert re.fullmatch(r"x+-[0-9a-f]{8}", long[0])
    assert len(long[0]) == 64


# -- twice, and beside others --------------------------------------------------------------------


def test_twice_is_once(engine: Engine, api: ProtectedAPI, user_file: Path) -> None:
    first = engine.find(api.address)
    before = user_file.read_text(encoding="utf-8")
    for address in (api.address, f"{api.address}/", f"{api.address}/v1"):
        if address.endswith("/v1"):  # another address of the same API
            api.answers["/mcp/v1"] = Reply(401, headers={"WWW-Authenticate": str(api.challenge)})
        assert engine.find(address).name == first.name
    assert user_file.read_text(encoding="utf-8") == before


def test_what_is_known_is_known_without_asking(engine: Engine, api: ProtectedAPI) -> None:
    with pytest.raises(ProviderNotFound, match=re.escape(f"for the API at {api.address}.")):
        engine.provider(api.address)
    found = engine.find(api.address)
    api.requests.clear()
    assert engine.provider(api.address) == engine.provider(f"{api.address}/") == found
    assert api.requests == []


def test_a_second_api_of_the_host_is_another_provider(
    engine: Engine, api: ProtectedAPI, rogue: RogueProvider
) -> None:
    first = engine.find(api.address)
    other = f"{api.url}/other"
    document = {"resource": other, "authorization_servers": [rogue.issuer]}
    api.answers[f"{WELL_KNOWN}/other"] = Reply.json(document)
    assert engine.find(other).name == f"{first.name}-other"
    assert engine.provider(api.address) == first


def test_the_administrators_provider_for_an_address_is_the_one(
    making: Callable[..., Engine], api: ProtectedAPI, rogue: RogueProvider
) -> None:
    table = {"issuer": rogue.issuer, "client_id": "x", "base_url": api.address}
    engine = making({"acme": table})
    assert engine.find(api.address).name == engine.provider(api.address).name == "acme"
    assert api.requests == []


def test_another_authorization_server_is_not_silently_another(
    engine: Engine, api: ProtectedAPI, user_file: Path
) -> None:
    found = engine.find(api.address)
    before = user_file.read_text(encoding="utf-8")
    with RogueProvider() as other:
        api.metadata["authorization_servers"] = [other.issuer]
        with pytest.raises(ConfigurationError) as refused:
            engine.find(api.address)
        assert other.issuer in refused.value.message
        assert f"jupyter auth remove {found.name}" in refused.value.hint
        assert user_file.read_text(encoding="utf-8") == before
        engine.remove(found.name)
        assert engine.find(api.address).host in other.issuer


def test_a_second_server_beside_the_known_one_changes_nothing(
    engine: Engine, api: ProtectedAPI, rogue: RogueProvider
) -> None:
    found = engine.find(api.address)
    with RogueProvider() as other:
        api.metadata["authorization_servers"] = [other.issuer, rogue.issuer]
        assert engine.find(api.address) == found


# -- what does not work --------------------------------------------------------------------------


def test_what_was_asked_and_what_each_answered_is_said(engine: Engine, api: ProtectedAPI) -> None:
    api.challenge, api.answers[f"{WELL_KNOWN}/mcp"] = None, Reply(200, b"<html>")
    with pytest.raises(ConfigurationError) as refused:
        engine.find(api.address)
    said = str(refused.value)
    for part in (
        "HTTP 401 at /mcp.",
        f"not a JSON object (no content type, 6 bytes) at {WELL_KNOWN}/mcp.",
        f"HTTP 404 at {WELL_KNOWN}.",
        "HTTP 404 at /.well-known/openid-configuration",
        f"`jupyter auth add NAME --issuer URL --client-id ID --base-url {api.address}`",
    ):
        assert part in said


@pytest.mark.parametrize(
    "demand",
    ["dpop_bound_access_tokens_required", "tls_client_certificate_bound_access_tokens"],
)
def test_an_api_that_takes_no_plain_token_is_said_to(
    engine: Engine, api: ProtectedAPI, demand: str
) -> None:
    api.metadata[demand] = True
    with pytest.raises(ConfigurationError, match="which is not supported here"):
        engine.find(api.address)


@pytest.mark.parametrize(
    "address",
    [
        "http://acme.example/mcp",
        "ftp://acme.example/mcp",
        "https://user@acme.example/",
        "https://acme.example/a/../b",
        "https://acme.example/a/%2e%2e/b",
        "https://acme.example/#x",
        "https:///x",
        "https://acme.example/a b",
    ],
)
def test_what_is_no_address_is_asked_nothing(engine: Engine, address: str) -> None:
    with pytest.raises(ConfigurationError):
        engine.find(address)


def test_an_api_that_is_away_is_one_to_try_again(engine: Engine, api: ProtectedAPI) -> None:
    api.answers[f"{WELL_KNOWN}/mcp"] = Reply(503)
    with pytest.raises(AuthError, match="answered 503") as away:
        engine.find(api.address)
    assert away.value.code == "provider_unavailable"


@pytest.mark.parametrize(
    ("resource", "address"),
    [
        ("https://a.example/mcp", "https://a.example/mcp"),
        ("https://a.example/mcp", "https://a.example/mcp/"),
        ("https://a.example/mcp/", "https://a.example/mcp"),
        ("https://a.example", "https://a.example/mcp"),
        ("https://A.example:443/", "https://a.example/mcp"),
        ("https://a.example/mcp?x=1", "https://a.example/mcp?x=1"),
    ],
)
def test_a_resource_covers_its_own_path_and_what_is_below(resource: str, address: str) -> None:
    assert covers(resource, address)


@pytest.mark.parametrize(
    ("resource", "address"),
    [
        ("https://a.example/mcp", "https://a.example/mcp2"),
        ("https://a.example/mcp", "https://a.example/"),
        ("https://a.example/mcp", "http://a.example/mcp"),
        ("https://b.example/mcp", "https://a.example/mcp"),
        ("https://a.example:444/mcp", "https://a.example/mcp"),
        ("https://a.example/mcp?x=1", "https://a.example/mcp"),
        ("urn:acme", "https://a.example/mcp"),
    ],
)
def test_and_nothing_else(resource: str, address: str) -> None:
    assert not covers(resource, address)


def test_what_a_person_has_written_for_an_address_is_not_asked_for(
    engine: Engine, api: ProtectedAPI, user_file: Path
) -> None:
    """It need not have the issuer that the API names, nor any."""
    at = (
        '{ authorization_endpoint = "https://a.example/a", token_endpoint = "https://a.example/t" }'
    )
    mine = f'[mine]\nendpoints = {at}\nclient_id = "x"\nbase_url = "{api.address}"\n'
    user_file.write_text(mine, encoding="utf-8")
    assert engine.find(api.address).name == "mine"
    assert api.requests == []
    assert user_file.read_text(encoding="utf-8") == mine
