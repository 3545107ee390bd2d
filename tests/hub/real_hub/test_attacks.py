"""Attacks on the service: who gets what, logins in wrong hands, users who go. SECURITY 3 and 19.

Each request is right in all but the one thing that the guard under test has to see.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from tornado.httpclient import AsyncHTTPClient
from tornado.web import create_signed_value

from hub.hubs import KEYS
from hub.service_client import (
    PLACE,
    TOKEN_ROUTE,
    ask,
    browser_of,
    call,
    hub_token,
    names,
    people_of,
    serving,
    signed_in,
)
from hub.storage.databases import revocations_of
from jupyter_auth.core.errors import BrokerUnavailable
from jupyter_auth.core.login.openings import COOKIE_PREFIX
from jupyter_auth.server.hub.admin import sweep
from jupyter_auth.server.hub.app import derived
from jupyter_auth.server.hub.storage.database import Database
from jupyter_auth.server.hub.storage.encryption import Encryption
from jupyter_auth.server.hub.users.known_tokens import BELIEVED
from patience import until
from server.routes import CHANGES, KERNEL, UI

if TYPE_CHECKING:
    from pathlib import Path

    from clock import Clock
    from hub.hub_process import Hub, HubBrowser
    from providers.oidc import OidcProvider

ASKED = {"provider": "idp"}
# What a kernel sends, and nothing that only a browser does.
AS_A_KERNEL = {
    "Origin": "",
    "Sec_Fetch_Site": "",
    "Sec_Fetch_Mode": "",
    "Jupyter_Auth_Version": "1",
}


# -- who gets what ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authorization", "status", "said"),
    [
        ("", 405, "Method Not Allowed"),  # no page of a browser's has such a route
        ("token ", 403, "A JupyterHub API token is required"),
        ("Basic YWxpY2U6eA==", 403, "A JupyterHub API token is required"),
        ("Bearer unknown", 403, "does not know this token"),
    ],
)
def test_a_cookie_alone_gets_no_token(
    served: Hub, oidc: OidcProvider, authorization: str, status: int, said: str
) -> None:
    """Cookie, XSRF token and version are right, and nothing says that it is a browser."""
    token = signed_in(served, oidc, "alice").token()["access_token"]
    browser = browser_of(served, "alice")
    known = browser.send("GET", "jupyter-auth/api/v1/accounts", **AS_A_KERNEL)
    assert known.json()["accounts"], "the cookie opens what it is for"
    answer = browser.send(
        "POST", served.url(TOKEN_ROUTE), ASKED, Authorization=authorization, **AS_A_KERNEL
    )
    assert (answer.status_code, said in answer.text) == (status, True), answer.text
    assert token not in answer.text


def test_a_browser_gets_no_token_with_a_hub_api_token_either(
    served: Hub, oidc: OidcProvider
) -> None:
    signed_in(served, oidc, "alice")
    token = hub_token(served, "alice")
    assert call(served, token, "POST", "token", ASKED).json()["access_token"]
    for header in ("Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"):
        for value in (served.origin, "null") if header == "Origin" else ("same-origin",):
            answer = call(served, token, "POST", "token", ASKED, **{header: value})
            assert answer.status_code == 403, header
            assert answer.json()["message"] == "The kernel API is not for browsers."


def test_another_version_of_the_wire_gets_no_token(served: Hub, oidc: OidcProvider) -> None:
    signed_in(served, oidc, "alice")
    for version in ("", "2"):
        headers = {"Jupyter-Auth-Version": version}
        answer = call(served, hub_token(served, "alice"), "POST", "token", ASKED, **headers)
        assert (answer.status_code, "version" in answer.json()["message"]) == (403, True)


@pytest.mark.parametrize("somebody", ["mallory", "root"])
def test_on_no_route_does_somebody_elses_token_or_cookie_get_what_is_of_alice(
    served: Hub, oidc: OidcProvider, somebody: str
) -> None:
    """All routes of both APIs, with all that names alice; ``root`` administers the Hub."""
    alice = signed_in(served, oidc, "alice")
    token, login = alice.token(id_token=True), alice.begin(session_key="second")
    me = browser_of(served, somebody)
    assert served.api("GET", f"users/{somebody}")["admin"] == (somebody == "root")
    body = ASKED | {"user": "alice", "owner": "alice", "username": "alice", "id": login["id"]}
    query = "provider=idp&session_key=default&user=alice&owner=alice&since=0&wait=0"
    token_of_me = hub_token(served, somebody)
    for verb, pattern, _ in [*KERNEL, *UI]:
        for name in ("idp", login["id"], "none"):
            place = f"{pattern.replace('none', name)}?{query}"
            if pattern.startswith("/api/"):
                route = place.removeprefix("/api/v1/")
                answer = call(served, token_of_me, verb, route, body if verb != "GET" else None)
            else:
                answer = me.send(verb, place, body if verb != "GET" else None)
            assert answer.status_code != 500, (verb, place)
            for secret in (token["access_token"], token["id_token"], "u-1001", '"alice"'):
                assert secret not in answer.text, (verb, place)
            echo = name == login["id"] and "accounts" not in answer.text
            assert echo or login["id"] not in answer.text, (verb, place)
    assert alice.call("GET", f"logins/{login['id']}")["status"] == "pending"
    assert alice.token()["access_token"] == token["access_token"]
    alice.call("DELETE", f"logins/{login['id']}")


def test_a_service_gets_nothing_not_even_that_of_the_user_of_its_name(served: Hub) -> None:
    served.api("POST", "users", {"usernames": ["tests"]})  # the service is called so
    error = ask(served, served.api_token)
    assert (error["code"], "services have none" in error["message"]) == ("broker_unavailable", True)


def test_nor_by_its_token_in_a_browsers_cookie(served: Hub, tmp_path: Path) -> None:
    """Which the service alone can make, of what the Hub answers it; as here."""
    people = people_of(served)
    hub_auth = people._hub_auth
    served.browser("henry")
    served.browser("tests")  # the service is called so

    async def visit_with(token: str) -> int:
        cookie = create_signed_value(
            derived(hub_auth.api_token, "cookies"), hub_auth.cookie_name, token
        )
        headers = {"Cookie": f"{hub_auth.cookie_name}={cookie.decode()}"}
        with serving(people, tmp_path) as origin:
            url = f"{origin}/services/jupyter-auth/login/none"
            answer = await AsyncHTTPClient().fetch(
                url, headers=headers, raise_error=False, follow_redirects=False
            )
            return answer.code

    assert asyncio.run(visit_with(hub_token(served, "henry"))) == 200
    assert asyncio.run(visit_with(served.api_token)) == 302


def test_a_token_without_the_scope_gets_nothing(served: Hub, oidc: OidcProvider) -> None:
    signed_in(served, oidc, "alice")
    wanted = {"scopes": ["read:users:name!user"]}
    narrow = served.api("POST", "users/alice/tokens", wanted)["token"]
    error = ask(served, narrow)
    assert "access:services!service=jupyter-auth" in error["hint"]
    wide = served.api("POST", "users/alice/tokens", {})["token"]
    assert ask(served, wide)["access_token"]


def test_no_two_users_with_odd_names_are_one(served: Hub) -> None:
    odd = [
        "x y",
        "x%20y",
        "x+y",
        "x%2by",
        "o'neil",
        'a"b',
        "a~b",
        "\u00e4",
        "a\u0308",
        "..%2falice",
    ]
    served.api("POST", "users", {"usernames": odd})
    tokens = {name: hub_token(served, name) for name in odd}

    async def owners() -> dict[str, str]:
        people = people_of(served)
        return {name: (await people.of_token(tokens[name], "here")).name for name in odd}

    assert asyncio.run(owners()) == {name: name for name in odd}
    begun = {}
    for name, token in tokens.items():
        answer = call(served, token, "POST", "logins", ASKED | {"session_key": name})
        begun[name] = answer.json()["id"]
    assert len(set(begun.values())) == len(odd)
    for name, token in tokens.items():
        mine = call(served, token, "GET", "logins").json()["logins"]
        assert [(each["id"], each["session_key"]) for each in mine] == [(begun[name], name)]


# -- attacks on the login --------------------------------------------------------------------------


def test_bob_opens_the_link_of_alice(served: Hub) -> None:
    login = served.server("alice").kernel().begin(session_key="link")
    bob = browser_of(served, "bob")
    page = bob.page(login["path"])
    assert "This sign-in is over" in page
    assert "Example ID" not in page
    assert bob.send("POST", served.origin + login["path"]).status_code == 410


def test_a_guest_on_the_shared_server_of_alice_signs_nobody_in(served: Hub) -> None:
    """Her server asks the service as alice, whoever uses it."""
    server = served.server("alice")
    served.server("bob")
    login = server.kernel().begin(session_key="shared")
    served.api("POST", "shares/alice/", {"user": "bob"})
    try:
        guest = served.browser("bob").at(server.base_url)
        guest.get("lab")  # a page of alice's server, and its cookies
        xsrf = guest.session.cookies.get("_xsrf", path=server.base_url) or ""
        for verb, pattern, _ in [route for route in UI if "/api/" in route[1]]:
            place = pattern.replace("none", login["id"] if "logins" in pattern else "idp")
            answer = guest.send(verb, f"{place}?provider=idp", ASKED, X_XSRFToken=xsrf)
            assert answer.status_code == 403, place
            assert "Only alice can sign in on this server" in answer.text, place
    finally:
        served.api("DELETE", "shares/alice/")
    assert server.kernel().call("GET", f"logins/{login['id']}")["status"] == "pending"
    server.kernel().call("DELETE", f"logins/{login['id']}")


@pytest.mark.parametrize("victim", ["alice", "bob"])
def test_a_login_begun_by_one_and_finished_in_the_browser_of_another(
    served: Hub, oidc: OidcProvider, victim: str
) -> None:
    """Alice's callback in bob's browser, and mallory's (here: bob's) link followed by alice.

    Even with the cookie that binds the opening: the state is unknown to everybody else.
    """
    attacker = "bob" if victim == "alice" else "alice"
    kernel = served.server(attacker).kernel()
    served.server(victim)
    login = kernel.begin(session_key="trap")
    there, here = browser_of(served, attacker), browser_of(served, victim)
    callback = oidc.login(there.open(login), victim)
    carry_bindings(there, here)
    granted = len(oidc.events("grant.success"))
    assert here.arrive(callback) == f"{served.prefix}{PLACE}problem/expired"
    assert len(oidc.events("grant.success")) == granted, "the code was exchanged"
    assert kernel.call("GET", f"logins/{login['id']}")["status"] == "pending"
    kernel.call("DELETE", f"logins/{login['id']}")


def test_another_browser_of_the_same_user_does_not_finish_it(
    served: Hub, oidc: OidcProvider
) -> None:
    """A callback with mallory's code, which alice is made to follow, lacks the cookie alone."""
    kernel = served.server("alice").kernel()
    login = kernel.begin(session_key="forced")
    callback = oidc.login(browser_of(served, "alice").open(login))
    granted = len(oidc.events("grant.success"))
    place = browser_of(served, "alice").arrive(callback)
    assert place == f"{served.prefix}{PLACE}problem/foreign"
    assert len(oidc.events("grant.success")) == granted
    assert kernel.call("GET", f"logins/{login['id']}")["status"] == "pending"
    kernel.call("DELETE", f"logins/{login['id']}")


