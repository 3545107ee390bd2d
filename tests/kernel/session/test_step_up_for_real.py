"""An API that demands more, before a real provider (npm oidc-provider) that grants it."""

from __future__ import annotations

import pytest

from jupyter_auth.core.errors import InsufficientScope
from jupyter_auth.kernel.session.user_session import UserSession
from kernel.sign_in import consenting, person
from patience import PATIENCE


@pytest.fixture
def configured(oidc):
    return {"idp": consenting(oidc, base_url=f"{oidc.issuer}/api/")}


@pytest.fixture
def session(kernel_api, engine, oidc):  # noqa: ARG001
    """Alice's, in a cell whose person is there."""
    with person(engine, oidc):
        made = UserSession("idp", interactive=True, timeout=PATIENCE)
    yield made
    made.close()


def test_more_scopes(session, engine, oidc):
    before = session.access_token
    asked = {"scope": "api:write"}
    with pytest.raises(InsufficientScope, match="api:write"):
        UserSession("idp", interactive=False).get("demand", params=asked)
    with person(engine, oidc):
        answer = session.get("demand", params=asked)
    assert answer.json()["username"] == "alice"
    assert {"openid", "profile", "api:write"} <= {*answer.json()["scope"].split()}
    assert session.access_token != before
    assert session.get("demand", params=asked).ok
    oidc.expire()
    assert session.get("demand", params=asked).ok  # what renews it renews that too
    assert oidc.refresh_count == 1


def test_a_stronger_sign_in(session, engine, oidc):
    with person(engine, oidc):
        assert session.get("demand", params={"acr_values": "urn:example:mfa"}).ok
    assert session.get("demand", params={"acr_values": "urn:example:mfa"}).ok


def test_a_newer_sign_in(session, engine, oidc):
    """The ID token that comes with it says when, and is checked."""
    assert session.get("demand", params={"max_age": 300}).ok
    oidc.age(seconds=1000)
    with person(engine, oidc):
        assert session.get("demand", params={"max_age": 300}).ok
    assert len(oidc.events("authorization.success")) == 2
