"""The providers themselves: what other tests build on has to hold."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from patience import PATIENCE
from providers.by_hand import VERIFIER, answer, authorization_url, exchange, refresh
from providers.person import LoginRefused
from providers.troubles import (
    MISSING,
    Gate,
    close,
    deny,
    error,
    fields,
    huge,
    query,
    redirect,
    status,
)


def call(provider: Any, tokens: dict[str, Any], path: str = "me", **kwargs: Any) -> Any:
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    method = "POST" if "data" in kwargs else "GET"
    return requests.request(method, f"{provider.issuer}/api/{path}", headers=headers, **kwargs)


@pytest.fixture
def tokens(oidc) -> dict[str, Any]:
    return exchange(oidc, answer(oidc.login(authorization_url(oidc)))["code"]).json()


@pytest.fixture
def rogue_tokens(rogue) -> dict[str, Any]:
    return exchange(rogue, answer(rogue.authorize(authorization_url(rogue)))["code"]).json()


# -- the real one --------------------------------------------------------------------------------


def test_login_leads_to_the_api(oidc, tokens):
    me = call(oidc, tokens).json()
    assert me == {
        "sub": "u-1001",
        "username": "alice",
        "scope": "openid profile",
        "path": "/api/me",
    }
    echo = call(oidc, tokens, "echo", data=b"12345").json()
    assert echo["length"] == 5
    assert echo["sha256"] == hashlib.sha256(b"12345").hexdigest()


def test_the_answer_carries_state_and_issuer(oidc):
    given = answer(oidc.login(authorization_url(oidc), "bob"))
    assert given["state"] == "planted-state"
    assert given["iss"] == oidc.issuer


def test_a_person_may_say_no(oidc):
    given = answer(oidc.login(authorization_url(oidc), consent=False))
    assert given["error"] == "access_denied"
    assert "code" not in given


def test_a_wrong_password_goes_nowhere(oidc):
    with pytest.raises(LoginRefused, match="wrong"):
        oidc.login(authorization_url(oidc), "alice", "not-hers")


def test_an_unknown_redirect_uri_goes_nowhere(oidc):
    with pytest.raises(LoginRefused, match="redirect_uri"):
        oidc.login(authorization_url(oidc, redirect_uri="http://127.0.0.1:1/elsewhere"))


def test_a_wrong_verifier_gets_nothing(oidc):
    code = answer(oidc.login(authorization_url(oidc)))["code"]
    assert exchange(oidc, code, "x" * 43).json()["error"] == "invalid_grant"


def test_expired_tokens_are_refused_and_refreshed(oidc, tokens):
    oidc.expire()
    refused = call(oidc, tokens)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    assert call(oidc, refresh(oidc, tokens).json()).status_code == 200
    assert oidc.refresh_count == 1


def test_life_times_change_at_once_and_for_one_test(oidc, tokens):
    assert tokens["expires_in"] == 3600
    oidc.ttl(AccessToken=7)
    assert refresh(oidc, tokens).json()["expires_in"] == 7


def test_reuse_of_a_refresh_token_ends_everything(oidc, tokens):
    fresh = refresh(oidc, tokens).json()
    assert refresh(oidc, tokens).json()["error"] == "invalid_grant"
    assert oidc.reuse_count == 1
    assert call(oidc, fresh).status_code == 401
    assert not oidc.introspect(fresh["refresh_token"])["active"]


def test_of_many_equal_refreshes_one_is_granted(oidc, tokens):
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: refresh(oidc, tokens).status_code, range(16)))
    assert answers.count(200) == 1


def test_revocation_reaches_the_access_token(oidc, tokens):
    form = {"token": tokens["refresh_token"], "client_id": oidc.client_id}
    assert requests.post(f"{oidc.issuer}/token/revocation", data=form).ok
    assert not oidc.introspect(tokens["access_token"])["active"]
    assert oidc.events("revocation.success", kind="refresh_token")


def test_jwt_access_tokens_by_resource(oidc):
    url = authorization_url(oidc, resource=f"{oidc.issuer}/jwt", scope="openid api:read")
    tokens = exchange(oidc, answer(oidc.login(url))["code"]).json()
    assert tokens["access_token"].count(".") == 2
    assert call(oidc, tokens).json()["scope"] == "api:read"
    oidc.expire()
    assert call(oidc, tokens).status_code == 401


def test_new_keys_sign_new_tokens(oidc, tokens):
    oidc.rotate_keys(keep=False)
    fresh = refresh(oidc, tokens).json()
    keys = KeySet.import_key_set(requests.get(f"{oidc.issuer}/jwks").json())
    assert jwt.decode(fresh["id_token"], keys).claims["sub"] == "u-1001"
    with pytest.raises((JoseError, ValueError)):
        jwt.decode(tokens["id_token"], keys)


def test_device_and_service(oidc):
    form = {"client_id": oidc.client_id, "scope": "openid"}
    device = requests.post(f"{oidc.issuer}/device/auth", data=form).json()
    oidc.approve_device(device["verification_uri_complete"], "carol")
    form |= {"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}
    tokens = requests.post(
        f"{oidc.issuer}/token", data=form | {"device_code": device["device_code"]}
    ).json()
    assert call(oidc, tokens).json()["username"] == "carol"
    service = requests.post(
        f"{oidc.issuer}/token",
        data={"grant_type": "client_credentials"},
        auth=(oidc.service_id, oidc.service_secret),
    ).json()
    assert call(oidc, service).json()["sub"] == oidc.service_id


def test_clients_can_be_added(oidc):
    uri = "https://hub.example.org/services/jupyter-auth/callback/idp"
    oidc.add_client("web", uri, application_type="web", client_secret="a-planted-secret-for-web")
    url = authorization_url(oidc, client_id="web", redirect_uri=uri)
    assert oidc.login(url).startswith(f"{uri}?code=")


def test_all_secrets_are_known(oidc, tokens):
    known = oidc.secrets()
    for kind in ("access_token", "refresh_token", "id_token"):
        assert tokens[kind] in known[kind]
    assert VERIFIER in known["code_verifier"]
    assert "planted-state" in known["state"]
    assert oidc.client_secret in known["client_secret"]


# -- the rogue -----------------------------------------------------------------------------------


def test_rogue_behaves_by_default(rogue, rogue_tokens):
    keys = KeySet.import_key_set(requests.get(f"{rogue.issuer}/jwks").json())
    claims = jwt.decode(rogue_tokens["id_token"], keys).claims
    assert (claims["iss"], claims["nonce"]) == (rogue.issuer, "planted-nonce")
    assert call(rogue, rogue_tokens).json()["username"] == "rosa"
    fresh = refresh(rogue, rogue_tokens).json()
    assert refresh(rogue, rogue_tokens).json() == {"error": "invalid_grant"}
    assert (rogue.refreshes, rogue.reuses) == (1, 1)
    assert not rogue.active(fresh["refresh_token"])


def test_rogue_checks_code_and_verifier(rogue):
    code = answer(rogue.authorize(authorization_url(rogue)))["code"]
    assert exchange(rogue, code, "x" * 43).status_code == 400
    assert exchange(rogue, code).status_code == 400


def test_rogue_revokes(rogue, rogue_tokens):
    requests.post(f"{rogue.issuer}/revoke", data={"token": rogue_tokens["refresh_token"]})
    assert call(rogue, rogue_tokens).status_code == 401
    assert rogue.revoked == [rogue_tokens["refresh_token"]]


def test_scripts_end(rogue, rogue_tokens):
    rogue.script("api", status(500), times=2)
    answers = [call(rogue, rogue_tokens).status_code for _ in range(3)]
    assert answers == [500, 500, 200]
    rogue.script("refresh", error("invalid_grant"))
    assert refresh(rogue, rogue_tokens).status_code == 400
    rogue.behave()
    assert refresh(rogue, rogue_tokens).status_code == 200
    assert len(rogue.seen("refresh")) == 2
    assert len(rogue.seen("token")) == 3


def test_answers_are_spoiled(rogue, rogue_tokens):
    rogue.script("refresh", fields(access_token=5, expires_in=MISSING), times=1)
    spoiled = refresh(rogue, rogue_tokens).json()
    assert spoiled["access_token"] == 5
    assert "expires_in" not in spoiled
    rogue.script("authorize", query(iss="https://evil.example"), times=1)
    assert answer(rogue.authorize(authorization_url(rogue)))["iss"] == "https://evil.example"
    rogue.script("authorize", deny())
    assert answer(rogue.authorize(authorization_url(rogue)))["error"] == "access_denied"
    rogue.script("jwks", redirect("http://elsewhere.example/"))
    assert requests.get(f"{rogue.issuer}/jwks", allow_redirects=False).status_code == 307
    rogue.script("jwks", huge(1))
    assert len(requests.get(f"{rogue.issuer}/jwks").content) > 2**20


def test_offline_ends_kept_connections_too(rogue):
    with requests.Session() as session:
        assert session.get(f"{rogue.issuer}/jwks").ok
        rogue.offline()
        with pytest.raises(requests.ConnectionError):
            session.get(f"{rogue.issuer}/jwks")
        rogue.online()
        assert session.get(f"{rogue.issuer}/jwks").ok


@pytest.mark.parametrize(("after", "refreshes"), [(False, 0), (True, 1)])
def test_hanging_up_before_or_after_the_work(rogue, rogue_tokens, after, refreshes):
    rogue.script("refresh", close(after=after))
    with pytest.raises(requests.ConnectionError):
        refresh(rogue, rogue_tokens)
    assert rogue.refreshes == refreshes


@pytest.mark.parametrize("how", [{}, {"after": True}, {"dribble": True}], ids=str)
def test_a_gate_holds_until_released(rogue, rogue_tokens, how):
    gate = rogue.script("refresh", Gate(**how))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(refresh, rogue, rogue_tokens)
        assert gate.arrived.wait(PATIENCE)
        assert call(rogue, rogue_tokens).status_code in {200, 401}
        assert not waiting.done()
        gate.release()
        assert waiting.result(PATIENCE).json()["expires_in"] == 3600


@pytest.mark.parametrize("signature", ["none", "HS256", "stranger", "broken"])
def test_forged_id_tokens_do_not_verify(rogue, signature):
    rogue.id_token.signature = signature
    code = answer(rogue.authorize(authorization_url(rogue)))["code"]
    token = exchange(rogue, code).json()["id_token"]
    keys = KeySet.import_key_set(rogue.id_token.jwks())
    with pytest.raises((JoseError, ValueError)):
        jwt.decode(token, keys, algorithms=["RS256"])


def test_id_tokens_say_what_they_are_told(rogue):
    rogue.id_token.claims = {"aud": "somebody-else", "nonce": MISSING}
    code = answer(rogue.authorize(authorization_url(rogue)))["code"]
    token = exchange(rogue, code).json()["id_token"]
    claims = jwt.decode(token, KeySet.import_key_set(rogue.id_token.jwks())).claims
    assert claims["aud"] == "somebody-else"
    assert "nonce" not in claims
