"""``UserSession``: what its requests do, and where they take the token."""

from __future__ import annotations

import json

import pytest
import requests

from jupyter_auth.core.errors import (
    ConfigurationError,
)
from jupyter_auth.core.provider.field_types import Header
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.kernel.http.warnings import AuthWarning
from jupyter_auth.kernel.session.user_session import UserSession
from kernel.sign_in import person
from patience import PATIENCE
from providers.troubles import Reply, status


def away(origin, code=302):
    return lambda _: Reply(code, headers={"Location": f"{origin}/x"})


# Requests


def test_relative_urls(session, rogue, elsewhere):
    assert session.get("api/x").json()["path"] == "/api/x"
    assert session.get("/api/y").json()["path"] == "/api/y"
    assert session.get(b"/api/z").json()["path"] == "/api/z"
    deeper = UserSession("idp", base_url=f"{rogue.issuer}/api/v1", interactive=False)
    assert deeper.get("x?a=b").json()["path"] == "/api/v1/x"
    assert deeper.get("/api/x").json()["path"] == "/api/x"
    assert [deeper.get(at).json()["path"] for at in ("", "?a=b")] == ["/api/v1", "/api/v1"]
    asked = UserSession("idp", base_url=f"{rogue.issuer}/api/v1?team=7", interactive=False)
    assert asked.get("x").json()["path"] == "/api/v1/x"
    assert session.get(f"//{elsewhere.origin.partition('//')[2]}/x").ok
    assert "authorization" not in elsewhere.seen[0].headers


def test_a_relative_url_without_a_base_is_said_so(session, rogue):
    session._base_url = None
    with pytest.raises(ConfigurationError, match="no base_url"):
        session.get("me")
    assert session.get(f"{rogue.issuer}/api/x").ok


def test_who_names_a_base_url_means_its_origin(elsewhere, session):
    del session
    mine = UserSession("idp", base_url=elsewhere.origin, interactive=False)
    mine.get("x")
    assert elsewhere.seen[0].bearer == str(mine.access_token)
    with pytest.raises(ConfigurationError, match="not https"):
        UserSession("idp", base_url="http://api.example.com", interactive=False)


def test_api_origins_are_instead_of_the_providers(elsewhere, session, rogue):
    mine = UserSession("idp", api_origins=elsewhere.origin, interactive=False)
    mine.get(f"{elsewhere.origin}/x")
    assert elsewhere.seen[0].bearer == str(session.access_token)
    with pytest.warns(AuthWarning, match="api_origins"):
        assert mine.get(f"{rogue.issuer}/api/x").status_code == 401


class Recording(requests.adapters.HTTPAdapter):
    """Sends as always, and remembers how."""

    def send(self, request, **kwargs):
        self.timeout = kwargs["timeout"]
        return super().send(request, **kwargs)


def test_timeouts(session):
    adapter = Recording()
    session.mount("http://", adapter)
    session.get("/api/x")
    assert adapter.timeout == (10, 60)
    session.get("/api/x", timeout=3)
    assert adapter.timeout == 3
    session.get("/api/x", timeout=None)
    assert adapter.timeout is None
    session.request("GET", "/api/x", None, None, None, None, None, None, 4)
    assert adapter.timeout == 4
    session.send(session.prepare_request(requests.Request("GET", f"{session._base_url}/api/x")))
    assert adapter.timeout == (10, 60)


def test_the_callers_own_auth_wins(session, rogue):
    session.get("/api/x", auth=("me", "password"))
    assert rogue.seen("api")[0].headers["authorization"].startswith("Basic ")


def test_netrc_replaces_nothing(session, rogue, elsewhere, home):
    (home / ".netrc").write_text("default login mallory password planted\n")
    (home / ".netrc").chmod(0o600)
    assert requests.utils.get_netrc_auth(rogue.issuer)
    assert session.get("/api/x").ok
    rogue.script("api", away(elsewhere.origin))
    assert session.get("/api/x").ok
    session.get(f"{elsewhere.origin}/y")
    assert not any("authorization" in each.headers for each in elsewhere.seen)


@pytest.fixture(params=["Authorization", "x-api-key"])
def keyed(request, engine, rogue, kernel_api, capsys):  # noqa: ARG001
    """A session whose token travels in that header."""
    template = {"Authorization": "Bearer {token}"}.get(request.param, "{token}")
    own = Provider(
        name="own",
        issuer=rogue.issuer,
        client_id="notebook",
        scopes=("openid",),
        header=Header(name=request.param, template=template),
    )
    with person(engine, rogue):
        session = UserSession(own, interactive=True, timeout=PATIENCE)
    session.own_header = request.param.lower()
    return session


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_elsewhere_takes_no_token_along(keyed, rogue, elsewhere, code):
    rogue.script("api", away(elsewhere.origin, code))
    assert keyed.get(f"{rogue.issuer}/api/x").ok
    assert keyed.own_header in rogue.seen("api")[0].headers
    secret = str(keyed.access_token)
    assert secret not in repr(elsewhere.seen[0].headers)


