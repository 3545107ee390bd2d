"""``offline_access``: asked for by default, with consent; and a sign-in that goes on without it."""

from __future__ import annotations

import contextlib

import pytest
import requests

from core.login.device_login import begun
from core.sign_in import account_of, arrive, provider_at, sign_in
from jupyter_auth.core.local_engine import LocalAccounts
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.secret import Secret
from memory_store import MemoryStore
from patience import PATIENCE
from providers import troubles
from providers.troubles import MISSING

SCOPES = ["openid", "profile", "offline_access"]
NOT_ALLOWED = ("not_allowed", 400, "Offline tokens not allowed for the user or client")


@pytest.fixture(autouse=True)
def _lists_it(rogue):
    rogue.metadata = {"scopes_supported": SCOPES}


def refuse_offline_access(rogue, code="invalid_scope"):
    """As Keycloak does it where a client may not have the scope."""

    def trouble(proceed):
        asked = rogue.requests[-1].query["scope"].split()
        return troubles.deny(code)(proceed) if "offline_access" in asked else proceed()

    rogue.script("authorize", trouble)


@pytest.mark.parametrize(
    ("fields", "asked", "prompt"),
    [
        ({}, {}, "consent"),
        ({}, {"force": True}, "login consent"),
        ({}, {"scopes": ("openid", "offline_access")}, "consent"),
        ({}, {"scopes": ("openid", "profile")}, None),
        ({"scopes": "openid"}, {}, None),
        ({"scopes": "profile offline_access"}, {}, None),
        ({"authorize_params": {"prompt": ""}}, {}, None),
        ({"authorize_params": {"prompt": "select_account"}}, {}, "select_account"),
    ],
)
def test_it_goes_with_consent(engines, rogue, fields, asked, prompt):
    """OIDC Core 11, which is about OpenID Connect alone; a configured prompt is the last word."""
    engine = engines(unrelated=rogue)
    engine.configure(provider_at(rogue, **fields))
    sign_in(engine, rogue, **asked)
    assert rogue.seen("authorize")[0].query.get("prompt") == prompt


def test_a_real_provider_grants_it(engines, oidc):
    import time

    engine = engines(clock=time.time, idp=oidc)
    assert sign_in(engine, oidc).refresh_token


@pytest.mark.parametrize("by", ["authorize", "token"])
def test_refused_it_is_left_out_and_the_login_goes_on(engine, rogue, by):
    login = engine.begin(LoginRequest("idp"))
    if by == "authorize":
        refuse_offline_access(rogue)
    else:
        rogue.script("token", troubles.error(*NOT_ALLOWED), times=1)
    first = arrive(engine, login, rogue).finish(engine)
    assert (first.id, first.status, first.error) == (login.id, "pending", None)
    done = arrive(engine, login, rogue).finish(engine)
    assert (done.id, done.status) == (login.id, "complete")
    sent = [request.query["scope"] for request in rogue.seen("authorize")]
    assert sent == ["openid profile offline_access", "openid profile"]
    assert rogue.seen("authorize")[1].query.get("prompt") is None
    assert account_of(engine).asked == ("openid", "profile")


def test_a_provider_without_consent_is_asked_without_it(engine, rogue):
    def trouble(proceed):
        asked = rogue.requests[-1].query
        said = {"error": "invalid_request", "error_description": "no such prompt: consent"}
        return troubles.query(code=MISSING, **said)(proceed) if "prompt" in asked else proceed()

    rogue.script("authorize", trouble)
    login = engine.begin(LoginRequest("idp"))
    assert arrive(engine, login, rogue).finish(engine).status == "pending"
    assert arrive(engine, login, rogue).finish(engine).status == "complete"


def test_what_was_left_for_with_it_ends(engine, rogue):
    login = engine.begin(LoginRequest("idp"))
    other = arrive(engine, login, rogue)
    refuse_offline_access(rogue)
    arrive(engine, login, rogue).finish(engine)
    with pytest.raises(Exception, match="not known here"):
        other.finish(engine)


@pytest.mark.parametrize("code", ["invalid_scope", "access_denied"])
def test_once(engine, rogue, code):
    login = engine.begin(LoginRequest("idp"))
    refuse_offline_access(rogue)
    arrive(engine, login, rogue).finish(engine)
    rogue.script("authorize", troubles.deny(code))
    done = arrive(engine, login, rogue).finish(engine)
    assert done.status == ("failed" if code == "invalid_scope" else "denied")


@pytest.mark.parametrize("where", ["asked", "configured"])
def test_scopes_that_somebody_chose_are_not_changed(engines, rogue, where):
    engine = engines(unrelated=rogue)
    engine.configure(provider_at(rogue, **({"scopes": SCOPES} if where == "configured" else {})))
    request = LoginRequest("idp", scopes=SCOPES if where == "asked" else ())
    rogue.script("token", troubles.error(*NOT_ALLOWED))
    done = arrive(engine, engine.begin(request), rogue).finish(engine)
    assert done.status == "failed"
    assert "leave out offline_access" in done.error["hint"]


def test_a_device_login_asks_once_more(engine, clock, rogue):
    rogue.script("device", troubles.error("invalid_scope"), times=1)
    device = begun(engine, clock)
    asked = [request.form["scope"] for request in rogue.seen("device")]
    assert asked == ["openid profile offline_access", "openid profile"]
    rogue.devices.approve(device.login.user_code)
    assert device.poll().status == "complete"


def test_so_does_a_password(engines, rogue):
    engine = engines(unrelated=rogue)
    engine.configure(provider_at(rogue, grants="password"))
    login = engine.begin(LoginRequest("idp"))
    rogue.script("token", troubles.error(*NOT_ALLOWED), times=1)
    host = engine.typed.host(login.id)
    done = engine.typed.password(login.id, rogue.username, Secret(rogue.password), host=host)
    assert done.status == "complete"
    assert [request.form["scope"] for request in rogue.seen("token")][1] == "openid profile"


def test_without_a_server_the_browser_is_sent_on(rogue):
    """And the page that it ends on says when the sign-in ends: nothing renews it."""
    refuse_offline_access(rogue)
    rogue.script("token", troubles.fields(refresh_token=troubles.MISSING))
    providers = Providers({"idp": {"issuer": rogue.issuer, "client_id": rogue.client_id}})
    with (
        contextlib.closing(LocalAccounts(providers, MemoryStore())) as accounts,
        requests.Session() as browser,
    ):
        browser.trust_env = False
        login = accounts.begin(LoginRequest("idp"))
        page = browser.get(login.url, timeout=PATIENCE)
        assert accounts.login(login.id).status == "complete"
        (account,) = accounts.accounts()
    assert "This sign-in ends at" in page.text
    assert account.ending in page.text


def test_a_pasted_address_may_lead_there_again(rogue):
    refuse_offline_access(rogue)
    providers = Providers({"idp": {"issuer": rogue.issuer, "client_id": rogue.client_id}})
    with contextlib.closing(LocalAccounts(providers, MemoryStore())) as accounts:
        login, local = accounts.begin(LoginRequest("idp")), accounts.local
        first = local.paste(login.id, rogue.authorize(local.authorization_url(login.id)))
        assert (first.status, first.error) == ("pending", None)
        again = local.paste(login.id, rogue.authorize(local.authorization_url(login.id)))
        assert again.status == "complete"


def test_a_sign_in_that_is_renewed_does_not_end(engine, rogue):
    sign_in(engine, rogue)
    (account,) = engine.accounts()
    assert account.ending == ""
