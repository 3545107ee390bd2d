"""The service: all users' accounts in one database, each user's for that user alone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hub_process import until
from hubs import KEYS, SECRET
from served import PLACE, TOKEN_ROUTE, ask, auth_hub, browser_of, names, people_of, signed_in

from jupyter_auth.core.errors import BrokerUnavailable, Throttled
from jupyter_auth.server import hub_people
from jupyter_auth.server.database import Database
from jupyter_auth.server.hub_admin import sweep
from jupyter_auth.server.hub_brokers import WAITERS

if TYPE_CHECKING:
    from hub_process import Hub
    from providers.oidc import OidcProvider


def test_alice_and_bob_sign_in_and_each_is_themselves_at_the_api(
    served: Hub, oidc: OidcProvider
) -> None:
    for user, subject in (("alice", "u-1001"), ("bob", "u-1002")):
        kernel = signed_in(served, oidc, user)
        answer = requests.get(f"{oidc.issuer}/me", headers=kernel.token()["headers"], timeout=10)
        assert answer.json()["sub"] == subject


def test_another_server_of_alice_is_signed_in_at_once(served: Hub, oidc: OidcProvider) -> None:
    signed_in(served, oidc, "alice")
    kernel = served.server("alice", "another").kernel()
    assert [a["username"] for a in kernel.call("GET", "accounts")["accounts"]] == ["alice"]
    assert kernel.token()["access_token"]


def test_nothing_rests_in_the_clear_or_in_the_servers_of_users(
    served: Hub, oidc: OidcProvider
) -> None:
    token = signed_in(served, oidc, "alice").token()["access_token"]
    with sqlite3.connect(served.home / "accounts.sqlite") as connection:
        dump = "\n".join(map(str, connection.iterdump()))
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


# -- who gets what ---------------------------------------------------------------------------------


def test_a_cookie_alone_gets_no_token(served: Hub, oidc: OidcProvider) -> None:
    token = signed_in(served, oidc, "alice").token()["access_token"]
    browser = browser_of(served, "alice")
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "token "}):
        for more in ({}, {"Origin": "", "Sec_Fetch_Site": "", "Sec_Fetch_Mode": ""}):
            answer = browser.send(
                "POST", served.url(TOKEN_ROUTE), {"provider": "idp"}, **headers, **more
            )
            assert answer.status_code in {403, 404, 405}
            assert token not in answer.text


def test_the_token_of_bob_gets_what_is_of_bob_on_every_route(
    served: Hub, oidc: OidcProvider
) -> None:
    alice, bob = signed_in(served, oidc, "alice"), served.server("bob").kernel()
    secret, login = alice.token()["access_token"], alice.begin(session_key="second")
    asked: list[tuple[str, str, Any]] = [
        ("POST", "token", {"provider": "idp"}),
        ("POST", "token", {"provider": "idp", "user": "alice", "owner": "alice"}),
        ("GET", "accounts?user=alice", None),
        ("GET", "logins", None),
        ("GET", f"logins/{login['id']}", None),
        ("DELETE", f"logins/{login['id']}", None),
        ("DELETE", "accounts?provider=idp&session_key=second", None),
        ("GET", "changes?since=0", None),
    ]
    for method, route, body in asked:
        text = str(bob.ask(method, route, body))
        assert secret not in text
        assert login["id"] not in text
        assert "u-1001" not in text
    assert alice.call("GET", f"logins/{login['id']}")["status"] == "pending"
    assert alice.token()["access_token"] == secret


def test_services_and_administrators_get_nothing(served: Hub, oidc: OidcProvider) -> None:
    signed_in(served, oidc, "alice")
    error = ask(served, served.api_token)
    assert (error["code"], "services have none" in error["message"]) == ("broker_unavailable", True)


def test_a_token_without_the_scope_gets_nothing(served: Hub, oidc: OidcProvider) -> None:
    signed_in(served, oidc, "alice")
    wanted = {"scopes": ["read:users:name!user"]}
    narrow = served.api("POST", "users/alice/tokens", wanted)["token"]
    error = ask(served, narrow)
    assert "access:services!service=jupyter-auth" in error["hint"]
    wide = served.api("POST", "users/alice/tokens", {})["token"]
    assert ask(served, wide)["access_token"]


def test_unknown_tokens_are_limited_before_they_reach_the_hub(served: Hub) -> None:
    async def ask_often() -> None:
        people = people_of(served)
        for number in range(hub_people.FAILURES):
            with pytest.raises(BrokerUnavailable, match="does not know"):
                await people.of_token(f"unknown-{number}", "192.0.2.1")
        with pytest.raises(Throttled):
            await people.of_token("unknown", "192.0.2.1")
        with pytest.raises(BrokerUnavailable, match="does not know"):
            await people.of_token("unknown", "192.0.2.2")

    asyncio.run(ask_often())


def test_the_waits_of_one_user_are_limited_and_hold_up_nobody_else(
    served: Hub, oidc: OidcProvider
) -> None:
    alice, bob = signed_in(served, oidc, "alice"), served.server("bob").kernel()
    since = alice.call("GET", "changes?since=0")["sequence"]
    with ThreadPoolExecutor(WAITERS + 6) as pool:
        waits = [
            pool.submit(alice.ask, "GET", f"changes?since={since}&wait=20")
            for _ in range(WAITERS + 6)
        ]
        until(lambda: sum(each.done() for each in waits) >= 6)
        refused = [each.result() for each in waits if each.done()]
        assert {(status, error["code"]) for status, error in refused} == {(429, "throttled")}
        assert bob.call("GET", "accounts")
        alice.begin(session_key="wake")  # whoever waits is told
    statuses = [each.result()[0] for each in waits]
    assert set(statuses) == {200, 429}
    assert statuses.count(200) <= WAITERS  # alice's servers wait themselves


# -- attacks on the login --------------------------------------------------------------------------


def test_bob_opens_the_link_of_alice(served: Hub) -> None:
    login = served.server("alice").kernel().begin(session_key="link")
    bob = browser_of(served, "bob")
    page = bob.page(login["path"])
    assert "This sign-in is over" in page
    assert "Example ID" not in page
    assert bob.send("POST", served.origin + login["path"]).status_code == 410


def test_a_guest_on_the_shared_server_of_alice_signs_nobody_in(served: Hub) -> None:
    server = served.server("alice")
    served.server("bob")
    served.api("POST", "shares/alice/", {"user": "bob"})
    try:
        guest = served.browser("bob").at(server.base_url)
        guest.get("lab")  # a page of alice's server
        for method, path in (("POST", "logins"), ("GET", "accounts")):
            answer = guest.send(method, f"jupyter-auth/api/v1/{path}", {"provider": "idp"})
            assert answer.status_code == 403, path
    finally:
        served.api("DELETE", "shares/alice/")


@pytest.mark.parametrize("victim", ["alice", "bob"])
def test_a_login_begun_by_one_and_finished_in_the_browser_of_another(
    served: Hub, oidc: OidcProvider, victim: str
) -> None:
    """Alice's callback in bob's browser, and mallory's (here: bob's) link followed by alice."""
    attacker = "bob" if victim == "alice" else "alice"
    kernel = served.server(attacker).kernel()
    served.server(victim)
    login = kernel.begin(session_key="trap")
    callback = oidc.login(browser_of(served, attacker).open(login), victim)
    granted = len(oidc.events("grant.success"))
    place = browser_of(served, victim).arrive(callback)
    assert place == f"{served.prefix}{PLACE}problem/expired"
    assert len(oidc.events("grant.success")) == granted, "the code was exchanged"
    assert kernel.call("GET", f"logins/{login['id']}")["status"] == "pending"
    kernel.call("DELETE", f"logins/{login['id']}")


def test_a_callback_is_good_for_once(served: Hub, oidc: OidcProvider) -> None:
    browser = browser_of(served, "alice")
    login = served.server("alice").kernel().begin(session_key="twice")
    callback = oidc.login(browser.open(login))
    assert browser.arrive(callback) == login["path"]
    granted = len(oidc.events("grant.success"))
    assert browser.arrive(callback) == f"{served.prefix}{PLACE}problem/expired"
    assert len(oidc.events("grant.success")) == granted


def test_every_change_needs_the_xsrf_token_of_the_page(served: Hub) -> None:
    kernel, browser = served.server("alice").kernel(), browser_of(served, "alice")
    login = kernel.begin(session_key="xsrf")
    browser.page(login["path"])
    changes = [
        ("POST", login["path"], None),
        ("POST", f"{served.prefix}{PLACE}api/v1/logins", {"provider": "idp"}),
        ("DELETE", f"{served.prefix}{PLACE}api/v1/logins/{login['id']}", None),
        ("DELETE", f"{served.prefix}{PLACE}api/v1/accounts?provider=nobody", None),
    ]
    for method, path, body in changes:
        for token in ("", "1" * 32):
            answer = browser.send(method, served.origin + path, body, X_XSRFToken=token)
            assert answer.status_code == 403, (method, path, token)
    for method, path, body in changes:
        assert browser.send(method, served.origin + path, body).status_code < 300, (method, path)


# -- users who go ----------------------------------------------------------------------------------


def test_a_user_made_anew_inherits_nothing_and_the_old_records_are_swept(
    served: Hub, oidc: OidcProvider
) -> None:
    signed_in(served, oidc, "carol")
    served.api("DELETE", "users/carol/server")
    served.api("DELETE", "users/carol")
    kernel = served.server("carol").kernel()
    assert kernel.call("GET", "accounts")["accounts"] == []
    assert kernel.ask("POST", "token", {"provider": "idp"})[0] == 401

    database = Database(f"sqlite:///{served.home / 'accounts.sqlite'}")
    kept = names(served)
    assert "carol" in kept

    async def sweep_now() -> None:
        await sweep(database, people_of(served))

    asyncio.run(sweep_now())
    database.close()
    assert names(served) == [name for name in kept if name != "carol"]


def test_a_deleted_user_is_served_for_as_long_only_as_the_hub_is_believed(served: Hub) -> None:
    async def ask_until_refused() -> float:
        people = people_of(served)
        people._owners = hub_people.Remembered(seconds=1.0)
        token = served.api("POST", "users/erin/tokens", {})["token"]
        assert (await people.of_token(token, "here")).name == "erin"
        served.api("DELETE", "users/erin")
        gone = time.monotonic()
        with contextlib.suppress(BrokerUnavailable):
            while await people.of_token(token, "here"):
                assert time.monotonic() < gone + 30, "the Hub is believed for ever"
        return time.monotonic() - gone

    served.api("POST", "users/erin")
    assert asyncio.run(ask_until_refused()) < 5.0
    assert hub_people.BELIEVED <= 60.0


# -- for the administrator -------------------------------------------------------------------------


def test_health_readiness_and_metrics(served: Hub, oidc: OidcProvider) -> None:
    signed_in(served, oidc, "alice").token()
    for path in ("health", "ready"):
        assert requests.get(served.url(PLACE + path), timeout=10).json() == {"status": "ok"}
    assert requests.get(served.url(PLACE + "metrics"), timeout=10).status_code == 403
    headers = {"Authorization": f"token {served.api_token}"}
    metrics = requests.get(served.url(PLACE + "metrics"), headers=headers, timeout=10)
    assert 'jupyter_auth_tokens_total{outcome="ok"}' in metrics.text
    assert "alice" not in metrics.text
    assert "sign-in complete: user='alice' provider='idp'" in served.log()


def test_an_administrator_renews_keys_examines_and_signs_a_user_out(
    served: Hub, oidc: OidcProvider
) -> None:
    kernel = signed_in(served, oidc, "carol")
    token = kernel.token()["access_token"]
    asked = kernel.call("GET", "doctor?provider=idp")["findings"]
    uri = served.url(f"{PLACE}callback/idp")
    assert any(uri in each["says"] for each in asked)

    assert "records are encrypted with the first key" in auth_hub(served, oidc, "rotate-keys")
    report = auth_hub(served, oidc, "doctor")
    assert "Hub: It answers, and the service's role has its scopes." in report
    assert f"{served.prefix}{PLACE}callback/idp" in report
    assert "✗" not in report
    assert "1 accounts of carol are signed out." in auth_hub(served, oidc, "sign-out", "carol")
    assert not oidc.introspect(token)["active"]
    assert kernel.ask("POST", "token", {"provider": "idp"})[0] == 401
    assert "carol" not in names(served)


def test_what_is_not_there_is_said_by_doctor(served: Hub, oidc: OidcProvider) -> None:
    told = auth_hub(served, oidc, "doctor", status=1, JUPYTER_AUTH_CRYPT_KEYS="wrong")
    assert "✗ Service: JUPYTER_AUTH_CRYPT_KEYS holds no key" in told
    told = auth_hub(served, oidc, "doctor", status=1, JUPYTERHUB_API_TOKEN="wrong")
    assert "✗ Hub: The Hub refuses the service's API token." in told


def test_the_service_asks_for_nothing_at_a_metadata_address(
    served: Hub, oidc: OidcProvider
) -> None:
    idp = {"issuer": "https://169.254.169.254/latest", "client_id": "x"}
    given = json.dumps({"idp": idp})
    told = auth_hub(served, oidc, "doctor", status=1, JUPYTER_AUTH_PROVIDERS=given)
    assert "✗ Provider: The metadata at 169.254.169.254 is a link-local or metadata" in told


def test_what_is_no_page_is_said_on_a_page(served: Hub) -> None:
    browser = browser_of(served, "alice")
    for path in ("jupyter-auth/", "jupyter-auth/nowhere"):
        answer = browser.get(path)
        assert answer.status_code == 404
        assert "There is no such page" in answer.text
        assert "Open Jupyter" in answer.text
