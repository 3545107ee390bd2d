"""The pages before a sign-in at a preset: where it is, and how to get a client ID there."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from providers import certificates
from providers.rogue import RogueProvider
from server.browser.login_form import Form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from server.jupyter_process import Browser, Kernel


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RogueProvider, str]]:
    """An authorization server with a certificate of its own, and the file to trust it by."""
    certificate = certificates.make(tmp_path_factory.mktemp("tls"))
    with RogueProvider(certificate=certificate) as provider:
        yield provider, str(certificate.ca_bundle)


def test_a_person_says_where_it_is_then_which_client(
    kernel: Kernel, browser: Browser, tenant: tuple[RogueProvider, str]
) -> None:
    provider, ca_bundle = tenant
    domain = urlsplit(provider.issuer).netloc
    kernel.call("POST", "providers", {"name": "auth0", "ca_bundle": ca_bundle})
    info = kernel.call("GET", "providers/auth0")
    assert info["missing"] == ["set.domain", "client_id"]
    assert info["placeholders"]["domain"]["says"].startswith("Domain of your tenant")
    assert info["register"] is None
    form = Form(browser, kernel.begin("auth0"))
    assert 'name="set.domain"' in form.page
    refused = form.send(set={"domain": f"me@{domain}"})
    assert (refused.status_code, refused.json()["code"]) == (400, "configuration_error")
    shown = form.sent(set={"domain": domain})
    assert "Register at Auth0" in shown
    assert "the redirect URI below to its Allowed Callback URLs" in shown
    assert "public, or confidential with a secret" in shown
    assert 'href="https://manage.auth0.com/#/applications"' in html.unescape(form.page)
    assert form.host == domain
    assert kernel.call("GET", "providers/auth0")["register"]["client"] == "either"
    assert "Taking you to" in form.sent(registration={"client_id": provider.client_id})
    saved = kernel.call("GET", "providers/auth0/configuration")
    assert saved["redirect_uri"] == f"{browser.origin}/base/jupyter-auth/callback/auth0"
    assert provider.seen("token") == []


def test_the_usual_place_can_be_changed_before_there_is_a_client(
    kernel: Kernel, browser: Browser
) -> None:
    form = Form(browser, kernel.begin("zenodo"))
    assert "Not at zenodo.org?" in form.page
    shown = form.sent(set={"host": "sandbox.zenodo.org"})
    assert "Not at sandbox.zenodo.org?" in shown
    assert 'href="https://sandbox.zenodo.org/account/settings/' in form.page


def test_a_form_of_a_page_elsewhere_sets_nothing(kernel: Kernel, browser: Browser) -> None:
    form = Form(browser, kernel.begin("keycloak"))
    given = {"host": "evil.example", "realm": "x"}
    for headers in ({"Origin": "https://evil.example"}, {"X_XSRFToken": ""}):
        assert form.send(set=given, headers=headers).status_code == 403
    assert kernel.call("GET", "providers/keycloak")["missing"][:2] == ["set.host", "set.realm"]
