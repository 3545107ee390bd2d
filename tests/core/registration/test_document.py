"""A laptop's client that is a document, which its person has published; and what doctor says."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from core.registration.registering import RegisteringRogue
from core.sign_in import account_of, sign_in, table
from jupyter_auth import terminal
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.registration import client_document
from jupyter_auth.core.registration.clients import DOCUMENT
from providers import certificates
from providers.oidc import OidcProvider
from providers.sockets import SocketServer
from providers.troubles import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Page:
    """Where the person publishes: ``answer`` is what is there, ``url`` its address."""

    def __init__(self, certificate: certificates.Certificate) -> None:
        self.answer = Reply(404)
        self.ca_bundle = certificate.ca_bundle
        self.server = SocketServer(lambda _: self.answer, certificate.context())
        self.url = f"https://localhost:{self.server.port}/client.json"

    def publish(self, **changes: Any) -> None:
        document = client_document.of_this_machine(self.url, ["idp"])
        self.answer = Reply.json(document | changes)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    page = Page(certificates.make(tmp_path))
    page.server.start()
    yield page
    page.server.stop()


def engine_at(server: Any, page: Page, store: Any) -> Engine:
    idp = table(server, client_id=None, ca_bundle=str(page.ca_bundle))
    return Engine(Providers({"idp": idp}), store, client_document=page.url)


def test_a_published_document_is_the_client(page, files):
    page.publish()
    features = {"clientIdMetadataDocument": {"enabled": True}}
    with OidcProvider(features=features, trusts=page.ca_bundle) as oidc:
        engine = engine_at(oidc, page, files)
        assert sign_in(engine, oidc).client_id == page.url
        assert engine.logout("idp").revoked
        assert engine._clients._store.read("") == []  # nothing was registered


def test_a_document_that_the_provider_cannot_read_is_passed_over(page, files):
    features = {"clientIdMetadataDocument": {"enabled": True}}
    with OidcProvider(features=features, trusts=page.ca_bundle) as oidc:
        engine = engine_at(oidc, page, files)  # nothing is published
        sign_in(engine, oidc)
        assert account_of(engine).client_id not in {None, page.url}  # it registered itself


@pytest.fixture
def reading(clock) -> Iterator[RegisteringRogue]:
    with RegisteringRogue(clock=clock) as rogue:
        rogue.metadata |= {"client_id_metadata_document_supported": True}
        yield rogue


def client_line(engine: Engine) -> Any:
    (found,) = [each for each in engine.examine("idp") if each.about == "Client"]
    return found


def test_doctor_reads_the_document(page, reading, files, capsys, monkeypatch):
    engine = engine_at(reading, page, files)
    wrong = {
        "answers 404": lambda: None,
        "another client ID": lambda: page.publish(client_id="https://other.example/x.json"),
        "no redirect URI of 'idp'": lambda: page.publish(redirect_uris=["http://localhost/x"]),
        "not a JSON object": lambda: setattr(page, "answer", Reply(200, b"[]")),
    }
    for words, publish in wrong.items():
        publish()
        found = client_line(engine)
        assert found.state == "wrong"
        assert words in found.says
    # What it says to do works.
    command = shlex.split(found.fix.split("`")[1])
    assert command[:3] == ["jupyter", "auth", "client-document"]
    monkeypatch.setattr(terminal, "connect", lambda: engine)
    assert terminal.run(command[2:]) == 0
    page.answer = Reply.json(json.loads(capsys.readouterr().out))
    assert (client_line(engine).state, client_line(engine).says) == (
        "ok",
        f"Its ID is the document at {page.url}.",
    )


def test_doctor_says_that_a_client_registers_itself(clock, files):
    with RegisteringRogue(clock=clock) as rogue:
        engine = Engine(Providers({"idp": table(rogue, client_id=None)}), files)
        assert "registers itself" in client_line(engine).says


def test_the_command_needs_an_address_and_a_name(capsys, monkeypatch):
    monkeypatch.delenv(DOCUMENT, raising=False)
    assert terminal.run(["client-document", "github"]) == 2
    assert "--url" in capsys.readouterr().err


def test_the_document_is_for_any_port_of_this_machine():
    found = client_document.of_this_machine("https://me.example/c.json", ["idp"])
    assert found["application_type"] == "native"
    assert found["redirect_uris"] == [
        "http://127.0.0.1/callback/idp",
        "http://127.0.0.1/jupyter-auth/callback/idp",
        "http://localhost/callback/idp",
        "http://localhost/jupyter-auth/callback/idp",
    ]
