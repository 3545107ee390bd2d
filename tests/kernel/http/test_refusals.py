"""How an API says that a token is dead, or has too few scopes, besides by its status."""

from __future__ import annotations

import io
import warnings

import httpx
import pytest

from jupyter_auth import httpx_auth
from jupyter_auth.core.registration import challenges as header
from jupyter_auth.core.registration.challenges import challenges
from jupyter_auth.kernel.http.refusals import MOST, status_in
from jupyter_auth.kernel.http.requests_auth import TokenAuth
from jupyter_auth.kernel.http.warnings import AuthWarning
from providers.troubles import Reply

DEAD = 'Bearer realm="x", error="invalid_token", error_description="It has expired, sorry"'


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", []),
        ("Bearer", [("bearer", {})]),
        ("BEARER Error=invalid_token", [("bearer", {"error": "invalid_token"})]),
        ('Bearer error = "a\\"b, c"', [("bearer", {"error": 'a"b, c'})]),
        (
            'Basic realm="a, Bearer error=\\"x\\"", Bearer scope="a b", error="y"',
            [
                ("basic", {"realm": 'a, Bearer error="x"'}),
                ("bearer", {"scope": "a b", "error": "y"}),
            ],
        ),
        (
            "Negotiate YII+/w==, , Bearer error=y,DPoP algs=ES256",
            [("negotiate", {}), ("bearer", {"error": "y"}), ("dpop", {"algs": "ES256"})],
        ),
        ("Basic, Bearer error=y", [("basic", {}), ("bearer", {"error": "y"})]),
        ("Bearer error=y, error=z", [("bearer", {"error": "y"})]),
        # Not by the rules, and met: no comma between parameters, a quote that does not end.
        ('Bearer realm="x" error="y"', [("bearer", {"realm": "x", "error": "y"})]),
        ('Bearer error="y", realm="x', [("bearer", {"error": "y"})]),
        ("error=y", [("", {"error": "y"})]),
        ("Bearer error='y'", [("bearer", {"error": "y"})]),
    ],
)
def test_challenges(header, found):
    assert challenges(header) == found


def test_a_hostile_header_costs_little():
    for each in ("a", ",", '"', '\\"', "a=", 'a="', " ", "Bearer a=b,"):
        assert len(challenges(each * 100_000)) <= header.MOST


def by_requests(url, source, origin, **kwargs):
    import requests

    with requests.Session() as session:
        session.trust_env = False
        return session.post(url, auth=TokenAuth(source, origins=[origin]), **kwargs)


def by_httpx(url, source, origin, **kwargs):
    with httpx.Client(trust_env=False) as client:
        kwargs["content"] = kwargs.pop("data")
        return client.post(url, auth=httpx_auth(source, origins=[origin]), **kwargs)


@pytest.fixture(params=[by_requests, by_httpx])
def post(request, source, rogue):
    def call():
        body = io.BytesIO(b"content of the body")
        return request.param(f"{rogue.issuer}/api/x", source, rogue.issuer, data=body)

    return call


@pytest.mark.parametrize(
    ("code", "header", "dead"),
    [
        *((code, DEAD, True) for code in (400, 401, 403, 404, 498)),
        (403, f'Basic realm="a", {DEAD}', True),
        *((403, f"{scheme}error='invalid_token'", True) for scheme in ("Bearer ", "OAuth ", "")),
        (200, DEAD, False),
        (500, DEAD, False),
        (403, 'Bearer error="invalid_request"', False),
        (403, 'DPoP error="invalid_token"', False),
        (403, 'Basic realm="error=invalid_token", Bearer', False),
    ],
)
def test_invalid_token_at_any_4xx_brings_one_other_token(post, rogue, code, header, dead):
    rogue.script("api", lambda _: Reply(code, headers={"WWW-Authenticate": header}), times=1)
    answer = post()
    assert answer.status_code == (200 if dead else code)
    seen = rogue.seen("api")
    assert (rogue.refreshes, len(seen)) == ((1, 2) if dead else (0, 1))
    assert {each.body for each in seen} == {b"content of the body"}
    assert len({each.bearer for each in seen}) == len(seen)


def test_an_api_that_always_says_it_is_asked_twice(post, rogue):
    rogue.script("api", lambda _: Reply(403, headers={"WWW-Authenticate": DEAD}))
    assert post().status_code == 403
    assert len(rogue.seen("api")) == 2


def test_a_scope_that_lacks_is_said_once_and_no_reason_for_another_token(source, rogue, http):
    says = 'Bearer error="insufficient_scope", scope="files.\x85write jobs"'
    rogue.script("api", lambda _: Reply(401, headers={"WWW-Authenticate": says}))
    auth = TokenAuth(source, origins=[rogue.issuer])
    with pytest.warns(AuthWarning, match="401: this request needs the scopes files") as caught:
        assert http.get(f"{rogue.issuer}/api/x", auth=auth).status_code == 401
    assert "\x85" not in str(caught[0].message)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        http.get(f"{rogue.issuer}/api/x", auth=auth)
    assert (rogue.refreshes, len(rogue.seen("api"))) == (0, 2)


def test_one_that_is_not_named_is_said_too(post, rogue):
    says = {"WWW-Authenticate": "Bearer error=insufficient_scope"}
    rogue.script("api", lambda _: Reply(403, headers=says))
    with pytest.warns(AuthWarning, match="403: this request needs a scope that it does not name"):
        assert post().status_code == 403


# ArcGIS answers everything with 200

ESRI = {"error": {"code": 498, "message": "Invalid token.", "details": []}}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b' {"error": {"code": 498}}', 498),
        (b'{"error": {"code": "498"}}', None),
        (b'{"error": "invalid_token"}', None),
        (b'{"error": null}', None),
        (b'[{"error": {"code": 498}}]', None),
        (b'{"error": {"code": 498}', None),
        (b'{"error": {"code": 498}, "x": "' + b"x" * MOST + b'"}', None),
        (b'{"error": ' + b"[" * (MOST - 20), None),
        (b'\xff{"error"', None),
        (b"", None),
    ],
)
def test_the_status_in_a_body(body, code):
    assert status_in(body) == code


def test_a_refusal_in_a_200_brings_one_other_token(source, rogue, http):
    rogue.script("api", lambda _: Reply.json(ESRI), times=1)
    auth = TokenAuth(source, origins=[rogue.issuer])
    assert http.get(f"{rogue.issuer}/api/x", auth=auth).json()["path"] == "/api/x"
    assert (rogue.refreshes, len(rogue.seen("api"))) == (1, 2)


@pytest.mark.parametrize("code", [499, 403])
def test_which_ones_is_the_providers(source, rogue, http, code):
    rogue.script("api", lambda _: Reply.json({"error": {"code": code}}), times=1)
    auth = TokenAuth(source, origins=[rogue.issuer])
    assert http.get(f"{rogue.issuer}/api/x", auth=auth).json() == {"error": {"code": code}}
    rogue.script("api", lambda _: Reply.json({"error": {"code": code}}), times=1)
    auth = TokenAuth(source, origins=[rogue.issuer], refresh_on=[code])
    assert http.get(f"{rogue.issuer}/api/x", auth=auth).json()["path"] == "/api/x"


def test_a_body_that_is_streamed_is_the_callers(source, rogue, http):
    rogue.script("api", lambda _: Reply.json(ESRI))
    auth = TokenAuth(source, origins=[rogue.issuer])
    with http.get(f"{rogue.issuer}/api/x", auth=auth, stream=True) as answer:
        assert answer.raw.read(5) == b'{"err'
    assert rogue.refreshes == 0
