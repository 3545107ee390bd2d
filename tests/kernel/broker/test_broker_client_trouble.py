"""Broker sockets that are gone, moved or strange: what a client says, and never shows."""

from __future__ import annotations

import json
import socket

import pytest

from jupyter_auth.core import wire
from jupyter_auth.core.errors import (
    BrokerUnavailable,
)
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.kernel.broker import neighbours
from jupyter_auth.kernel.broker.broker_client import BrokerClient
from jupyter_auth.server.broker.broker import MAX_WAIT
from kernel.broker_socket import KEY, BrokerSocket, written
from kernel.forks_and_interrupts import interrupted
from kernel.traceback_locals import local_variables
from providers.sockets import SocketServer
from providers.troubles import Reply

# Broker sockets that are gone, moved or strange


def test_no_broker_socket(tmp_path):
    with pytest.raises(BrokerUnavailable, match="does not answer") as caught:
        BrokerClient(tmp_path / "none.json").accounts()
    assert "Restart" in caught.value.hint
    assert not BrokerClient(tmp_path / "none.json").answers()


def test_a_broker_socket_that_was_opened_anew_is_found(client, signed_in, kernel_api, tmp_path):
    assert client.token("idp")
    kernel_api.__exit__()
    with pytest.raises(BrokerUnavailable):
        client.accounts()
    with BrokerSocket(signed_in, tmp_path / "runtime") as second:
        second.path.rename(kernel_api.path)
        assert client.token("idp")
        second.path = kernel_api.path


@pytest.mark.usefixtures("signed_in")
def test_a_new_key_is_found(kernel_api, tmp_path):
    data = json.loads(kernel_api.path.read_text())
    client = BrokerClient(written(tmp_path / "file.json", **data | {"key": KEY}))
    with pytest.raises(BrokerUnavailable, match="key"):
        client.accounts()
    written(tmp_path / "file.json", **data)
    assert len(client.accounts()) == 1
    client.close()


@pytest.fixture
def stub(tmp_path):
    """A broker socket that answers whatever ``stub.reply`` is."""

    class Stub:
        reply = Reply()

    server = SocketServer(lambda _: Stub.reply)
    server.start()
    address = f"tcp:127.0.0.1:{server.port}"
    client = Stub.client = BrokerClient(written(tmp_path / "stub.json", address=address))
    yield Stub
    client.close()
    server.stop()


def answer(body, status=200, version="1"):
    given = {wire.VERSION_HEADER: version} if version else {}
    return Reply(status, body if isinstance(body, bytes) else json.dumps(body).encode(), given)


@pytest.mark.parametrize("version", ["2", "0", None, "x"])
def test_another_version_names_what_to_upgrade(stub, version):
    stub.reply = answer({"accounts": []}, version=version)
    with pytest.raises(BrokerUnavailable) as caught:
        stub.client.accounts()
    assert "Upgrade jupyter-auth-session in" in caught.value.hint


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>planted-token",
        b"[]",
        b"null",
        b'{"access_token": "planted-token"',
        b'"x"',
        b'{"headers": {"Authorization": "Bearer planted-token"}, "access_token": "planted-token", ',
    ],
)
def test_nonsense_shows_no_token(stub, body):
    stub.reply = answer(body)
    with pytest.raises(BrokerUnavailable, match="returned an unexpected response") as caught:
        stub.client.token("idp")
    shown = local_variables(caught.value)
    assert "planted-token" not in shown
    assert KEY not in shown


def test_an_incomplete_token_shows_no_token(stub):
    stub.reply = answer({"headers": {}, "accesstoken": "planted-token"})
    with pytest.raises(BrokerUnavailable) as caught:
        stub.client.token("idp")
    assert "planted-token" not in local_variables(caught.value)


def test_an_unknown_error_is_an_error(stub):
    stub.reply = answer(b"<html>", 500)
    with pytest.raises(Exception, match="without a description"):
        stub.client.accounts()


def test_a_broker_socket_that_hangs_up_shows_no_key(stub):
    stub.reply = Reply(closed=True)
    with pytest.raises(BrokerUnavailable, match="does not answer") as caught:
        stub.client.register(
            Provider(name="x", issuer="https://x.example", client_secret="planted-secret")
        )
    shown = local_variables(caught.value)
    assert KEY not in shown
    assert "planted-secret" not in shown


def test_an_interrupt_shows_no_key(kernel_api, client):
    key = json.loads(kernel_api.path.read_text())["key"]
    since = client.changes().sequence
    with pytest.raises(KeyboardInterrupt) as caught, interrupted(lambda: kernel_api.waiting > 0):
        client.changes(since, MAX_WAIT)
    assert key not in local_variables(caught.value)


def test_a_broker_socket_that_says_nothing_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("jupyter_auth.kernel.broker.transport.ANSWER_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp:127.0.0.1:{silent.getsockname()[1]}"
        client = BrokerClient(written(tmp_path / "file.json", address=address))
        with pytest.raises(BrokerUnavailable, match="in time"):
            client.accounts()


def test_a_server_that_is_stopped_holds_up_no_search_for_another(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(neighbours, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp:127.0.0.1:{silent.getsockname()[1]}"
        written(tmp_path / "jupyter_auth-1.json", address=address)
        assert not neighbours.forward("http://localhost:8888/x", "", "http://127.0.0.1")
        silent.settimeout(0)
        silent.accept()[0].close()