def test_a_callback_is_good_for_once(served: Hub, oidc: OidcProvider) -> None:
    """Also in the browser that it is for, with its cookie as it was."""
    browser, kernel = browser_of(served, "alice"), served.server("alice").kernel()
    login = kernel.begin(session_key="twice")
    callback = oidc.login(browser.open(login))
    kept = browser_of(served, "alice")
    carry_bindings(browser, kept)
    assert browser.arrive(callback) == login["path"]
    granted = len(oidc.events("grant.success"))
    carry_bindings(kept, browser)
    assert browser.arrive(callback) == f"{served.prefix}{PLACE}problem/expired"
    assert len(oidc.events("grant.success")) == granted
    assert kernel.call("DELETE", "accounts?provider=idp&session_key=twice")["removed"]


def test_every_change_needs_the_xsrf_token_of_the_page(served: Hub) -> None:
    """One that is right in another browser of hers is wrong too."""
    kernel, browser = served.server("alice").kernel(), browser_of(served, "alice")
    foreign = browser_of(served, "alice").xsrf
    login = kernel.begin(session_key="xsrf")
    browser.page(login["path"])
    assert foreign != browser.xsrf
    assert {verb for verb, *_ in CHANGES} == {"POST", "DELETE"}
    places = [(v, place.replace("none", login["id"]) + "?provider=no") for v, place, _ in CHANGES]
    for verb, place in places:
        for token in ("", "1" * 32, foreign):
            answer = browser.send(verb, place, ASKED, X_XSRFToken=token)
            assert (answer.status_code, "XSRF" in answer.text) == (403, True), (verb, place, token)
    for verb, place in places:
        answer = browser.send(verb, place, ASKED)
        assert answer.status_code != 403, (verb, place, answer.text)
        assert answer.status_code < 500, (verb, place, answer.text)


