"""Promise 4: the host that a person is shown is the one that the browser then really goes to."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from browser.chromium import new_context
from browser.sign_in_tab import follow
from providers import certificates
from providers.sockets import SocketServer
from providers.troubles import Reply

# Each with the issuer of ``rogue``, which is at 127.0.0.1, and whose name says nothing.
PLACES = {
    "another": ("https://localhost:{port}/authorize", "localhost:{port}"),
    "alphabet": (
        "https://b\u00fccher.localhost:{port}/authorize",
        "xn--bcher-kva.localhost:{port}",
    ),
    "number": ("https://0x7f.1:{port}/authorize", "127.0.0.1:{port}"),
}


@pytest.fixture
def context(browser):
    """One that minds no certificate: whether people do is not what this is about."""
    made = new_context(browser, ignore_https_errors=True)
    yield made
    made.close()


@pytest.fixture
def there(tmp_path):
    """Where the authorization endpoints are; ``seen`` is who came."""
    seen = []

    def answer(request):
        seen.append(request)
        return Reply(200, b"<h1>Here</h1>", {"Content-Type": "text/html"})

    server = SocketServer(answer, certificates.make(tmp_path).context())
    server.start()
    server.seen = seen
    yield server
    server.stop()


@pytest.fixture(params=PLACES)
def host(request, lab, there):
    """Its person has a provider ``odd``; the host that has to be named."""
    endpoint, named = (each.format(port=there.port) for each in PLACES[request.param])
    lab.own_providers.mkdir(parents=True, mode=0o700)
    (lab.own_providers / "providers.toml").write_text(
        f'[odd]\nissuer = "{lab.rogue.issuer}"\nclient_id = "{lab.rogue.client_id}"\n'
        f'endpoints = {{authorization_endpoint = "{endpoint}"}}\n',
        encoding="utf-8",
    )
    (lab.own_providers / "providers.toml").chmod(0o600)
    return named


def is_there(tab, host, there):
    expect(tab.get_by_role("heading", name="Here")).to_be_visible()
    assert urlsplit(tab.url).netloc == host
    assert there.seen[0].headers["host"] == host
    assert there.seen[0].query["response_type"] == "code"


def test_the_page_names_where_it_leads(lab, context, host, there):
    tab = context.new_page()
    tab.goto(f"{lab.begin('odd')}?token={lab.token}")
    expect(tab.get_by_role("contentinfo")).to_contain_text(
        f"Only {host} will ask for your password"
    )
    tab.get_by_role("button", name=f"Continue to {host}", exact=True).click()
    is_there(tab, host, there)


@pytest.mark.parametrize("host", ["alphabet"], indirect=True)
def test_and_so_does_the_prompt(lab, notebook, host, there):
    book = notebook("from jupyter_auth import UserSession\nUserSession('odd')")
    book.start(0)
    book.is_waiting(0)
    expect(book.output(0)).to_contain_text(f"Opens {host} in a new tab.")
    assert [each["host"] for each in lab.logins()] == [host]
    is_there(follow(book.output(0).get_by_role("link", name="Sign in to odd")), host, there)
