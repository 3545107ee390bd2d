"""Who uses the service in a browser: the Hub alone says it, to the browser that asked. SECURITY 3.

All users' servers share the Hub's origin: a page of mallory's can set any cookie in a browser that
looks at it, and send that browser anywhere.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from tornado.httpclient import AsyncHTTPClient
from tornado.web import create_signed_value

from hub.service_client import PLACE, browser_of, hub_token, people_of, serving
from jupyter_auth.server.hub.app import SharedOAuth, derived
from patience import PATIENCE
from security.hub.oauth_callback import SESSION, code_for

if TYPE_CHECKING:
    from pathlib import Path

    from hub.hub_process import Hub, HubBrowser
    from providers.oidc import OidcProvider


def plant(there: HubBrowser, here: HubBrowser, *, session: bool = False) -> None:
    """What mallory's page puts into alice's browser: the state's cookie, and the session's."""
    for cookie in list(there.session.cookies):
        if "-oauth-state" in cookie.name or (session and cookie.name == SESSION):
            here.session.cookies.set_cookie(cookie)


def test_a_planted_state_and_code_make_nobody_the_user_of_the_service(served: Hub) -> None:
    mallory, alice = served.browser("mallory"), served.browser("alicia")
    callback = code_for(mallory)
    plant(mallory, alice)
    answer = alice.session.get(callback, timeout=PATIENCE)
    assert urlsplit(answer.url).path == f"{served.prefix}{PLACE}problem/foreign"
    assert "code" not in answer.url
    assert not [c for c in alice.session.cookies if c.name == "service-jupyter-auth"]
    done = mallory.session.get(callback, timeout=PATIENCE)  # hers is as good as before
    assert "This sign-in is over" in done.text


def test_a_state_is_good_for_once(served: Hub) -> None:
    mallory = served.browser("mallory")
    callback = code_for(mallory)
    kept = mallory.session.cookies.copy()
    assert "This sign-in is over" in mallory.session.get(callback, timeout=PATIENCE).text
    mallory.session.cookies = kept
    again = mallory.session.get(callback, timeout=PATIENCE)
    assert urlsplit(again.url).path == f"{served.prefix}{PLACE}problem/foreign"


def test_without_a_session_at_the_hub_there_is_no_state_that_could_be_planted(served: Hub) -> None:
    with requests.Session() as http:
        answer = http.get(served.url(f"{PLACE}login/none"), timeout=PATIENCE, allow_redirects=False)
    at_hub = urlsplit(answer.headers["Location"])
    assert at_hub.path == f"{served.prefix}hub/login"
    assert parse_qs(at_hub.query) == {"next": [f"{served.prefix}{PLACE}login/none"]}
    assert not answer.cookies


# -- the service's routes, in this process ---------------------------------------------------------


def visit(people: Any, home: Path, path: str, **headers: str) -> Any:
    """What a browser is answered that has a session at the Hub."""

    async def fetch(origin: str) -> Any:
        given = {"Cookie": f"{SESSION}=s-1"} | headers
        return await AsyncHTTPClient().fetch(
            f"{origin}/services/jupyter-auth/{path}",
            headers=given,
            raise_error=False,
            follow_redirects=False,
        )

    async def run() -> Any:
        with serving(people, home) as origin:
            return await fetch(origin)

    return asyncio.run(run())


def begun(people: Any, home: Path) -> tuple[str, str]:
    """A state, and its cookie as a browser sends it back."""
    answer = visit(people, home, "login/none")
    state = parse_qs(urlsplit(answer.headers["Location"]).query)["state"][0]
    (cookie,) = (c for c in answer.headers.get_list("Set-Cookie") if "-oauth-state" in c)
    return state, cookie.partition(";")[0]


def test_a_state_is_good_for_ten_minutes(served: Hub, tmp_path: Path) -> None:
    people = people_of(served)
    people._hub_auth.base_url = "/services/jupyter-auth/"
    assert people._hub_auth.oauth_state_max_age == 600
    state, cookie = begun(people, tmp_path)
    place, cookies = f"oauth_callback?code=x&state={state}", f"{SESSION}=s-1; {cookie}"
    asked_the_hub = visit(people, tmp_path, place, Cookie=cookies)
    assert asked_the_hub.code == 500, "the Hub knows no such code"
    assert "Location" not in asked_the_hub.headers
    state, cookie = begun(people, tmp_path)
    people._hub_auth.oauth_state_max_age = -1  # as if that were over
    place, cookies = f"oauth_callback?code=x&state={state}", f"{SESSION}=s-1; {cookie}"
    refused = visit(people, tmp_path, place, Cookie=cookies)
    assert refused.headers["Location"] == "/services/jupyter-auth/problem/foreign"


@pytest.mark.parametrize("mode", ["navigate", "websocket"])
def test_no_token_in_an_address_says_who_it_is_whatever_the_environment_says(
    served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setenv("JUPYTERHUB_ALLOW_TOKEN_IN_URL", "1")
    served.browser("henry")
    people = people_of(served)
    people._hub_auth.allow_token_in_url = True
    path = f"api/v1/accounts?token={hub_token(served, 'henry')}"
    answer = visit(people, tmp_path, path, **{"Sec-Fetch-Mode": mode})
    assert answer.code in {302, 403}


@pytest.mark.parametrize(
    ("host", "name"),
    [("https://hub.example", "__Host-service-jupyter-auth"), ("", "service-jupyter-auth")],
)
def test_where_servers_have_hosts_of_their_own_none_of_them_sets_cookies_of_the_service(
    served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, name: str
) -> None:
    monkeypatch.setenv("JUPYTERHUB_HOST", host)
    monkeypatch.setenv(
        "JUPYTERHUB_PUBLIC_URL", "https://service.hub.example/services/jupyter-auth/"
    )
    people = people_of(served)
    hub_auth = people._hub_auth = SharedOAuth(
        api_token=served.api_token,
        base_url="/services/jupyter-auth/",
        oauth_client_id="service-jupyter-auth",
        access_scopes={"access:services!service=jupyter-auth"},
    )
    assert hub_auth.cookie_name == name
    answer = visit(people, tmp_path, "login/none")
    (cookie,) = (c for c in answer.headers.get_list("Set-Cookie") if "-oauth-state" in c)
    assert cookie.startswith(f"{name}-oauth-state-")
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax"} <= parts
    assert ({"secure", "path=/"} <= parts) == bool(host)
    assert not [part for part in parts if part.startswith("domain")]


def test_nor_the_cookie_that_binds_a_browser_to_a_login(
    served: Hub, oidc: OidcProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_HOST", "https://hub.example")
    monkeypatch.setenv(
        "JUPYTERHUB_PUBLIC_URL", "https://service.hub.example/services/jupyter-auth/"
    )
    served.browser("henry")
    people, token = people_of(served), hub_token(served, "henry")
    name = people._hub_auth.cookie_name
    signed = create_signed_value(derived(served.api_token, "cookies"), name, token).decode()
    cookies = f"{SESSION}=s-1; {name}={signed}"

    async def leave() -> Any:
        http = AsyncHTTPClient()
        with serving(people, tmp_path, oidc.issuer) as origin:
            asked = {"Authorization": f"token {token}", "Jupyter-Auth-Version": "1"}
            logins = f"{origin}/services/jupyter-auth/api/v1/logins"
            begun = await http.fetch(
                logins, method="POST", headers=asked, body=json.dumps({"provider": "idp"})
            )
            place = origin + json.loads(begun.body)["path"]
            page = await http.fetch(place, headers={"Cookie": cookies})
            given = [each.partition(";")[0] for each in page.headers.get_list("Set-Cookie")]
            (xsrf,) = (each.partition("=")[2] for each in given if each.startswith("_xsrf="))
            headers = {
                "Cookie": f"{cookies}; _xsrf={xsrf}",
                "X-XSRFToken": xsrf.strip('"'),
                "Origin": origin.replace("http:", "https:"),
                "Sec-Fetch-Mode": "cors",
            }
            return await http.fetch(place, method="POST", headers=headers, body="{}")

    answer = asyncio.run(leave())
    assert json.loads(answer.body)["url"].startswith(oidc.issuer)
    (cookie,) = (c for c in answer.headers.get_list("Set-Cookie") if "jupyter-auth-" in c)
    assert cookie.startswith("__Host-jupyter-auth-")
    assert {"secure", "path=/"} <= {part.strip().lower() for part in cookie.split(";")[1:]}


def test_a_silent_sign_in_goes_on_to_a_server_of_its_own_user_alone(served: Hub) -> None:
    alice = browser_of(served, "alicia").visit()

    def arrive(onward: str) -> requests.Response:
        page = f"{served.origin}{served.prefix}{PLACE}arrive/idp?next={onward}"
        return alice.get(page, allow_redirects=False)

    own = f"{served.prefix}user/alicia/lab"
    assert arrive(own).headers["Location"] == own
    for other in ("user/mallory/lab", "user/alicia/../mallory/lab", "user/aliciab/", "hub/logout"):
        assert arrive(f"{served.prefix}{other}").status_code == 400
