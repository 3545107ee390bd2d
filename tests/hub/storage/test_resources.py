"""Tokens for several APIs in the service's database: two replicas, and one refresh for each API."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from core.sign_in import sign_in
from core.tokens.resources.two_apis import ONE, OTHER, token_for, two_apis
from hub.storage.databases import ALICE
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.server.hub.storage.database import Database
from jupyter_auth.server.hub.storage.sql_store import SqlStore
from jupyter_auth.server.hub.storage.tables import records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_auth.server.hub.storage.encryption import Encryption
    from providers.oidc import OidcProvider


@pytest.fixture
def replicas(
    database: Database,  # noqa: ARG001 (empty at first)
    url: str,
    cipher: Encryption,
    oidc: OidcProvider,
) -> Iterator[list[Engine]]:
    """Two, each with a connection of its own; alice has signed in at the first."""
    for each in (ONE, OTHER):
        oidc.add_resource(each)
    providers = Providers({"two": two_apis(oidc)})
    own = [Database(url) for _ in range(2)]
    made = [Engine(providers, SqlStore(each, cipher, ALICE)) for each in own]
    sign_in(made[0], oidc, "two")
    yield made
    for each in (*made, *own):
        each.close()


def test_two_replicas_refresh_once_for_each_api(replicas: list[Engine], oidc: OidcProvider) -> None:
    """The provider rotates refresh tokens, and ends the sign-in of one that is used twice."""
    oidc.ttl(AccessToken=1)
    old = {each: token_for(replicas[0], each).digest for each in (ONE, OTHER)}
    before = oidc.refresh_count
    asked = [(engine, each) for engine in replicas for each in old for _ in range(4)]
    with ThreadPoolExecutor(len(asked)) as pool:
        found = [*pool.map(lambda each: token_for(*each, rejected=old[each[1]]), asked)]
    digests = {(each, token.digest) for (_, each), token in zip(asked, found, strict=True)}
    assert len(digests) == 2
    assert not {digest for _, digest in digests} & {*old.values()}
    assert (oidc.refresh_count - before, oidc.reuse_count) == (2, 0)


def test_the_database_has_them_encrypted(
    replicas: list[Engine], oidc: OidcProvider, url: str
) -> None:
    token = token_for(replicas[1], OTHER)
    assert token_for(replicas[0], OTHER).digest == token.digest
    assert oidc.refresh_count == 1
    database = Database(url, time.time)
    (row,) = database.rows(select(records).where(records.c.owner == ALICE.id))
    assert token.access_token.reveal() not in str(row)
    database.close()
    replicas[0].logout("two")
    assert replicas[1].accounts() == []
