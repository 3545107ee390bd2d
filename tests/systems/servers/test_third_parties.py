"""Servers of third parties, each known by its issuer and a registration: in, on, out, in again."""

from __future__ import annotations

import dataclasses

import pytest
import requests

from jupyter_auth import ConfigurationError, LoginDenied, LoginRequired, Provider, UserSession
from kernel.sign_in import person
from patience import PATIENCE, until
from providers.servers.better_auth import BetterAuth
from providers.servers.django_allauth import DjangoAllauth


@pytest.fixture
def session(acme, browser):
    """The person has signed in."""
    with UserSession(acme, interactive=True, timeout=PATIENCE) as made:
        yield made
    until(lambda: len(browser.pages) == len(browser.links))


def takes(server, token: str) -> bool:
    """Whether the server's own resource takes that token."""
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(server.api, headers=headers, timeout=PATIENCE).ok


def test_sign_in(session, server, browser):
    assert session.get(server.api).status_code == 200
    assert "openid" in session.scopes
    assert session.access_token_expires_at
    until(lambda: "Signed in" in "".join(browser.pages))


def test_the_account_is_there_for_the_next_session(session, acme, server):
    again = UserSession(acme, interactive=False)
    assert again.get(server.api).status_code == 200
    assert again.username == session.username


def test_refresh(session, server, browser):
    before = str(session.access_token)
    server.expire()
    assert session.get(server.api).status_code == 200
    assert str(session.access_token) != before
    assert len(browser.links) == 1


def test_each_refresh_token_leads_to_the_next(session, acme, server, restart):  # noqa: ARG001
    for _ in range(3):
        server.expire()
        restart()
        assert UserSession(acme, interactive=False).get(server.api).status_code == 200


def test_sign_out(session, acme, server):
    token = str(session.access_token)
    assert takes(server, token)
    assert session.logout().revoked
    assert not takes(server, token)
    with pytest.raises(LoginRequired):
        UserSession(acme, interactive=False)


def test_sign_out_of_what_has_ended_there_is_not_tried_again(session, server):
    server.forget()
    server.expire()
    done = session.logout()
    assert done.removed
    assert "retried" not in done.note


def test_a_forced_sign_in(session, acme, server, browser):
    before = str(session.access_token)
    forced = UserSession(acme, auth_force=True, interactive=True, timeout=PATIENCE)
    assert str(forced.access_token) != before
    assert forced.username == session.username
    assert forced.get(server.api).status_code == 200
    assert len(browser.links) == 2


def test_a_dead_refresh_token_leads_to_a_new_sign_in(session, server, browser):
    server.forget()
    server.expire()
    assert session.get(server.api).status_code == 200
    assert len(browser.links) == 2
    server.expire()
    assert session.get(server.api).status_code == 200
    assert len(browser.links) == 2


def test_with_nobody_there_it_is_said_and_the_account_is_not_lost(session, acme, server, browser):
    server.forget()
    server.expire()
    unattended = UserSession(acme, interactive=False)
    with pytest.raises(LoginRequired):
        unattended.get(server.api)
    assert session.get(server.api).status_code == 200
    assert len(browser.links) == 2
    assert unattended.get(server.api).status_code == 200


def test_a_wrong_client_secret_is_what_is_said(acme, server, browser):
    """Also where a code is spent by a request whose secret is wrong, as at better-auth."""
    wrong = dataclasses.replace(acme, client_secret="not-the-one-that-was-registered")
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"(client|application).*_client\b"):
            UserSession(wrong, interactive=True, timeout=PATIENCE)
    assert UserSession(acme, interactive=True, timeout=PATIENCE).get(server.api).status_code == 200
    assert len(browser.links) == 3


def test_by_a_jupyter_server(broker, server):
    """Its kernels have no refresh token, and no client secret."""
    credentials = {"client_id": server.client_id, "client_secret": server.client_secret}
    engine = broker({"idp": {"issuer": server.issuer} | credentials})
    with person(engine, server):
        session = UserSession("idp", interactive=True, timeout=PATIENCE)
    server.forget()
    server.expire()
    with person(engine, server):
        assert session.get(server.api).status_code == 200
    server.expire()
    assert session.get(server.api).status_code == 200
    assert session.logout().revoked


@pytest.mark.parametrize("server", [BetterAuth, DjangoAllauth], indirect=True)
def test_a_person_who_does_not_allow_it(acme, server, browser):
    server.forget()  # what was allowed before too
    browser.consent = False
    with pytest.raises(LoginDenied):
        UserSession(acme, interactive=True, timeout=PATIENCE)


@pytest.mark.parametrize("server", [DjangoAllauth], indirect=True)
def test_a_public_client_by_device_code(server, browser):
    acme = Provider(name="acme", issuer=server.issuer, client_id=server.public_id)
    session = UserSession(acme, grant="device_code", interactive=True, timeout=PATIENCE)
    assert session.username == server.username
    server.expire()
    assert session.get(server.api).status_code == 200
    assert session.logout().revoked
    assert len(browser.links) == 1