def carry_bindings(there: HubBrowser, here: HubBrowser) -> None:
    """The cookies that bind openings, copied from one browser into another."""
    found = [each for each in there.session.cookies if each.name.startswith(COOKIE_PREFIX)]
    assert found
    for cookie in found:
        here.session.cookies.set_cookie(cookie)


# -- users who go ----------------------------------------------------------------------------------


def test_a_user_made_anew_inherits_nothing_and_the_old_records_are_swept(
    served: Hub, oidc: OidcProvider
) -> None:
    token = signed_in(served, oidc, "carol").token()["access_token"]
    served.api("DELETE", "users/carol/server")
    served.api("DELETE", "users/carol")
    kernel = served.server("carol").kernel()
    assert kernel.call("GET", "accounts")["accounts"] == []
    assert kernel.ask("POST", "token", {"provider": "idp"})[0] == 401

    database = Database(f"sqlite:///{served.home / 'accounts.sqlite'}")
    kept = names(served)  # with hers, unless the service itself has swept meanwhile

    async def sweep_now() -> None:
        await sweep(database, people_of(served), revocations_of(database, Encryption(KEYS)))

    asyncio.run(sweep_now())
    database.close()
    assert names(served) == [name for name in kept if name != "carol"]
    until(lambda: not oidc.introspect(token)["active"])  # by the service


def test_a_deleted_user_is_served_for_as_long_only_as_the_hub_is_believed(
    served: Hub, clock: Clock
) -> None:
    async def ask() -> None:
        people = people_of(served, clock=clock)
        token = served.api("POST", "users/erin/tokens", {})["token"]
        assert (await people.of_token(token, "here")).name == "erin"
        served.api("DELETE", "users/erin")
        clock.advance(BELIEVED)
        with pytest.raises(BrokerUnavailable):
            await people.of_token(token, "here")

    served.api("POST", "users/erin")
    asyncio.run(ask())
    assert BELIEVED <= 60.0
