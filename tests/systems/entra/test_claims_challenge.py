"""A key vault's claims challenge (continuous access evaluation), in a session of ours."""

from __future__ import annotations

import json

import pytest

import jupyter_auth
from jupyter_auth.core.errors import LoginRequired
from patience import PATIENCE
from providers.presets.entra import LOGIN, SECRET, VAULT, VAULT_HOST

CHALLENGE = '{"access_token": {"acrs": {"essential": true, "value": "c1"}}}'


@pytest.fixture
def session(entra, links):  # noqa: ARG001
    """Signed in for the vault alone."""
    vault = jupyter_auth.provider(
        "microsoft",
        client_id=entra.client_id,
        base_url=f"https://{VAULT_HOST}/",
        scopes=["openid", "offline_access", f"{VAULT}/.default"],
        username_url=None,
    )
    made = jupyter_auth.UserSession(vault, interactive=True, timeout=PATIENCE)
    made.secret = lambda: made.get("secrets/answer").json()["value"]
    yield made
    made.close()


def test_a_refresh_is_enough(session, entra, links):
    assert session.secret() == SECRET
    entra.challenge = CHALLENGE
    assert session.secret() == SECRET
    (refresh,) = entra.refreshes
    assert json.loads(refresh["claims"]) == json.loads(CHALLENGE)
    assert len(links) == 1


def test_else_the_person_signs_in_for_them(session, entra, links):
    entra.challenge, entra.silent = CHALLENGE, False
    assert session.secret() == SECRET
    assert len(links) == 2
    asked = [each.query for each in entra.seen(LOGIN) if each.path.endswith("/authorize")]
    assert json.loads(asked[-1]["claims"]) == json.loads(CHALLENGE)
    assert {*asked[-1]["scope"].split()} == {*asked[0]["scope"].split()}
    assert session.secret() == SECRET
    assert len(links) == 2


def test_where_nobody_can_sign_in_it_says_so(session, entra, links, monkeypatch):
    entra.challenge, entra.silent = CHALLENGE, False
    options = session._account.options._replace(interactive=False)
    monkeypatch.setattr(session._account, "options", options)
    with pytest.raises(LoginRequired, match=f"The API {VAULT_HOST} asks for another sign-in"):
        session.secret()
    assert len(links) == 1
