"""A token is exchanged where the administrator or the person says, never where a notebook does."""

from __future__ import annotations

import time

import pytest

from core.sign_in import provider_at, sign_in, table
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider.definitions import replace_provider
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.kernel.broker.broker_client import BrokerClient
from kernel.broker_socket import BrokerSocket
from memory_store import MemoryStore
from providers.rogue import RogueProvider

EXCHANGE = {"from": "idp", "audience": "api"}


@pytest.fixture
def evil():
    """Whoever wrote the notebook has a server of their own."""
    with RogueProvider() as evil:
        yield evil


@pytest.fixture
def file(tmp_path):
    return tmp_path / "providers.toml"


@pytest.fixture
def broker(rogue, tmp_path, file):
    """A kernel's connection to the engine where its person is signed in to ``idp``."""
    providers = Providers({"idp": table(rogue)}, user_file=file)
    engine = Engine(providers, MemoryStore(), clock=time.time)
    sign_in(engine, rogue)
    with BrokerSocket(engine, tmp_path / "runtime") as kernel_api:
        client = BrokerClient(kernel_api.path)
        yield client
        client.close()


def test_a_provider_made_in_code_exchanges_nothing(broker, evil):
    with pytest.raises(ConfigurationError, match="made in code"):
        broker.token(broker.register(provider_at(evil, "mine", exchange=EXCHANGE)).name)
    assert evil.requests == []


@pytest.mark.parametrize("replace", [False, True])
def test_a_notebook_adds_none_to_the_persons_file(broker, evil, file, replace):
    fields = table(evil, exchange=EXCHANGE)
    with pytest.raises(ConfigurationError, match="can't be changed from here"):
        broker.add("mine", fields, replace=replace)
    assert not file.exists()


def test_a_notebook_does_not_move_one_that_is_there(broker, evil, file):
    """Its person wrote it by hand."""
    file.write_text(
        '[mine]\nissuer = "https://api.example"\nclient_id = "x"\nexchange = {from = "idp"}\n'
    )
    file.chmod(0o600)
    before = file.read_text()
    with pytest.raises(ConfigurationError, match="can't be changed from here"):
        broker.add("mine", {"endpoints": {"token_endpoint": f"{evil.url}/token"}})
    assert file.read_text() == before
    moved = replace_provider(broker.configuration("mine"), issuer=evil.issuer)
    with pytest.raises(ConfigurationError, match="made in code"):
        broker.register(moved)
    assert evil.requests == []


def test_a_person_adds_one_in_a_process_of_their_own(rogue, file):
    providers = Providers({"idp": table(rogue)}, user_file=file, own_process=True)
    engine = Engine(providers, MemoryStore(), clock=time.time)
    engine.add("mine", table(rogue, exchange=EXCHANGE))
    assert engine.configured("mine").exchange.source == "idp"
    again = Engine(Providers({"idp": table(rogue)}, user_file=file), MemoryStore())
    assert again.configured("mine").exchange.audience == "api"
