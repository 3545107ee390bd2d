"""A preset with an open placeholder, up to a sign-in where the person says that it is."""

from __future__ import annotations

import tomllib
from urllib.parse import urlsplit

import pytest

from core.sign_in import arrive
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.local_engine import LocalAccounts
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from memory_store import MemoryStore
from providers import certificates
from providers.rogue import RogueProvider

OURS = "http://localhost:8888/jupyter-auth/callback/auth0"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return certificates.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tenant(certificate):
    """An authorization server whose address no preset knows."""
    with RogueProvider(certificate=certificate) as provider:
        yield provider


@pytest.fixture
def domain(tenant):
    return urlsplit(tenant.issuer).netloc


@pytest.fixture
def file(certificate, tmp_path):
    path = tmp_path / "providers.toml"
    path.write_text(f'[auth0]\nca_bundle = "{certificate.ca_bundle}"\n')
    return path


@pytest.fixture
def engine(file):
    with_pages = Engine(Providers(user_file=file), MemoryStore())
    yield with_pages
    with_pages.close()


def saved(file):
    return tomllib.loads(file.read_text())["auth0"]


def test_the_address_is_asked_for_then_the_client_then_the_person(engine, file, tenant, domain):
    login = engine.begin(LoginRequest("auth0"))
    assert (login.host, engine.typed.missing(login.id)) == ("", ("set.domain",))
    login = engine.typed.fill_in(login.id, {"domain": domain})
    assert login.host == domain
    assert saved(file)["set"] == {"domain": domain}
    assert engine.typed.missing(login.id) == ("client_id",)
    engine.typed.set_up(login.id, {"client_id": tenant.client_id}, host=domain, redirect_uri=OURS)
    assert saved(file)["redirect_uri"] == OURS
    assert arrive(engine, login, tenant).finish(engine).status == "complete"
    assert engine.accounts()[0].provider == "auth0"


def test_what_leads_nowhere_is_not_kept(engine, file, domain, tenant):
    login = engine.begin(LoginRequest("auth0"))
    tenant.offline()
    with pytest.raises(ProviderUnavailable):
        engine.typed.fill_in(login.id, {"domain": domain})
    with pytest.raises(ConfigurationError, match="must be a host name"):
        engine.typed.fill_in(login.id, {"domain": f"evil@{domain}"})
    with pytest.raises(ConfigurationError, match="unknown key 'other'"):
        engine.typed.fill_in(login.id, {"other": domain})
    assert "set" not in saved(file)
    tenant.online()
    assert engine.typed.fill_in(login.id, {"domain": domain}).host == domain


def test_a_redirect_uri_elsewhere_is_not_kept(engine, file, domain):
    login = engine.begin(LoginRequest("auth0"))
    engine.typed.fill_in(login.id, {"domain": domain})
    hub = "https://hub.example/hub/user-redirect/jupyter-auth/callback/auth0"
    engine.typed.set_up(login.id, {"client_id": "x"}, host=domain, redirect_uri=hub)
    assert "redirect_uri" not in saved(file)


def test_without_pages_the_line_to_run_is_told(file):
    with pytest.raises(ConfigurationError) as caught:
        LocalAccounts(Providers(user_file=file), MemoryStore()).begin(LoginRequest("auth0"))
    assert caught.value.message.startswith("Auth0 needs to know: Domain of your tenant")
    assert "`jupyter auth login auth0 --set domain=DOMAIN`" in caught.value.hint


def test_without_pages_a_client_is_kept_with_the_guides_redirect_uri(file, domain):
    accounts = LocalAccounts(Providers(user_file=file), MemoryStore())
    accounts.add("auth0", {"set": {"domain": domain}})
    with pytest.raises(ConfigurationError) as caught:
        accounts.begin(LoginRequest("auth0"))
    assert "https://manage.auth0.com/#/applications" in caught.value.hint
    assert "`jupyter auth add auth0 --client-id ID`" in caught.value.hint
    accounts.add("auth0", {"client_id": "x"})
    assert saved(file)["redirect_uri"] == OURS
