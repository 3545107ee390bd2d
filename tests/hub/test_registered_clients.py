"""The Hub's service as a client that nobody registers: its documents; one that it registers."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import pytest
import requests
from sqlalchemy import select
from tornado import web
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from core.registration.registering import RegisteringRogue
from core.sign_in import Callback, account_of, arrive, sign_in, table, visit
from hub.hubs import KEYS
from hub.service_client import serving
from jupyter_auth.core.common import blocked_addresses
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.registration.registrations import Registration, place_of
from jupyter_auth.core.tokens.need import Need
from jupyter_auth.server.config import Settings
from jupyter_auth.server.hub import client_page
from jupyter_auth.server.hub.admin import _owners
from jupyter_auth.server.hub.app import SharedOAuth
from jupyter_auth.server.hub.brokers import HubBrokers
from jupyter_auth.server.hub.doctor.service_checks import _provider
from jupyter_auth.server.hub.service import HubService
from jupyter_auth.server.hub.storage import sql_registrations
from jupyter_auth.server.hub.storage.database import Owner
from jupyter_auth.server.hub.storage.tables import records
from jupyter_auth.server.hub.users.users import HubUsers
from patience import PATIENCE
from providers import certificates
from providers.oidc import OidcProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from clock import Clock
    from jupyter_auth.core.engine import Engine
    from jupyter_auth.server.hub.storage.database import Database
    from jupyter_auth.server.hub.storage.encryption import Encryption

PREFIX = "/services/jupyter-auth"
CALLBACK = f"{PREFIX}/callback/idp"


@pytest.fixture
def replica(database: Database, cipher: Encryption) -> Iterator[Callable[..., HubBrokers]]:
    """Makes replicas of the service over one database."""
    made: list[HubBrokers] = []

    def make(server: Any, **settings: Any) -> HubBrokers:
        providers = Providers({"idp": table(server, client_id=None)}, allow_user_providers=False)
        given = Settings(shared_identities=("idp",), **settings)
        made.append(HubBrokers(given, providers, database, cipher, base_url="/services/"))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def rogue(clock: Clock) -> Iterator[RegisteringRogue]:
    with RegisteringRogue(methods=("client_secret_basic",), clock=clock) as provider:
        yield provider


def of(brokers: HubBrokers, name: str) -> Engine:
    return brokers.engine(Owner(name, "2026-01-01T00:00:00Z"))


class Published:
    """The service's documents at a real https address of this machine."""

    def __init__(self, certificate: certificates.Certificate, public_origin: str | None) -> None:
        self._loop = asyncio.new_event_loop()
        (self._socket,) = bind_sockets(0, "127.0.0.1")
        self.origin = f"https://localhost:{self._socket.getsockname()[1]}"
        route = (PREFIX + client_page.PATH, client_page.ClientDocument)
        app = web.Application([(*route, {"public_origin": public_origin})])
        self._server = HTTPServer(app, ssl_options=certificate.context())
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.call_soon(self._server.add_socket, self._socket)
        self._loop.run_forever()
        self._server.stop()
        self._loop.close()


def test_a_document_names_itself_and_its_callback(tmp_path: Path) -> None:
    certificate = certificates.make(tmp_path)
    with Published(certificate, None) as service:
        url = f"{service.origin}{CALLBACK}/client.json"
        answer = requests.get(url, timeout=PATIENCE, verify=str(certificate.ca_bundle))
        odd = f"{service.origin}{PREFIX}/callback/..%2Fx/client.json"
        other = requests.get(odd, timeout=PATIENCE, verify=str(certificate.ca_bundle))
    found = answer.json()
    assert found["client_id"] == url
    assert found["redirect_uris"] == [f"{service.origin}{CALLBACK}"]
    assert found["token_endpoint_auth_method"] == "none"
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert other.status_code == 404


def test_a_public_url_is_what_it_is_named_after(tmp_path: Path) -> None:
    certificate = certificates.make(tmp_path)
    with Published(certificate, "https://hub.example") as service:
        url = f"{service.origin}{CALLBACK}/client.json"
        answer = requests.get(url, timeout=PATIENCE, verify=str(certificate.ca_bundle))
    assert answer.json()["client_id"] == f"https://hub.example{CALLBACK}/client.json"
    assert answer.json()["client_name"] == "Jupyter on hub.example"


def test_the_service_answers_it_to_all_and_nothing_more(tmp_path: Path) -> None:
    hub_auth = SharedOAuth(api_token="t", api_url="http://127.0.0.1:1/hub/api", oauth_client_id="x")

    async def answers() -> list[Any]:
        with serving(HubUsers(hub_auth), tmp_path) as origin:
            client, base = AsyncHTTPClient(), f"{origin}{PREFIX}/callback/mcp.acme.example"
            proxied = {"X-Forwarded-Proto": "https"}
            asked = [(f"{base}/client.json", proxied), (f"{base}/client.jsonx", {})]
            requests = [HTTPRequest(url, headers=headers) for url, headers in asked]
            return [await client.fetch(each, raise_error=False) for each in requests]

    document, other = asyncio.run(answers())
    found = json.loads(document.body)
    assert (document.code, other.code) == (200, 404)
    assert found["client_id"].startswith("https://127.0.0.1:")
    assert found["client_id"].endswith(f"{PREFIX}/callback/mcp.acme.example/client.json")
    assert "Set-Cookie" not in document.headers


