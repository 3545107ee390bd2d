"""The service: all users' accounts in one database, each user's for that user alone."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

import requests

from hub.hubs import KEYS, SECRET
from hub.service_client import PLACE, auth_hub, browser_of, names, signed_in
from patience import PATIENCE

if TYPE_CHECKING:
    import pytest

    from hub.hub_process import Hub
    from providers.oidc import OidcProvider


def test_alice_and_bob_sign_in_and_each_is_themselves_at_the_api(
    served: Hub, oidc: OidcProvider
) -> None:
    for user, subject in (("alice", "u-1001"), ("bob", "u-1002")):
        kernel = signed_in(served, oidc, user)
        answer = requests.get(
            f"{oidc.issuer}/me", headers=kernel.token()["headers"], timeout=PATIENCE
        )
        assert answer.json()["sub"] == subject


def test_another_server_of_alice_is_signed_in_at_once(served: Hub, oidc: OidcProvider) -> None:
    signed_in(served, oidc, "alice")
    kernel = served.server("alice", "another").kernel()
    assert [a["username"] for a in kernel.call("GET", "accounts")["accounts"]] == ["alice"]
    assert kernel.token()["access_token"]


def test_a_spawners_own_environment_and_other_files_keep_nothing_from_it(served: Hub) -> None:
    """As ``hubs.LITTLEST`` has it."""
    environment = served.server("alice").environment
    assert environment["OF_THE_SPAWNER"] == "1"
    assert environment["JUPYTER_AUTH_URL"].startswith("http://127.0.0.1:")


def test_nothing_rests_in_the_clear_or_in_the_servers_of_users(
    served: Hub, oidc: OidcProvider
) -> None:
    token = signed_in(served, oidc, "alice").token()["access_token"]
    with sqlite3.connect(served.home / "accounts.sqlite") as connection:
        dump = repr(connection.execute("SELECT * FROM jupyter_auth_records").fetchall())
    assert "alice" in dump
    environment = " ".join(served.server("alice").environment.values())
    for secret in {token, SECRET, KEYS, *oidc.secrets()["refresh_token"]}:
        assert secret not in dump
        assert secret not in environment
        assert secret not in served.log()


def test_signed_out_in_one_place_is_signed_out_in_all(served: Hub, oidc: OidcProvider) -> None:
    kernel = signed_in(served, oidc, "alice")
    since = kernel.call("GET", "changes?since=0")["sequence"]
    answer = browser_of(served, "alice").send("DELETE", "jupyter-auth/api/v1/accounts?provider=idp")
    assert answer.json()["removed"]
    changes = kernel.call("GET", f"changes?since={since}&wait=10")["changes"]
    assert [change["kind"] for change in changes] == ["removed"]
    assert kernel.ask("POST", "token", {"provider": "idp"})[0] == 401


def test_notebooks_on_all_servers_of_alice_are_named_to_her_alone(
    served: Hub, oidc: OidcProvider
) -> None:
    kernel = signed_in(served, oidc, "alice")
    another = served.server("alice", "another").kernel()
    since = kernel.call("GET", "changes?since=0")["sequence"]
    quota = {"limit": 60, "remaining": 59, "reset_at": None}
    kernel.call("POST", "usage", {"provider": "idp", "notebooks": ["one.ipynb"]})
    another.call("POST", "usage", {"provider": "idp", "notebooks": ["two.ipynb"], "quota": quota})
    changes = kernel.call("GET", f"changes?since={since}&wait=30")["changes"]
    assert {change["kind"] for change in changes} == {"usage"}
    (known,) = browser_of(served, "alice").send("GET", "jupyter-auth/api/v1/usage").json()["limits"]
    assert (known["notebooks"], known["quota"]) == (["two.ipynb", "one.ipynb"], quota)
    bob = served.server("bob").kernel()
    assert bob.call("GET", "usage")["limits"] == []


def test_a_kernel_brings_no_provider_of_its_own(served: Hub) -> None:
    kernel = served.server("alice").kernel()
    mapping = {"issuer": "https://evil.example", "client_id": "x"}
    status, error = kernel.ask("PUT", "providers/evil", mapping)
    assert (status, error["code"]) == (400, "configuration_error")
    assert kernel.ask("GET", "providers/github")[0] == 404, "a preset"
    asked: list[tuple[str, Any]] = [("providers", mapping | {"name": "evil"})]
    asked += [("imports", {"provider": "idp"})]  # from files that would be the service's own
    for route, body in asked:
        status, error = kernel.ask("POST", route, body)
        assert (status, error["code"]) == (400, "configuration_error"), route


# -- for the administrator -------------------------------------------------------------------------


def test_health_readiness_and_metrics(served: Hub, oidc: OidcProvider) -> None:
    signed_in(served, oidc, "alice").token()
    for path in ("health", "ready"):
        assert requests.get(served.url(PLACE + path), timeout=PATIENCE).json() == {"status": "ok"}
    assert requests.get(served.url(PLACE + "metrics"), timeout=PATIENCE).status_code == 403
    headers = {"Authorization": f"token {served.api_token}"}
    metrics = requests.get(served.url(PLACE + "metrics"), headers=headers, timeout=PATIENCE)
    assert 'jupyter_auth_tokens_total{outcome="ok"}' in metrics.text
    assert "alice" not in metrics.text
    assert (
        ' sign-in complete: user="alice" provider="idp" session_key="default" subject="u-1001"'
        in served.log()
    )


def test_an_administrator_renews_keys_examines_and_signs_a_user_out(
    served: Hub, oidc: OidcProvider, capfd: pytest.CaptureFixture[str]
) -> None:
    kernel = signed_in(served, oidc, "carol")
    token = kernel.token()["access_token"]
    asked = kernel.call("GET", "doctor?provider=idp")["findings"]
    uri = served.url(f"{PLACE}callback/idp")
    assert any(uri in each["says"] for each in asked)

    assert "records are encrypted with the first key" in auth_hub(served, oidc, "rotate-keys")
    (carol,) = json.loads(auth_hub(served, oidc, "accounts", "--json", "--user", "carol"))
    assert (carol["provider"], carol["refreshes"], carol["trouble"]) == ("idp", True, "")
    report = auth_hub(served, oidc, "doctor")
    assert "Hub: It answers, and the service's role has its scopes." in report
    assert f"{served.prefix}{PLACE}callback/idp" in report
    assert "✗" not in report
    said = auth_hub(served, oidc, "sign-out", "carol")
    assert "idp: revoked." in said
    assert "1 are revoked, 0 can't be, 0 are queued." in said
    audit = capfd.readouterr().err
    assert ' signed out by an administrator: user="carol"\n' in audit
    assert ' revoked at the provider: user="carol" provider="idp"' in audit
    assert not oidc.introspect(token)["active"]
    assert kernel.ask("POST", "token", {"provider": "idp"})[0] == 401
    assert "carol" not in names(served)


def test_what_is_not_there_is_said_by_doctor(served: Hub, oidc: OidcProvider) -> None:
    told = auth_hub(served, oidc, "doctor", status=1, JUPYTER_AUTH_CRYPT_KEYS="wrong")
    assert "✗ Service: JUPYTER_AUTH_CRYPT_KEYS contains no valid" in told
    told = auth_hub(served, oidc, "doctor", status=1, JUPYTERHUB_API_TOKEN="wrong")
    assert "✗ Hub: The Hub rejected the service's API token." in told


def test_the_service_asks_for_nothing_at_a_metadata_address(
    served: Hub, oidc: OidcProvider
) -> None:
    idp = {"issuer": "https://169.254.169.254/latest", "client_id": "x"}
    given = json.dumps({"idp": idp})
    told = auth_hub(served, oidc, "doctor", status=1, JUPYTER_AUTH_PROVIDERS=given)
    assert "✗ Provider idp: The metadata at 169.254.169.254 is a link-local or metadata" in told


def test_what_is_no_page_is_said_on_a_page(served: Hub) -> None:
    browser = browser_of(served, "alice")
    for path in ("jupyter-auth/", "jupyter-auth/nowhere"):
        answer = browser.get(path)
        assert answer.status_code == 404
        assert "No such page" in answer.text
        assert "Open Jupyter" in answer.text
