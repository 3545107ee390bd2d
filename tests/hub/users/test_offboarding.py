"""A user goes: by the administrator's command, and by being deleted at the Hub."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from core.sign_in import account_of, sign_in, table
from hub.replicas.cluster import Cluster
from hub.storage.databases import ALICE, KEYS
from hub.storage.postgres import Postgres
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.server.config import Settings
from jupyter_auth.server.hub import cli
from jupyter_auth.server.hub.brokers import HubBrokers
from jupyter_auth.server.hub.revocations import KIND, TRY
from jupyter_auth.server.hub.storage.database import Database
from jupyter_auth.server.hub.storage.tables import records
from patience import PATIENCE, until
from providers import troubles
from providers.rogue import RogueProvider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clock import Clock
    from jupyter_auth.server.hub.storage.encryption import Encryption


# -- by the administrator's command ----------------------------------------------------------------


@pytest.mark.usefixtures("environment")
def test_the_command_says_what_became_of_it(  # noqa: PLR0917
    rogue: RogueProvider,
    clock: Clock,
    database: Database,
    cipher: Encryption,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with RogueProvider(clock=clock) as plain:
        rogue.clock, plain.metadata = clock, {"revocation_endpoint": None}
        known = {"idp": table(rogue), "plain": table(plain)}
        monkeypatch.setenv("JUPYTER_AUTH_PROVIDERS", json.dumps(known))
        providers = Providers(known, allow_user_providers=False)
        with closing(
            HubBrokers(Settings(), providers, database, cipher, base_url="/services/")
        ) as brokers:
            alice = brokers.engine(ALICE)
            sign_in(alice, rogue)
            sign_in(alice, plain, "plain")
            found = account_of(alice)
        rogue.script("revoke", troubles.status(503))
        assert cli.main(["sign-out", "alice"]) == 1
        said = capsys.readouterr().out
        assert alice.accounts() == []
        assert "idp: not revoked yet. The revocation endpoint" in said
        assert "does not support revocation; tokens stay valid until they expire." in said
        assert "0 are revoked, 1 can't be, 1 are queued." in said
        assert "The service keeps trying" in said
        rogue.behave()
        assert cli.main(["sign-out", "alice"]) == 0
        assert "idp: revoked." in capsys.readouterr().out
        assert rogue.revoked == [found.refresh_token.reveal(), found.access_token.reveal()]
        for nobody in ("alice", "alise"):
            assert cli.main(["sign-out", nobody]) == 1
            assert f"No accounts of a user {nobody!r} were found." in capsys.readouterr().out


# -- by being deleted at the Hub -------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("cluster")
    with ExitStack() as stack:
        rogue = stack.enter_context(RogueProvider())
        postgres = stack.enter_context(Postgres(home / "postgres"))
        yield stack.enter_context(Cluster(home, postgres.url, KEYS, rogue))


@pytest.fixture
def waiting(cluster: Cluster) -> Iterator[Database]:
    """The database, to see what waits in it."""
    with closing(Database(cluster.database_url)) as database:
        yield database
    cluster.rogue.behave()


def waits(database: Database, name: str) -> bool:
    """Whether something of that user is to be revoked yet."""
    row = records.c
    return bool(database.rows(select(row.id).where(row.kind == KIND, row.user_name == name)))


def delete_at_the_hub(cluster: Cluster, name: str) -> list[str]:
    """A user with an account at the provider: the tokens that are to be revoked."""
    cluster.users([name])
    (family,) = [each for each in cluster.rogue._families if each.alive][-1:]
    access = [token for token, (of, _) in cluster.rogue._access.items() if of is family]
    cluster.hub.api("DELETE", f"users/{name}")
    cluster.rogue.revoked.clear()
    return [family.refresh_token, *access]


def restart(cluster: Cluster) -> None:
    """Each replica sweeps when it starts, and then every five minutes."""
    for replica in list(cluster.replicas):
        cluster.remove(replica)
    for _ in range(2):
        cluster.add()


@pytest.mark.long
@pytest.mark.timeout(600)
def test_once_its_provider_answers_again_a_deleted_user_is_revoked_by_one_of_two(
    cluster: Cluster, waiting: Database
) -> None:
    cluster.rogue.script("revoke", troubles.status(503), times=1)  # so that there is one try more
    tokens = delete_at_the_hub(cluster, "gone")
    restart(cluster)
    until(lambda: len(cluster.rogue.revoked) >= len(tokens), 3 * PATIENCE)
    until(lambda: not waits(waiting, "gone"))
    assert cluster.rogue.revoked == tokens
    assert len(cluster.rogue.seen("revoke")) == 1 + len(tokens)
    said = ' revoked at the provider: user="gone" provider="idp"'
    assert cluster.log.read_text().count(said) == 1


@pytest.mark.long
@pytest.mark.timeout(600)
def test_and_by_the_other_where_the_one_that_tried_was_killed(
    cluster: Cluster, waiting: Database
) -> None:
    gate = cluster.rogue.script("revoke", troubles.Gate(then=troubles.close()))
    tokens = delete_at_the_hub(cluster, "victim")
    for replica in list(cluster.replicas):
        cluster.remove(replica)
    victim = cluster.add()
    assert gate.arrived.wait(PATIENCE)
    victim.kill()
    cluster.rogue.behave()
    assert waits(waiting, "victim")
    cluster.balancer.ports.remove(victim.port)
    cluster.replicas.remove(victim)
    for _ in range(2):
        cluster.add()
    until(lambda: not waits(waiting, "victim"), TRY + 2 * PATIENCE)
    assert cluster.rogue.revoked == tokens
