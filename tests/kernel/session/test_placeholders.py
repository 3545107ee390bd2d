"""A session of a preset whose address the person gives on the login's page."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import LoginRequired
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.kernel.session.user_session import UserSession
from kernel.broker_socket import BrokerSocket
from kernel.sign_in import person, sign_in
from memory_store import MemoryStore
from providers import certificates
from providers.rogue import RogueProvider


@pytest.fixture
def certificate(tmp_path):
    return certificates.make(tmp_path)


@pytest.fixture
def tenant(certificate):
    with RogueProvider(certificate=certificate) as provider:
        yield provider


@pytest.fixture
def engine(home, certificate, tmp_path):  # noqa: ARG001 (no other configuration)
    file = tmp_path / "providers.toml"
    file.write_text(f'[auth0]\nca_bundle = "{certificate.ca_bundle}"\n')
    made = Engine(Providers(user_file=file), MemoryStore())
    with BrokerSocket(made, tmp_path / "runtime"):
        yield made
    made.close()


def test_it_goes_on_to_where_the_person_says_that_it_is(engine, tenant):
    domain = urlsplit(tenant.issuer).netloc

    def complete(login):
        engine.typed.fill_in(login.id, {"domain": domain})
        engine.typed.set_up(login.id, {"client_id": tenant.client_id}, host=domain)
        return sign_in(engine, tenant, login)

    with person(engine, tenant, complete):
        session = UserSession("auth0", interactive=True)
    assert session.username == "rosa"
    assert session.get(f"{tenant.issuer}/api/x").ok


def test_with_nobody_there_the_line_to_run_has_the_option(engine):  # noqa: ARG001
    with pytest.raises(LoginRequired) as caught:
        UserSession("auth0", interactive=False)
    assert "auth login auth0 --set domain=DOMAIN`" in caught.value.hint
