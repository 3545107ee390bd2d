"""An API's address leads only where that API says itself, and where a person may be sent."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_auth.core.common import blocked_addresses
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import AuthError, ConfigurationError, ProviderError
from jupyter_auth.core.provider.definitions import provider_from_mapping
from jupyter_auth.core.provider.registry import Providers
from memory_store import MemoryStore
from providers import certificates, troubles
from providers.protected_api import WELL_KNOWN, ProtectedAPI
from providers.rogue import RogueProvider
from providers.troubles import Reply
from security.network.names import Names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HONEST, EVIL = "api.example.com", "evil.example.com"


@pytest.fixture
def user_file(tmp_path: Path) -> Path:
    return tmp_path / "providers.toml"


@pytest.fixture
def engine(user_file: Path) -> Iterator[Engine]:
    made = Engine(Providers(user_file=user_file), MemoryStore())
    yield made
    made.close()


@pytest.fixture
def api(rogue: RogueProvider) -> Iterator[ProtectedAPI]:
    with ProtectedAPI(rogue.issuer) as made:
        yield made


@pytest.mark.parametrize("by", ["challenge", "well-known", "root"])
@pytest.mark.parametrize(
    "resource",
    ["https://victim.example/mcp", "{url}/other", "{url}/mc", "{url}.evil.example/mcp", 5],
)
def test_metadata_of_another_api_is_not_used(
    engine: Engine,
    api: ProtectedAPI,
    rogue: RogueProvider,
    user_file: Path,
    *,
    by: str,
    resource: Any,
) -> None:
    """Else tokens for that would be sent here, or for this one asked elsewhere."""
    document = api.metadata | {
        "resource": str(resource).format(url=api.url) if resource != 5 else 5
    }
    place = {"challenge": "/about", "well-known": f"{WELL_KNOWN}/mcp", "root": WELL_KNOWN}[by]
    api.challenge = f'Bearer resource_metadata="{api.url}{place}"' if by == "challenge" else None
    api.answers = {f"{WELL_KNOWN}/mcp": Reply(404), place: Reply.json(document)}
    with pytest.raises(ProviderError, match="is for another API than"):
        engine.find(api.address)
    assert not user_file.exists()
    assert rogue.requests == []


def test_a_server_that_names_another_issuer_is_none(
    engine: Engine, api: ProtectedAPI, rogue: RogueProvider, user_file: Path
) -> None:
    rogue.issuer = "https://login.honest.example"
    with pytest.raises(ConfigurationError, match="names another issuer"):
        engine.find(api.address)
    assert not user_file.exists()


def test_a_document_without_end_has_one(engine: Engine, api: ProtectedAPI, user_file: Path) -> None:
    api.answers[f"{WELL_KNOWN}/mcp"] = Reply(body=(troubles.CHUNK for _ in iter(int, 1)))
    with pytest.raises(ConfigurationError, match="answered with more than 1 MiB"):
        engine.find(api.address)
    assert not user_file.exists()


# -- where it leads ------------------------------------------------------------------------------


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Names:
    """Two hosts of the internet, as far as anybody can tell before a look-up."""
    found = Names(monkeypatch)
    found.answers = {HONEST: ["127.0.0.1"], EVIL: ["127.0.0.1"]}
    certificates.make(tmp_path, HONEST, EVIL)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    return found


@pytest.mark.parametrize("hop", ["metadata", "redirect", "issuer", "token_endpoint"])
@pytest.mark.parametrize("host", [EVIL, "localhost", "[::ffff:127.0.0.1]"])
def test_an_api_elsewhere_leads_to_nothing_of_this_machine(
    engine: Engine, names: Names, tmp_path: Path, user_file: Path, *, hop: str, host: str
) -> None:
    """A person named that API. It names a host, which leads here by name or as it is spelled."""
    assert names.answers
    certificate = certificates.Certificate(tmp_path / "ca.pem", tmp_path / "key.pem")
    with (
        RogueProvider(host=host, certificate=certificate) as inside,
        RogueProvider(host=HONEST, certificate=certificate) as issuer,
        ProtectedAPI(issuer.issuer, host=HONEST, tls=certificate.context()) as api,
    ):
        api.metadata["resource"] = api.address
        match hop:
            case "metadata":
                api.challenge = f'Bearer resource_metadata="{inside.url}/about"'
                api.answers[f"{WELL_KNOWN}/mcp"] = Reply(404)
            case "redirect":
                there = {"Location": f"{inside.url}/about"}
                api.answers[f"{WELL_KNOWN}/mcp"] = Reply(302, headers=there)
            case "issuer":
                api.metadata["authorization_servers"] = [inside.url]
            case "token_endpoint":
                issuer.metadata = {"token_endpoint": f"{inside.url}/token"}
        if hop == "token_endpoint" and host == EVIL:  # a name, which is looked up when it is asked
            rules = engine.configured(engine.find(api.address).name).request_rules
            with pytest.raises(ConfigurationError, match="is on this machine"):
                rules.check("token endpoint", EVIL, ["127.0.0.1"])
        else:
            with pytest.raises(AuthError, match="is on this machine"):
                engine.find(api.address)
            assert not user_file.exists()
        assert inside.requests == []


def test_an_api_of_the_internet_leads_to_none_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Users of a service may find an API of its network, and evil's names that for its own."""
    monkeypatch.setattr(blocked_addresses, "_shared", False)
    monkeypatch.setattr(blocked_addresses, "_inside", ())
    blocked_addresses.set_shared(["mcp.inside.example", "login.inside.example"])
    at = "token endpoint", "login.inside.example", ["10.0.0.7"]
    table = {"issuer": "https://login.inside.example"}
    own, evil = (
        provider_from_mapping("p", table | {"found_at": f"https://{host}"}).request_rules
        for host in ("mcp.inside.example", EVIL)
    )
    own.check(*at)
    with pytest.raises(ConfigurationError, match="is not on the public internet"):
        evil.check(*at)


# -- what it may not do here ---------------------------------------------------------------------


def test_a_name_that_is_taken_stays_what_it_is(
    engine: Engine, api: ProtectedAPI, user_file: Path, rogue: RogueProvider
) -> None:
    name = api.url.partition("://")[2].replace(":", "-")
    mine = f'["{name}"]\nissuer = "https://login.mine.example"\nclient_id = "x"\n'
    user_file.write_text(mine, encoding="utf-8")
    assert engine.find(api.address).name == f"{name}-mcp"
    tables = tomllib.loads(user_file.read_text(encoding="utf-8"))
    assert tables.pop(f"{name}-mcp")["issuer"] == rogue.issuer
    assert tables == tomllib.loads(mine)


def test_where_people_may_bring_no_providers_they_find_none(
    api: ProtectedAPI, user_file: Path
) -> None:
    engine = Engine(Providers(user_file=user_file, allow_user_providers=False), MemoryStore())
    with pytest.raises(ConfigurationError, match="Only the providers that the administrator"):
        engine.find(api.address)
    assert api.requests == []
    engine.close()


@pytest.mark.parametrize("discover", [(), ("localhost",), ("*.acme.example",), ("27.0.0.1",)])
def test_nor_at_hosts_where_they_may_not(
    api: ProtectedAPI, user_file: Path, discover: tuple[str, ...]
) -> None:
    engine = Engine(Providers(user_file=user_file, discover=discover), MemoryStore())
    with pytest.raises(ConfigurationError, match="is not allowed for"):
        engine.find(api.address)
    assert api.requests == []
    engine.close()
