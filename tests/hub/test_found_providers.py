"""On a Hub's service each user finds providers of their own, as far as the administrator lets."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from core.sign_in import sign_in
from hub.storage.databases import ALICE, BOB
from jupyter_auth.core.common import blocked_addresses
from jupyter_auth.core.errors import AuthError, ConfigurationError, ProviderNotFound
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.server.config import Settings
from jupyter_auth.server.hub.brokers import HubBrokers
from jupyter_auth.server.hub.storage.found_providers import FOUND, MOST, SqlFoundProviders
from jupyter_auth.server.hub.storage.sql_store import renew
from jupyter_auth.server.hub.storage.tables import records
from providers.protected_api import WELL_KNOWN, ProtectedAPI
from providers.troubles import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clock import Clock
    from jupyter_auth.server.hub.storage.database import Database
    from jupyter_auth.server.hub.storage.encryption import Encryption
    from providers.oidc import OidcProvider
    from providers.rogue import RogueProvider

HERE = ("127.0.0.1", "localhost")


@pytest.fixture
def _shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is the service, until the test ends."""
    monkeypatch.setattr(blocked_addresses, "_shared", False)
    monkeypatch.setattr(blocked_addresses, "_inside", ())


@pytest.fixture
def serving(
    database: Database, cipher: Encryption, _shared: None
) -> Iterator[Callable[..., HubBrokers]]:
    made: list[HubBrokers] = []

    def make(*discover: str) -> HubBrokers:
        blocked_addresses.set_shared([each for each in discover if each != "*"])
        providers = Providers({}, allow_user_providers=False, discover=discover)
        made.append(HubBrokers(Settings(), providers, database, cipher, base_url="/services/"))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def api(rogue: RogueProvider) -> Iterator[ProtectedAPI]:
    with ProtectedAPI(rogue.issuer) as made:
        yield made


def test_what_one_user_finds_is_theirs_in_every_replica(
    serving: Callable[..., HubBrokers], api: ProtectedAPI
) -> None:
    alice = serving(*HERE).engine(ALICE)
    found = alice.find(api.address)
    assert found.source == "found"
    assert found in alice.providers()
    another = serving(*HERE)
    assert another.engine(ALICE).provider(api.address) == found
    with pytest.raises(ProviderNotFound):
        another.engine(BOB).provider(api.address)
    assert another.engine(BOB).providers() == []


def test_a_browser_or_a_kernel_finds_it_over_http(
    serving: Callable[..., HubBrokers], api: ProtectedAPI, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "jupyter_auth.audit")
    broker = serving(*HERE).of_owner(ALICE)
    found = asyncio.run(broker.find({"address": api.address}))
    assert (found["found_at"], found["source"]) == (api.address, "found")
    assert f'found by its address: user="alice" provider="{found["name"]}"' in caplog.text


def test_it_rests_encrypted(
    serving: Callable[..., HubBrokers], api: ProtectedAPI, database: Database, cipher: Encryption
) -> None:
    serving(*HERE).engine(ALICE).find(api.address)
    (row,) = database.rows(records.select().where(records.c.kind == FOUND))
    assert api.address.encode() not in row.data
    assert renew(database, cipher) == 1  # another key
    assert SqlFoundProviders(database, cipher, ALICE).tables()


def test_it_gets_no_client_of_the_services_environment(
    database: Database, cipher: Encryption
) -> None:
    """A user could have any secret of it sent to an address of their own."""
    environ = {"JUPYTER_AUTH_EVIL_EXAMPLE_CLIENT_ID": "x"}
    environ |= {"JUPYTER_AUTH_EVIL_EXAMPLE_CLIENT_SECRET": "planted"}
    found = SqlFoundProviders(database, cipher, ALICE)
    table = {"issuer": "https://evil.example", "found_at": "https://evil.example"}
    found.keep("evil-example", table)
    providers = Providers({}, allow_user_providers=False, environ=environ).with_found(found)
    assert (
        providers.get("evil-example").client_id,
        providers.get("evil-example").client_secret,
    ) == (
        None,
        None,
    )