def test_nothing_is_registered_where_a_document_is_enough(replica, clock, tmp_path: Path) -> None:
    clock.advance(time.time() - clock())  # that of the real provider
    certificate = certificates.make(tmp_path)
    asked = {"clientIdMetadataDocument": {"enabled": True}, "registration": {"enabled": False}}
    with (
        OidcProvider(features=asked, trusts=certificate.ca_bundle) as oidc,
        Published(certificate, None) as service,
    ):
        engine = of(replica(oidc), "rosa")
        login = engine.begin(LoginRequest("idp"))
        redirect_uri = f"{service.origin}{CALLBACK}"
        url, binding = engine.open(login.id, redirect_uri, "rosa")
        params = visit(oidc, url)
        ended = Callback("idp", params, {binding.name: binding.value}, "rosa").finish(engine)
        assert ended.status == "complete", ended.error
        assert account_of(engine).client_id == f"{redirect_uri}/client.json"
        assert engine.token("idp", need=Need(rejected=engine.token("idp").digest))
        assert engine.logout("idp").revoked


def test_one_registration_serves_all_users(replica, rogue) -> None:
    brokers = replica(rogue)
    rosa, tom = of(brokers, "rosa"), of(replica(rogue), "tom")
    first = sign_in(rosa, rogue)
    second = sign_in(tom, rogue)  # at another replica
    assert first.client_id == second.client_id
    assert len([each for each in rogue.asked if each["token_endpoint_auth_method"] != "none"]) == 1
    assert rosa.token("idp", need=Need(rejected=rosa.token("idp").digest))


def test_replicas_that_register_at_once_end_in_one(replica, rogue) -> None:
    engines = [of(replica(rogue), f"user-{n}") for n in range(3)]
    with ThreadPoolExecutor() as pool:
        accounts = list(pool.map(lambda each: arrive(each, _login(each), rogue), engines))
    assert len(accounts) == 3
    assert len({each.params.get("iss") for each in accounts}) == 1
    granted = [each for each in rogue.asked if each["token_endpoint_auth_method"] != "none"]
    assert len(granted) == 1


def _login(engine: Engine) -> Any:
    return engine.begin(LoginRequest("idp"))


def test_the_database_shows_no_secret_and_no_user(replica, rogue, database) -> None:
    engine = of(replica(rogue), "rosa")
    sign_in(engine, rogue)
    (row,) = database.rows(select(records).where(records.c.kind == "registration"))
    assert rogue.client_secret.encode() not in row.data
    assert (row.owner, row.user_name) == ("registration", "")
    assert [each.name for each in _owners(database)] == ["rosa"]  # the sweep leaves it alone


def test_one_user_cannot_delete_it(replica, rogue) -> None:
    engine = of(replica(rogue), "rosa")
    sign_in(engine, rogue)
    party = engine._parties.of("idp")
    assert engine._clients.remove(party) == []
    assert engine._clients._store.read(place_of(party))
    assert rogue.seen("manage") == []


def test_there_is_a_limit_to_what_users_can_fill(database, cipher, monkeypatch) -> None:
    monkeypatch.setattr(sql_registrations, "MOST", 3)
    store = sql_registrations.SqlRegistrations(database, cipher)
    for number in range(6):
        with store.change(f"place {number}") as entries:
            entries.append(Registration(client_id=f"client-{number}"))
    kept = database.rows(select(records).where(records.c.kind == "registration"))
    assert len(kept) == 3
    assert store.read("place 5")[0].client_id == "client-5"


@pytest.mark.parametrize(
    ("offers", "says"),
    [
        ({}, "registers itself"),
        ({"client_id_metadata_document_supported": True}, "below the redirect URI"),
    ],
)
def test_the_services_doctor_says_how_it_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offers: dict[str, Any], says: str
) -> None:
    monkeypatch.setattr(blocked_addresses, "_shared", False)  # as before, once the test ends
    with RegisteringRogue() as rogue:
        rogue.metadata |= offers
        service = HubService(
            {
                "JUPYTERHUB_API_TOKEN": "t",
                "JUPYTERHUB_SERVICE_PREFIX": f"{PREFIX}/",
                "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:10201",
                "JUPYTER_AUTH_DATABASE_URL": f"sqlite:///{tmp_path / 'accounts.sqlite'}",
                "JUPYTER_AUTH_CRYPT_KEYS": KEYS,
                "JUPYTER_AUTH_PROVIDERS": json.dumps({"idp": table(rogue, client_id=None)}),
            }
        )
        found = {each.about: each for each in _provider(service, "idp", None)}
        service.close()
    assert {each.state for each in found.values()} <= {"ok", "note"}
    assert says in found["Client of idp"].says
    assert "Redirect URI of idp" not in found  # there is nothing to register
