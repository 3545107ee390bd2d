"""Which notebooks may use an account, at the Hub's service: for all its replicas, encrypted."""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from hub.hubs import KEYS
from hub.replicas.cluster import complete_login
from jupyter_auth.core.common.routes import ROUTES
from jupyter_auth.core.consent.consents import DAY, Asker
from jupyter_auth.core.errors import ConsentRequired
from jupyter_auth.core.models import AccountKey
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.secret import Secret
from jupyter_auth.server.broker import long_poll
from jupyter_auth.server.config import Settings
from jupyter_auth.server.forward import RemoteBroker
from jupyter_auth.server.hub.brokers import HubBrokers
from jupyter_auth.server.hub.storage import poll
from jupyter_auth.server.hub.storage.database import Database, Owner
from jupyter_auth.server.hub.storage.encryption import Encryption
from jupyter_auth.server.hub.storage.tables import records
from jupyter_auth.server.kernel_api.handlers import SocketKeyAuthenticator, kernel_application
from patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_auth.server.broker.redirect.hub import HubRedirect
    from providers.rogue import RogueProvider

ROSA, BOB = (Owner(name, "2026-01-01T00:00:00Z") for name in ("rosa", "bob"))
REPORT = {"provider": "idp", "kernel": "k", "notebook": "report.ipynb"}
OTHER = {"provider": "idp", "kernel": "l", "notebook": "other.ipynb"}


@contextmanager
def replica(file: Path, rogue: RogueProvider) -> Iterator[HubBrokers]:
    idp = {"issuer": rogue.issuer, "client_id": rogue.client_id, "scopes": ["openid"]}
    database = Database(f"sqlite:///{file}")
    brokers = HubBrokers(
        Settings(consent=True, shared_identities=("idp",)),
        Providers({"idp": idp}, allow_user_providers=False),
        database,
        Encryption(KEYS),
        base_url="/services/",
    )
    yield brokers
    brokers.close()
    database.close()


@pytest.fixture
def replicas(tmp_path: Path, rogue: RogueProvider) -> Iterator[tuple[HubBrokers, HubBrokers]]:
    """Two, where rosa has signed in."""
    file = tmp_path / "accounts.sqlite"
    with replica(file, rogue) as one, replica(file, rogue) as two:
        complete_login(one.engine(ROSA), "idp", rogue)
        yield one, two


def test_a_yes_at_one_replica_counts_at_all_and_so_does_its_end(
    replicas: tuple[HubBrokers, HubBrokers], tmp_path: Path
) -> None:
    async def live() -> None:
        here, there = (each.of_owner(ROSA) for each in replicas)
        with pytest.raises(ConsentRequired, match=r"report\.ipynb may not use your account"):
            await here.token(REPORT)
        login = await here.begin({**REPORT, "grant": "consent", "scopes": ["openid"]})
        assert (await there.login(login["id"]))["grant"] == "consent"
        await there.agree(await there.login_info(login["id"]), "month")
        assert (await here.login(login["id"]))["status"] == "complete"
        assert (await here.token(REPORT))["access_token"]
        with pytest.raises(ConsentRequired):
            await here.token(OTHER)
        (listed,) = (await here.consents())["consents"]
        assert listed["notebook"] == "report.ipynb"
        assert (await replicas[0].of_owner(BOB).consents())["consents"] == []
        since = (await here.changes({}, asyncio.Event()))["sequence"]
        assert (await there.revoke_consent(REPORT))["removed"]
        kinds: set[str] = set()
        while "account" not in kinds:
            asked = {"since": str(since), "wait": "20"}
            heard = await here.changes(asked, asyncio.Event())
            since, kinds = heard["sequence"], kinds | {each["kind"] for each in heard["changes"]}
        with pytest.raises(ConsentRequired):
            await here.token(REPORT)

    asyncio.run(live())
    assert all(b"ipynb" not in each.read_bytes() for each in tmp_path.glob("accounts.sqlite*"))


def test_a_kernel_hears_that_its_consent_has_ended(
    replicas: tuple[HubBrokers, HubBrokers], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one whose token never expires would go on for ever. The database does not change."""
    monkeypatch.setattr(long_poll, "POLL", 0.05)
    monkeypatch.setattr(poll, "BEAT", 0.05)
    broker, key = replicas[0].of_owner(ROSA), AccountKey("idp")
    replicas[0]._database.change(records.delete().where(records.c.kind == "logins"))
    kept, news = broker.engine.consents, broker._long_poll._has_news
    person = broker.engine.account(key).person
    kept.give(key, person, Asker("report.ipynb", "k"), ["openid"], "day")

    async def live() -> None:
        since = (await broker.changes({}, asyncio.Event()))["sequence"]
        waiting = asyncio.create_task(broker.changes({"since": since, "wait": 5}, asyncio.Event()))
        while not kept._seen or news():  # noqa: ASYNC110 (nothing tells it)
            await asyncio.sleep(0.1)
        real = kept._clock
        monkeypatch.setattr(kept, "_clock", lambda: real() + DAY)
        told = (await asyncio.wait_for(waiting, PATIENCE))["changes"]
        assert [each["kind"] for each in told] == ["account"]

    asyncio.run(live())


def test_a_users_server_says_which_notebook_it_is(
    replicas: tuple[HubBrokers, HubBrokers], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_AUTH_CONSENT", "1")
    key = Secret("the-token-of-rosas-server")

    async def known(kernel: str) -> str | None:
        return {"k": "deep/report.ipynb"}.get(kernel)

    async def live() -> None:
        authenticator = SocketKeyAuthenticator(replicas[0].of_owner(ROSA), key)
        service = HTTPServer(kernel_application(authenticator, "/services/jupyter-auth"))
        sockets = bind_sockets(0, "127.0.0.1")
        service.add_sockets(sockets)
        monkeypatch.setenv("JUPYTER_AUTH_URL", f"http://127.0.0.1:{sockets[0].getsockname()[1]}")
        monkeypatch.setenv("JUPYTERHUB_API_TOKEN", key.reveal())
        hub = cast("HubRedirect", SimpleNamespace(hub_prefix="/hub/"))
        server = RemoteBroker.configured_for(hub, notebook_of=known)
        assert server, os.environ["JUPYTER_AUTH_URL"]

        async def refused(**body: Any) -> str:
            with pytest.raises(ConsentRequired) as caught:
                await server.call(ROUTES["token"], body={"provider": "idp", **body})
            return caught.value.message

        assert (await refused(kernel="k", notebook="a.ipynb")).startswith("report.ipynb may not")
        for liar in ({"kernel": "x", "notebook": "report.ipynb"}, {"notebook": "report.ipynb"}):
            assert (await refused(**liar)).startswith("A program without a notebook")
        asked = await server.call(ROUTES["begin"], body={**REPORT, "grant": "consent"})
        assert asked["notebook"] == "deep/report.ipynb"
        server.close()
        service.stop()

    asyncio.run(live())
