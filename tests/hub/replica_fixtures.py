"""What processes of the service hold over one database, and a user who is to go there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from core.sign_in import sign_in, table
from hub.storage.databases import ALICE
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.server.config import Settings
from jupyter_auth.server.hub.brokers import HubBrokers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clock import Clock
    from jupyter_auth.core.engine import Engine
    from jupyter_auth.server.hub.storage.database import Database
    from jupyter_auth.server.hub.storage.encryption import Encryption
    from providers.rogue import RogueProvider

    NewReplica = Callable[..., HubBrokers]


@pytest.fixture
def new_replica(
    database: Database, cipher: Encryption, rogue: RogueProvider, clock: Clock
) -> Iterator[NewReplica]:
    """Makes what a process of the service holds, all over one database."""
    rogue.clock = clock
    made = []

    def make(**providers: RogueProvider | dict[str, Any]) -> HubBrokers:
        given = (providers or {"idp": rogue}).items()
        known = {name: each if isinstance(each, dict) else table(each) for name, each in given}
        settings = Settings(shared_identities=("idp", "other"))
        configured = Providers(known, allow_user_providers=False, is_member=lambda _: True)
        brokers = HubBrokers(settings, configured, database, cipher, base_url="/services/")
        made.append(brokers)
        return brokers

    yield make
    for brokers in made:
        brokers.close()


@pytest.fixture
def replica(new_replica: NewReplica) -> HubBrokers:
    return new_replica()


@pytest.fixture
def leaver(replica: HubBrokers, rogue: RogueProvider) -> Engine:
    """Alice's, who is signed in."""
    engine = replica.engine(ALICE)
    sign_in(engine, rogue)
    return engine
