"""A provider's ``ca_bundle`` in requests to its API, and nowhere else."""

from __future__ import annotations

import pytest
import requests

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.tokens.store import FileStore
from jupyter_auth.kernel.http.warnings import AuthWarning
from jupyter_auth.kernel.session.user_session import UserSession
from kernel.echo_api import Api
from kernel.sign_in import sign_in
from providers import certificates
from providers.troubles import Reply


class SecureApi(Api):
    """One with a certificate that no usual file has."""

    def __init__(self, directory):
        directory.mkdir()
        self.certificate = certificates.make(directory)
        self.ca_bundle = str(self.certificate.ca_bundle)
        super().__init__(self.certificate.context())


@pytest.fixture
def api(tmp_path):
    with SecureApi(tmp_path / "api") as made:
        yield made


@pytest.fixture
def other(tmp_path):
    with SecureApi(tmp_path / "other") as made:
        yield made


@pytest.fixture
def engine(home, configured, api, rogue, tmp_path):
    (home / "ca.pem").write_text(api.certificate.ca_bundle.read_text())
    configured["idp"] |= {"base_url": api.origin, "ca_bundle": "~/ca.pem"}
    made = Engine(Providers(configured), FileStore(tmp_path / "store"))
    sign_in(made, rogue, made.begin(LoginRequest("idp")))
    yield made
    made.close()


@pytest.fixture
def session(kernel_api, monkeypatch):  # noqa: ARG001
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with UserSession("idp", interactive=False) as made:
        yield made


def away(server):
    return Reply(302, headers={"Location": f"{server.origin}/x"})


def test_it_is_trusted_at_the_api(session, api, other, monkeypatch):
    assert session.get("x").ok
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", other.ca_bundle)
    assert session.get("x").ok
    assert len(api.seen) == 2


def test_and_nowhere_else(session, api, other, monkeypatch):
    with pytest.raises(requests.exceptions.SSLError):
        session.get(f"{other.origin}/x")
    api.replies.append(away(other))
    with pytest.raises(requests.exceptions.SSLError):
        session.get("x")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", other.ca_bundle)
    api.replies.append(away(other))
    other.replies.append(away(api))
    assert session.get("x").url == f"{api.origin}/x"
    assert len(other.seen) == 1


def test_the_callers_own_comes_first(session, api, other):
    with pytest.raises(requests.exceptions.SSLError):
        session.get("x", verify=other.ca_bundle)
    session.verify = other.ca_bundle
    with pytest.raises(requests.exceptions.SSLError):
        session.get("x")
    assert session.get(f"{other.origin}/x").ok
    assert not api.seen


def test_without_the_file_on_this_machine_the_usual_ones_are_trusted(
    session, home, api, monkeypatch
):
    (home / "ca.pem").unlink()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", api.ca_bundle)
    with pytest.warns(AuthWarning, match=r"ca\.pem of The IdP cannot be read on this machine"):
        assert session.get("x").ok


class TestSeveral:
    """Each account that a session finds by origin has its own."""

    @pytest.fixture
    def configured(self, configured, other):
        configured["bank"] = configured["idp"] | {
            "base_url": other.origin,
            "ca_bundle": other.ca_bundle,
        }
        return configured

    def test_each_is_trusted_at_its_own_api(self, session, engine, rogue, api, other):
        sign_in(engine, rogue, engine.begin(LoginRequest("bank")))
        del session
        with UserSession(interactive=False) as by_origin:
            api.replies.append(away(other))
            other.replies.append(away(api))
            assert by_origin.get(f"{api.origin}/x").url == f"{api.origin}/x"
            assert "authorization" in other.seen[0].headers
            with pytest.raises(requests.exceptions.SSLError):
                by_origin.get(f"{other.origin}/x", verify=api.ca_bundle)
