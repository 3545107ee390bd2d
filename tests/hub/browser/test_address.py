"""An API of a Hub's user, by its address: the Hub's service is a client by its document."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from browser.chromium import chromium, new_context
from hub.hubs import served_hub
from hub.notebook_kernel import NotebookKernel, hub_login, sign_in
from patience import until
from providers import certificates
from providers.internet import Front
from providers.oidc import OidcProvider
from providers.servers.mcp_servers import FastMcpElsewhere

CELL = """
from jupyter_auth import UserSession
session = UserSession({!r}, interactive=True)
call = {{"jsonrpc": "2.0", "id": 1, "method": "tools/call"}}
call["params"] = {{"name": "add", "arguments": {{"a": 2, "b": 3}}}}
accept = {{"Accept": "application/json, text/event-stream"}}
answer = session.post("", json=call, headers=accept).json()
print("the sum is", answer["result"]["content"][0]["text"])
"""
ASKED = {"clientIdMetadataDocument": {"enabled": True}, "registration": {"enabled": False}}


@pytest.fixture
def at_home(tmp_path):
    """A Hub behind TLS, an API, and a provider that registers nobody and reads documents."""
    certificate = certificates.make(tmp_path)
    with (
        OidcProvider(features=ASKED, trusts=certificate.ca_bundle) as oidc,
        FastMcpElsewhere(oidc) as numbers,
        # Without a club, whose policy would hold for all other definitions of its issuer.
        served_hub(oidc, tmp_path / "hub", discover=["127.0.0.1", "localhost"], club=False) as hub,
        Front(certificate, urlsplit(hub.origin).port) as front,
    ):
        yield hub, front, numbers, oidc


def test_from_an_address_to_the_answer_of_a_tool(at_home):
    hub, front, numbers, oidc = at_home
    server = hub.server("alice")
    kernel_api, kernel = server.kernel(), NotebookKernel(server)
    kernel.run(CELL.format(numbers.address))
    until(lambda: bool(kernel_api.call("GET", "logins")["logins"]))
    (login,) = kernel_api.call("GET", "logins")["logins"]
    with chromium() as browser:
        context = new_context(browser, ignore_https_errors=True)
        tab = hub_login(context, hub, "alice", front.origin)
        tab.goto(front.origin + login["path"])
        expect(tab.get_by_role("main")).to_contain_text(numbers.address)
        sign_in(tab, "alice")
        kernel.read("the sum is 5")
        context.close()
    kernel.close()
    (event,) = oidc.events("grant.success")
    assert event["client_id"].startswith(f"{front.origin}/campus/services/jupyter-auth/")
    assert event["client_id"].endswith("/client.json")
