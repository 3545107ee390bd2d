"""Exchanged tokens on the Hub's service: nothing is stored of them, and their source is in use."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from core.sign_in import sign_in
from core.tokens.exchange.derived import exchanges, tables
from hub.hubs import KEYS
from hub.storage.databases import ALICE
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.models import AccountKey
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.server.config import Settings
from jupyter_auth.server.hub.brokers import HubBrokers
from jupyter_auth.server.hub.storage.database import Database
from jupyter_auth.server.hub.storage.encryption import Encryption
from jupyter_auth.server.hub.storage.tables import records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from providers.oidc import OidcProvider


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'accounts.sqlite'}")
    yield database
    database.close()


@pytest.fixture
def brokers(database: Database, oidc: OidcProvider) -> Iterator[HubBrokers]:
    providers = Providers(tables(oidc), allow_user_providers=False)
    encryption = Encryption(KEYS)
    brokers = HubBrokers(Settings(), providers, database, encryption, base_url="/services/")
    yield brokers
    brokers.close()


def test_a_kernel_gets_one_and_the_source_counts_as_used(
    brokers: HubBrokers, database: Database, oidc: OidcProvider
) -> None:
    sign_in(brokers.engine(ALICE), oidc)
    broker = brokers.of_owner(ALICE)
    before = len(database.rows(select(records.c.id)))

    async def ask() -> list[str]:
        asked = {"provider": "derived", "notebook": "a.ipynb"}
        answers = await asyncio.gather(*(broker.token(asked) for _ in range(8)))
        await asyncio.gather(*broker._noting)
        return [each["access_token"] for each in answers]

    (token,) = {*asyncio.run(ask())}
    assert oidc.introspect(token)["sub"] == "u-1001"
    assert exchanges(oidc) == 1
    assert len(database.rows(select(records.c.id))) == before
    assert broker._store.used_at(AccountKey("idp")) is not None


def test_signing_out_of_it_queues_nothing(
    brokers: HubBrokers, database: Database, oidc: OidcProvider
) -> None:
    engine = brokers.engine(ALICE)
    sign_in(engine, oidc)
    token = engine.token("derived").access_token.reveal()
    before = len(database.rows(select(records.c.id)))
    assert engine.logout("derived").revoked
    assert not oidc.introspect(token)["active"]
    assert len(database.rows(select(records.c.id))) == before


def test_no_user_brings_one(brokers: HubBrokers, oidc: OidcProvider) -> None:
    engine = brokers.engine(ALICE)
    with pytest.raises(ConfigurationError, match="Only the providers that the administrator"):
        engine.register(engine.configured("derived"))
    with pytest.raises(ConfigurationError):
        engine.add("mine", tables(oidc)["derived"])
