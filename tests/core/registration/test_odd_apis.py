"""Addresses and APIs as people and servers have them, not as the RFCs do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jupyter_auth.core.errors import ConfigurationError, ProviderNotFound
from providers.protected_api import WELL_KNOWN, ProtectedAPI
from providers.troubles import Reply

if TYPE_CHECKING:
    from jupyter_auth.core.engine import Engine
    from providers.rogue import RogueProvider


def test_an_address_with_a_query_has_metadata_of_its_own(engine: Engine, api: ProtectedAPI) -> None:
    address = f"{api.address}?team=7"
    api.challenge, api.metadata["resource"] = None, address
    assert engine.find(address).base_url == address
    assert [each.target for each in api.requests] == ["/mcp?team=7", f"{WELL_KNOWN}/mcp?team=7"]


def test_so_has_one_with_a_slash_at_its_end(engine: Engine, api: ProtectedAPI) -> None:
    api.metadata["resource"] = f"{api.address}/"
    api.answers |= {
        f"{WELL_KNOWN}/mcp": Reply(404),
        f"{WELL_KNOWN}/mcp/": Reply.json(api.metadata),
    }
    api.challenge = None
    assert engine.find(f"{api.address}/").base_url == f"{api.address}/"


def test_metadata_that_names_no_server_is_said_to(engine: Engine, api: ProtectedAPI) -> None:
    del api.metadata["authorization_servers"]
    with pytest.raises(ConfigurationError, match=f"Its metadata at {WELL_KNOWN}/mcp names no auth"):
        engine.find(api.address)


def test_however_it_is_written_it_is_one_address(engine: Engine, rogue: RogueProvider) -> None:
    with ProtectedAPI(host="localhost") as api:  # its origin is an issuer, and it has no identifier
        api.answers[f"{WELL_KNOWN}/mcp"] = Reply(404)
        document = {"issuer": api.url, "token_endpoint": f"{rogue.url}/token"}
        document["authorization_endpoint"] = f"{rogue.url}/authorize"
        api.answers["/.well-known/oauth-authorization-server"] = Reply.json(document)
        shouted = f"HTTP://LocalHost{api.address.removeprefix('http://localhost')}"
        first = engine.find(shouted)
        assert (first.found_at, first.base_url) == (api.address, api.address)
        for address in (api.address, f"{api.address}/", shouted):
            assert engine.provider(address) == engine.find(address) == first


@pytest.mark.parametrize("name", ["mcp.acme.example", "mcp.acme.example/mcp", "localhost:8000/mcp"])
def test_an_address_without_its_scheme_is_a_name_and_says_so(engine: Engine, name: str) -> None:
    with pytest.raises(ProviderNotFound) as unknown:
        engine.provider(name)
    assert "write it with its `https://`" in unknown.value.hint
    with pytest.raises(ProviderNotFound) as unknown:
        engine.provider("acme")
    assert "https://" not in unknown.value.hint
