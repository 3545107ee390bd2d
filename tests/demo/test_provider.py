"""The demo's provider can refuse: over its own loopback port, with what it hands out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from jupyter_auth.demo.provider import CLIENT_ID, DemoProvider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clock import Clock

# The library lags behind what Authlib announces.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

REDIRECT_URI = "http://127.0.0.1:1/callback"
VERIFIER = "v" * 64


@pytest.fixture
def provider() -> Iterator[DemoProvider]:
    provider = DemoProvider(token_lifetime=60)
    yield provider
    provider.close()


def code(provider: DemoProvider, sub: str = "ada") -> str:
    query = urlencode(
        {
            "client_id": CLIENT_ID,
            "response_type": "code",
            "redirect_uri": REDIRECT_URI,
            "scope": "openid profile email",
            "state": "a&b",
            "code_challenge": create_s256_code_challenge(VERIFIER),
            "code_challenge_method": "S256",
        }
    )
    assert provider.acceptable(query)
    answer = parse_qs(urlsplit(provider.grant(query, sub)).query)
    assert answer["state"] == ["a&b"]
    return answer["code"][0]


def post(provider: DemoProvider, path: str, **form: str) -> requests.Response:
    secret = form.pop("secret", provider.client_secret.reveal())
    return requests.post(f"{provider.issuer}{path}", data=form, auth=(CLIENT_ID, secret))


def exchange(provider: DemoProvider, given: str, **changes: str) -> requests.Response:
    form = {
        "grant_type": "authorization_code",
        "code": given,
        "code_verifier": VERIFIER,
        "redirect_uri": REDIRECT_URI,
    }
    return post(provider, "/oauth2/token", **(form | changes))


def refresh(provider: DemoProvider, token: str) -> requests.Response:
    return post(provider, "/oauth2/token", grant_type="refresh_token", refresh_token=token)


def status(provider: DemoProvider, access_token: str, path: str = "/api/me") -> int:
    headers = {"Authorization": f"Bearer {access_token}"}
    return requests.get(f"{provider.issuer}{path}", headers=headers).status_code


def signed_in(provider: DemoProvider, sub: str = "ada") -> dict[str, Any]:
    answer = exchange(provider, code(provider, sub))
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_api_knows_who_signed_in(provider: DemoProvider) -> None:
    for sub, name in (("ada", "Ada Lovelace"), ("grace", "Grace Hopper")):
        headers = {"Authorization": f"Bearer {signed_in(provider, sub)['access_token']}"}
        me = requests.get(f"{provider.issuer}/api/me", headers=headers)
        assert me.json() == {"id": sub, "name": name, "email": f"{sub}@demo.example"}
        day = requests.get(f"{provider.issuer}/api/measurements", headers=headers).json()
        assert len(day["values"]) == 12


@pytest.mark.parametrize("path", ["/api/me", "/api/measurements", "/userinfo"])
def test_the_api_is_closed_without_a_token(provider: DemoProvider, path: str) -> None:
    refused = requests.get(f"{provider.issuer}{path}")
    assert refused.status_code in {400, 401}
    assert status(provider, "made-up", path) in {400, 401, 403}


def test_a_code_needs_its_verifier_its_client_and_works_once(provider: DemoProvider) -> None:
    assert exchange(provider, code(provider), code_verifier="w" * 64).status_code == 400
    assert exchange(provider, code(provider), secret="guessed").status_code == 401
    assert exchange(provider, code(provider), redirect_uri=REDIRECT_URI + "/").status_code == 400
    given = code(provider)
    assert exchange(provider, given).status_code == 200
    assert exchange(provider, given).json()["error"] == "invalid_grant"


def test_access_tokens_live_as_long_as_they_are_said_to(clock: Clock) -> None:
    provider = DemoProvider(token_lifetime=60, clock=clock)
    try:
        tokens = signed_in(provider)
        first = tokens["access_token"]
        assert tokens["expires_in"] == 60
        clock.advance(59)
        assert status(provider, first) == 200
        second = refresh(provider, tokens["refresh_token"]).json()["access_token"]
        clock.advance(1)
        assert status(provider, first) == 401
        assert status(provider, second) == 200
        clock.advance(59)
        assert status(provider, second) == 401
    finally:
        provider.close()


def test_a_refresh_brings_another_token(provider: DemoProvider) -> None:
    tokens = signed_in(provider)
    again = refresh(provider, tokens["refresh_token"])
    assert again.status_code == 200
    assert again.json()["expires_in"] == 60
    assert again.json()["access_token"] != tokens["access_token"]
    assert status(provider, again.json()["access_token"]) == 200


def test_what_is_revoked_is_worth_nothing(provider: DemoProvider) -> None:
    tokens = signed_in(provider)
    assert post(provider, "/oauth2/revoke", token="x", secret="guessed").status_code == 401
    for name in ("refresh_token", "access_token"):
        assert post(provider, "/oauth2/revoke", token=tokens[name]).status_code == 200
    assert status(provider, tokens["access_token"]) == 401
    assert status(provider, tokens["access_token"], "/userinfo") == 401
    refused = refresh(provider, tokens["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert status(provider, signed_in(provider)["access_token"]) == 200  # the others live on


@pytest.mark.parametrize(
    "path", ["/", "/oauth2/authorize", "/oauth2/clients", "/users/ada", "/oidc/login", "/console"]
)
def test_the_port_serves_programs_alone(provider: DemoProvider, path: str) -> None:
    for method in ("GET", "POST", "PUT"):
        assert requests.request(method, f"{provider.issuer}{path}").status_code == 404


def test_a_rebound_name_does_not_reach_it(provider: DemoProvider) -> None:
    url = f"{provider.issuer}/.well-known/openid-configuration"
    assert requests.get(url).json()["issuer"] == provider.issuer
    port = urlsplit(url).port
    for host in ("evil.example", f"evil.example:{port}", f"localhost:{port}"):
        assert requests.get(url, headers={"Host": host}).status_code == 404


def test_errors_show_nothing_of_the_inside(provider: DemoProvider) -> None:
    answer = post(provider, "/oauth2/token", grant_type="no_such_grant")
    assert answer.status_code == 400
    assert "Traceback" not in answer.text
