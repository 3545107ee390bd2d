"""A Hub's service, asked by a kernel itself: what goes there, and what does not go elsewhere."""

from __future__ import annotations

import json

import pytest

from jupyter_auth.core import wire
from jupyter_auth.core.errors import BrokerUnavailable
from jupyter_auth.kernel.broker import hub_transport
from jupyter_auth.kernel.broker.connect import connect
from patience import PATIENCE
from providers import certificates
from providers.sockets import Served, SocketServer
from providers.troubles import Reply

TOKEN = "planted-hub-api-token"


class Service(Served):
    """Answers as the Hub's service would; ``seen`` is what arrived."""

    def __init__(self, tls=None):
        self.reply = {"status": 200, "body": {"accounts": []}, "headers": {}}
        self.seen = []
        self._server = SocketServer(self._answer, tls)
        self.origin = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.port}"

    def _answer(self, request):
        self.seen.append(request)
        headers = {wire.VERSION_HEADER: "1", **self.reply["headers"]}
        return Reply(self.reply["status"], json.dumps(self.reply["body"]).encode(), headers)

    def accounts(self, **changes):
        environ = {
            "JUPYTER_AUTH_URL": self.origin,
            "JUPYTERHUB_API_TOKEN": TOKEN,
            "JUPYTERHUB_BASE_URL": "/campus/",
        }
        return connect(environ | changes)


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch):
    monkeypatch.setattr(hub_transport, "CONNECT_TIMEOUT", PATIENCE)


@pytest.fixture
def service():
    with Service() as service:
        yield service


def test_its_kernel_routes_are_asked_with_the_servers_own_token(service):
    accounts = service.accounts()
    assert accounts.accounts() == []
    (asked,) = service.seen
    assert asked.target == "/campus/services/jupyter-auth/api/v1/accounts"
    assert asked.bearer == TOKEN
    assert asked.headers["host"] == service.origin.removeprefix("http://")
    assert asked.headers[wire.VERSION_HEADER.lower()] == "1"
    assert not {"origin", "cookie", "referer"} & asked.headers.keys()
    assert accounts.local is None
    assert TOKEN not in repr(accounts)


def test_the_broker_socket_of_the_own_server_goes_first(service, kernel_api):
    assert service.accounts(JUPYTER_AUTH_CONNECTION=str(kernel_api.path)).accounts() == []
    assert not service.seen


def test_a_redirect_is_not_followed(service):
    with Service() as elsewhere:
        service.reply |= {"status": 302, "headers": {"Location": elsewhere.origin}}
        with pytest.raises(BrokerUnavailable, match="returned an unexpected response"):
            service.accounts().accounts()
        assert not elsewhere.seen


def test_no_proxy_or_netrc_of_the_environment_touches_it(service, home, monkeypatch):
    (home / ".netrc").write_text("default login mallory password planted\n")
    (home / ".netrc").chmod(0o600)
    with Service() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.origin)
        assert service.accounts().accounts() == []
        assert not proxy.seen
    assert service.seen[0].bearer == TOKEN


def test_over_tls_a_certificate_has_to_be_trusted(tmp_path, monkeypatch):
    certificate = certificates.make(tmp_path)
    with Service(certificate.context()) as service:
        with pytest.raises(BrokerUnavailable, match="sign-in service is not trusted") as caught:
            service.accounts().accounts()
        assert "SSL_CERT_FILE" in caught.value.hint
        assert not service.seen
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.ca_bundle))
        assert service.accounts().accounts() == []
        assert service.seen[0].bearer == TOKEN


def test_one_that_is_gone_is_said_so_and_nobody_else_takes_over(service):
    accounts = service.accounts()
    service.__exit__()
    with pytest.raises(BrokerUnavailable, match="does not answer") as caught:
        accounts.accounts()
    assert "Hub's administrator" in caught.value.hint


def test_what_the_service_says_against_it_is_told(service):
    refusal = {"code": "broker_unavailable", "message": "No.", "hint": "Ask."}
    service.reply |= {"status": 403, "body": refusal}
    with pytest.raises(BrokerUnavailable, match=r"No\. Ask\."):
        service.accounts().accounts()
    service.reply |= {"status": 200, "body": {}, "headers": {wire.VERSION_HEADER: "2"}}
    with pytest.raises(BrokerUnavailable, match="Hub's sign-in service speaks version 2"):
        service.accounts().accounts()
