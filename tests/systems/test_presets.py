"""The presets that have no server of their own here: how their providers answer, as documented."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from jupyter_auth import UserSession
from jupyter_auth.core.errors import InsufficientScope
from jupyter_auth.core.login.login_store import AuthorizationResponse
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.presets import PRESETS
from jupyter_auth.core.provider.registry import Providers
from kernel.sign_in import CALLBACK
from providers import troubles
from systems.presets import examples, preset_at


@pytest.fixture
def sign_in(broker, rogue):
    """Rosa's session at a preset that is moved to ``rogue``, with scopes that were granted."""

    def go(name, **moved):
        moved |= {"client_id": rogue.client_id, "client_auth": "none", "base_url": rogue.issuer}
        engine = broker({name: preset_at(name, {}, **moved)})
        login = engine.begin(LoginRequest(name))
        url, binding = engine.open(login.id, CALLBACK, "me")
        back = dict(parse_qsl(urlsplit(rogue.authorize(url)).query))
        ended = engine.finish(
            AuthorizationResponse(name, back, {binding.name: binding.value}, "me", confirm_by=None)
        )
        assert ended.status == "complete", ended.error

    return go


def endpoints(rogue):
    return {
        "authorization_endpoint": f"{rogue.issuer}/authorize",
        "token_endpoint": f"{rogue.issuer}/token",
    }


def test_github_commas_between_scopes_and_no_expiry(sign_in, rogue):
    said = {"scope": "read:user,repo", "expires_in": troubles.MISSING, "token_type": "bearer"}
    rogue.script("token", troubles.fields(**said))
    sign_in("github", endpoints=endpoints(rogue), username_url=f"{rogue.issuer}/api/user")
    session = UserSession("github", scopes="repo read:user", interactive=False)
    assert session.scopes == ("read:user", "repo")
    assert session.access_token_expires_at is None
    assert session.get("/api/x").ok
    with pytest.raises(InsufficientScope):
        UserSession("github", scopes="gist", interactive=False)


def test_github_a_code_that_is_refused_with_a_status_of_200(broker, rogue):
    table = preset_at("github", {}, client_id=rogue.client_id, endpoints=endpoints(rogue))
    engine = broker({"github": table | {"client_auth": "none"}})
    login = engine.begin(LoginRequest("github"))
    url, binding = engine.open(login.id, CALLBACK, "me")
    back = dict(parse_qsl(urlsplit(rogue.authorize(url)).query))
    rogue.script("token", troubles.error("bad_verification_code", 200))
    ended = engine.finish(
        AuthorizationResponse("github", back, {binding.name: binding.value}, "me", confirm_by=None)
    )
    assert ended.status == "failed"
    assert "bad_verification_code" in ended.error["message"]


def test_google_scopes_by_their_long_names(sign_in, rogue):
    google = "https://www.googleapis.com/auth/"
    said = f"openid {google}userinfo.email {google}drive.readonly"
    rogue.script("token", troubles.fields(scope=said))
    sign_in("google", issuer=rogue.issuer)
    session = UserSession("google", scopes=f"email {google}drive.readonly", interactive=False)
    assert session.scopes == ("openid", "email", f"{google}drive.readonly")
    asked = rogue.seen("authorize")[0].query
    assert (asked["access_type"], asked["prompt"]) == ("offline", "consent")  # for a refresh token


def test_microsoft_offline_access_is_granted_without_a_word(sign_in, rogue):
    rogue.script("token", troubles.fields(scope="openid profile email User.Read"))
    sign_in("microsoft", endpoints=endpoints(rogue), username_url=f"{rogue.issuer}/api/me")
    session = UserSession("microsoft", scopes="User.Read offline_access", interactive=False)
    assert session.get("/api/x").ok


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_each_sends_its_tokens_over_https_to_hosts_of_its_own(name):
    made = Providers({name: {"client_id": "x", "set": examples(name)}}).get(name)
    assert made.address.startswith("https://")
    for origin in made.api_origins:
        assert origin.startswith("https://")