def test_a_user_finds_so_many(database: Database, cipher: Encryption) -> None:
    found = SqlFoundProviders(database, cipher, ALICE)
    for number in range(MOST):
        found.keep(f"p{number}", {"found_at": "https://a.example"})
    with pytest.raises(ConfigurationError, match="which is the most"):
        found.keep("one-more", {})
    found.forget("p0")
    found.keep("one-more", {})
    found.keep("p1", {"found_at": "https://another.example"})
    assert found.tables()["p1"] == {"found_at": "https://a.example"}  # the first stays


@pytest.mark.parametrize("discover", [(), ("*.acme.example",)])
def test_only_where_the_administrator_lets(
    serving: Callable[..., HubBrokers], api: ProtectedAPI, discover: tuple[str, ...]
) -> None:
    alice = serving(*discover).engine(ALICE)
    with pytest.raises(ConfigurationError, match=r"is not allowed for 127\.0\.0\.1 here"):
        alice.find(api.address)
    assert api.requests == []


def test_what_was_found_is_no_longer_there_where_it_is_not_allowed(
    serving: Callable[..., HubBrokers], api: ProtectedAPI
) -> None:
    name = serving(*HERE).engine(ALICE).find(api.address).name
    assert serving("*").engine(ALICE).provider(name).found_at == api.address
    with pytest.raises(ProviderNotFound):
        serving().engine(ALICE).provider(name)


def test_the_tokens_of_users_who_go_are_revoked_there_too(
    serving: Callable[..., HubBrokers], oidc: OidcProvider, clock: Clock
) -> None:
    """Their providers go with them, and the queue remembers."""
    clock.now = time.time()  # the provider's
    replica = serving(*HERE)
    with ProtectedAPI(oidc.issuer) as api:
        oidc.add_resource(api.address)
        alice = replica.engine(ALICE)
        name = alice.find(api.address).name
        account = sign_in(alice, oidc, name)
    replica.revocations.remove_records(ALICE, mine=True)
    with pytest.raises(ProviderNotFound):
        replica.engine(ALICE).provider(name)
    waiting = [row for rows in replica.revocations.due("alice").values() for row in rows]
    assert [replica.revocations.attempt(each).revoked for each in waiting] == [True]
    assert account.refresh_token
    assert not oidc.introspect(account.refresh_token.reveal())["active"]


def test_users_name_nothing_of_the_services_own_network(
    serving: Callable[..., HubBrokers], api: ProtectedAPI
) -> None:
    alice = serving("*").engine(ALICE)
    for address in (
        api.address,
        "https://10.0.0.7/mcp",
        "https://[fd00::7]/",
        "https://localhost/",
    ):
        with pytest.raises(ConfigurationError, match="is not on the public internet") as refused:
            alice.find(address)
        assert "c.JupyterAuth.discover" in refused.value.hint
    assert api.requests == []


@pytest.mark.parametrize("hop", ["metadata", "redirect", "issuer", "endpoint"])
def test_nor_does_an_api(
    serving: Callable[..., HubBrokers], rogue: RogueProvider, hop: str
) -> None:
    """The administrator lets them find 127.0.0.1, and the API there leads to localhost."""
    with ProtectedAPI(rogue.issuer) as api, ProtectedAPI(host="localhost") as inside:
        inside.answers["/"] = Reply.json(api.metadata)
        there = inside.url.replace("localhost", "[::ffff:127.0.0.1]").replace("http:", "https:")
        match hop:
            case "metadata":
                api.challenge = f'Bearer resource_metadata="{there}/"'
                api.answers[f"{WELL_KNOWN}/mcp"] = Reply(404)
            case "redirect":
                api.answers[f"{WELL_KNOWN}/mcp"] = Reply(302, headers={"Location": f"{there}/"})
            case "issuer":
                api.metadata["authorization_servers"] = [there]
            case "endpoint":
                rogue.metadata = {"token_endpoint": f"{there}/token"}
        with pytest.raises(AuthError, match="is not on the public internet"):
            serving("127.0.0.1").engine(ALICE).find(api.address)
        assert inside.requests == []


def test_a_user_removes_what_they_found_and_nothing_of_others(
    serving: Callable[..., HubBrokers], api: ProtectedAPI
) -> None:
    brokers = serving(*HERE)
    alice, bob = brokers.engine(ALICE), brokers.engine(BOB)
    found = alice.find(api.address)
    assert bob.find(api.address).name == found.name
    assert alice.remove(found.name).removed
    with pytest.raises(ProviderNotFound):
        alice.provider(found.name)
    assert bob.provider(found.name) == found