def test_a_redirect_back_gets_the_token_again(keyed, rogue, elsewhere):
    elsewhere.reply = Reply(302, headers={"Location": f"{rogue.issuer}/api/back"})
    script_pages(rogue, away(elsewhere.origin), page({}))
    keyed.get(f"{rogue.issuer}/api/x")
    first, last = rogue.seen("api")[0], rogue.seen("api")[-1]
    assert last.path == "/api/back"
    assert first.headers[keyed.own_header] == last.headers[keyed.own_header]
    assert keyed.own_header not in elsewhere.seen[0].headers


def test_a_callers_header_is_not_carried_away_either(session, rogue, elsewhere):
    elsewhere.reply = Reply(302, headers={"Location": f"{rogue.issuer}/api/x"})
    session.get(f"{elsewhere.origin}/x", headers={"Authorization": "mine"})
    assert elsewhere.seen[0].headers["authorization"] == "mine"
    assert rogue.seen("api")[0].bearer == str(session.access_token)
    session.auth = None  # a session without us is one of requests
    session.get(f"{elsewhere.origin}/x", headers={"Authorization": "mine"})
    assert "authorization" not in rogue.seen("api")[-1].headers


def test_a_callers_header_stays_at_its_host(session, elsewhere):
    other = elsewhere.origin.replace("127.0.0.1", "localhost")
    elsewhere.replies = [Reply(302, headers={"Location": f"{other}/y"})]
    session.get(f"{elsewhere.origin}/x", headers={"Authorization": "mine"})
    assert ["authorization" in each.headers for each in elsewhere.seen] == [True, False]


def test_what_is_redirected_is_decided_anew(keyed, rogue):
    answer = keyed.get(f"{rogue.issuer}/api/x", stream=True)
    evil = rogue.issuer.replace("127.0.0.1", "127.0.0.1.evil")
    for url in ("https://elsewhere.example/x", f"{evil}/x"):
        moved = answer.request.copy()
        assert keyed.own_header in moved.headers
        moved.url = url  # whatever way it came to be
        keyed.rebuild_auth(moved, answer)
        assert keyed.own_header not in moved.headers


# Pages


def page(body, link=""):
    headers = {"Content-Type": "application/json; charset=utf-8"} | ({"Link": link} if link else {})
    return lambda _: Reply(200, json.dumps(body).encode(), headers)


def script_pages(rogue, *replies):
    for each in replies:
        rogue.script("api", each, times=1)


def test_pages_by_odata_next_and_link(session, rogue):
    script_pages(
        rogue,
        page({"value": [1], "@odata.nextLink": f"{rogue.issuer}/api/2"}),
        page({"results": [2], "next": "/api/3?page=3"}),
        page([3], '</api/4>; rel="next", </api/1>; rel="first"'),
        page({"value": [4], "next": None}),
    )
    pages = list(session.get_pages("/api/1", params={"top": "1"}, headers={"x-mine": "1"}))
    assert [each.status_code for each in pages] == [200] * 4
    seen = rogue.seen("api")
    assert [each.path for each in seen] == ["/api/1", "/api/2", "/api/3", "/api/4"]
    assert [each.query for each in seen] == [{"top": "1"}, {}, {"page": "3"}, {}]
    assert ["x-mine" in each.headers for each in seen] == [True, False, False, False]
    assert len({each.bearer for each in seen}) == 1


def test_an_error_is_the_last_page(session, rogue):
    script_pages(rogue, page({"next": "/api/2"}), status(500), page({"next": "/api/4"}))
    assert [each.status_code for each in session.get_pages("/api/1")] == [200, 500]


def test_a_next_page_elsewhere_gets_no_token(session, rogue, elsewhere):
    script_pages(rogue, page({"next": f"{elsewhere.origin}/2"}))
    assert len(list(session.get_pages("/api/1"))) == 2
    assert "authorization" not in elsewhere.seen[0].headers


def test_pages_that_name_themselves_end(session, rogue):
    rogue.script("api", page({"next": "/api/1"}))
    assert len(list(session.get_pages("/api/1"))) == 1


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>", "text/html"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'{"next": {"a": 1}}', "application/json"),
        (b'{"next": ""}', "application/json"),
    ],
)
def test_what_names_no_next_page(session, rogue, body, kind):
    rogue.script("api", lambda _: Reply(200, body, {"Content-Type": kind}))
    assert len(list(session.get_pages("/api/1"))) == 1
