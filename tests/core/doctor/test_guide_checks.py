"""What ``doctor`` says of a preset that is filled in, registered, and described by its issuer."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from jupyter_auth.core.doctor.guide_checks import guided
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.local_engine import LocalAccounts
from jupyter_auth.core.provider.definitions import provider_from_mapping
from jupyter_auth.core.provider.registry import Providers
from memory_store import MemoryStore
from providers import certificates
from providers.rogue import RogueProvider

OURS = "http://localhost:8888/jupyter-auth/callback/gitlab"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "providers.toml"


@pytest.fixture
def gitlab(file, tmp_path):
    """A GitLab of one's own."""
    certificate = certificates.make(tmp_path)
    file.write_text(f'[gitlab]\nca_bundle = "{certificate.ca_bundle}"\n')
    with RogueProvider(certificate=certificate) as provider:
        yield provider


@pytest.fixture
def accounts(file):
    made = LocalAccounts(Providers(user_file=file), MemoryStore())
    yield made
    made.close()


def findings(accounts: LocalAccounts, name: str = "gitlab") -> dict[str, Any]:
    return {each.about: each for each in accounts.examine(name)}


def host(server: RogueProvider) -> str:
    return urlsplit(server.issuer).netloc


def test_what_is_filled_in_is_said_and_looked_up(accounts, gitlab):
    accounts.add("gitlab", {"set": {"host": host(gitlab)}})
    found = findings(accounts)
    assert found["Placeholders"].says == f"host = {host(gitlab)}."
    assert found["Metadata"].says.startswith(f"{gitlab.issuer}/.well-known/")
    assert found["Redirect URI"].says.startswith(f"Register {OURS}: ")
    assert f"{gitlab.issuer}/-/user_settings/applications" in found["Client"].fix
    assert found["Client"].next_step.step == "add_provider"


def test_what_is_not_filled_in_is_one_sentence(accounts):
    with pytest.raises(ConfigurationError, match="Okta needs to know: Domain"):
        accounts.examine("okta")


def test_the_redirect_uri_of_the_guide_is_where_we_listen(accounts, gitlab, file):
    accounts.add("gitlab", {"set": {"host": host(gitlab)}, "client_id": "x"})
    listens = findings(accounts)["Redirect URI"]
    assert (listens.state, OURS in listens.says) == ("ok", True)
    file.write_text(file.read_text().replace(f'redirect_uri = "{OURS}"\n', ""))
    elsewhere = findings(accounts)["Redirect URI"]
    assert (elsewhere.state, OURS in elsewhere.says) == ("note", True)
    assert f"`jupyter auth add gitlab --redirect-uri {OURS}`" in elsewhere.fix


def test_an_endpoint_that_the_metadata_has_elsewhere_is_noted(accounts, gitlab):
    accounts.add("gitlab", {"set": {"host": host(gitlab)}, "client_id": "x"})
    device = findings(accounts)["Device authorization endpoint"]
    assert device.state == "note"
    assert f"{gitlab.issuer}/oauth/authorize_device, where the metadata has" in device.says
    gitlab.metadata["device_authorization_endpoint"] = f"{gitlab.issuer}/oauth/authorize_device"
    assert "Device authorization endpoint" not in findings(accounts)


def test_a_secret_where_clients_are_public_is_noted():
    registered = {"client_id": "x", "client_secret": "planted-1d7c"}
    (found,) = guided(provider_from_mapping("globus", registered))
    assert (found.about, found.state) == ("Client", "note")
    assert "Clients there are public" in found.says
    assert "planted-1d7c" not in str(found)
    assert list(guided(provider_from_mapping("globus", {"client_id": "x"}))) == []
