"""A laptop whose client is the document that its person has published."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from jupyter_auth import UserSession
from jupyter_auth.kernel.broker.connect import connect
from patience import PATIENCE
from providers import certificates
from providers.oidc import OidcProvider
from providers.servers.mcp_servers import FastMcpElsewhere
from providers.sockets import SocketServer
from providers.troubles import Reply
from systems.servers.mcp_clients import ANSWER, by_hand

ASKED = {"clientIdMetadataDocument": {"enabled": True}, "registration": {"enabled": False}}


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Where the person's document is; ``documents`` are what is there, by path."""
    certificate = certificates.make(tmp_path)
    server = SocketServer(
        lambda request: Reply(200, server.documents[request.path]), certificate.context()
    )
    server.documents, server.ca_bundle = {}, certificate.ca_bundle
    server.url = f"https://localhost:{server.port}/client.json"
    monkeypatch.setenv("JUPYTER_AUTH_CLIENT_DOCUMENT", server.url)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(published):
    with (
        OidcProvider(features=ASKED, trusts=published.ca_bundle) as oidc,
        FastMcpElsewhere(oidc) as numbers,
    ):
        numbers.oidc = oidc
        yield numbers


@pytest.fixture
def document(server, published, home):  # noqa: ARG001
    """What the command prints for the provider of that address, published as it is."""
    name = connect().find(server.address).name
    command = [sys.executable, "-m", "jupyter_auth.cli", "client-document", name]
    done = subprocess.run(
        [*command, "--url", published.url], capture_output=True, check=True, timeout=PATIENCE
    )
    published.documents["/client.json"] = done.stdout
    return json.loads(done.stdout)


def test_from_an_address_to_a_tools_answer(document, server, published, browser):
    assert document["client_id"] == published.url
    with UserSession(server.address, interactive=True, timeout=PATIENCE) as session:
        assert by_hand(session) == ANSWER
    assert len(browser.links) == 1
    (granted,) = server.oidc.events("grant.success")
    assert granted["client_id"] == published.url
