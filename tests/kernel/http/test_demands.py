"""What an API demands of the sign-in, where nobody is asked: ``TokenAuth`` and ``httpx_auth``."""

from __future__ import annotations

import asyncio
import base64
import json

import httpx
import httpx2
import pytest
import requests

from jupyter_auth import httpx_auth
from jupyter_auth.core.errors import InsufficientScope, LoginRequired
from jupyter_auth.core.models import NO_CHALLENGE, Challenge, LoginRequest
from jupyter_auth.kernel.http.refusals import MOST, demand_of
from jupyter_auth.kernel.http.requests_auth import TokenAuth
from jupyter_auth.kernel.http.warnings import AuthWarning
from kernel.http.demanding_api import DemandingApi
from kernel.http.planted_token import Fixed
from kernel.sign_in import sign_in
from providers.troubles import Reply

CLAIMS = {"access_token": {"acrs": {"essential": True, "value": "c1"}}}
LONG = f'{{"a": "{"é" * 1400}"}}'.encode()  # more than a broker takes, once it is in ASCII
URL = "https://api.example/x"


class Said:
    """A response with that header."""

    def __init__(self, header: str, status_code: int = 403) -> None:
        self.status_code = status_code
        self.headers = {"WWW-Authenticate": header} if header else {}


def encoded(value, *, urlsafe=False, padded=True):
    code = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    text = code(json.dumps(value).encode() if not isinstance(value, bytes) else value).decode()
    return text if padded else text.rstrip("=")


@pytest.mark.parametrize(
    ("header", "demand"),
    [
        ("", None),
        ("Bearer", None),
        ('Bearer error="invalid_token", scope="a"', None),
        ('Basic error="insufficient_scope", scope="a"', None),
        ('Bearer scope="a"', None),
        ("Bearer error=insufficient_scope", {}),
        (
            (
                'Bearer realm="x", error="insufficient_scope", scope="b a b",'
                ' resource_metadata="https://elsewhere.example/x"'
            ),
            {"scopes": ("b", "a")},
        ),
        (
            (
                'Basic realm="x", Bearer error="insufficient_user_authentication",'
                ' acr_values="urn:a urn:b", max_age="60"'
            ),
            {"acr_values": "urn:a urn:b", "max_age": "60"},
        ),
        ('Bearer error="insufficient_user_authentication", max_age=0', {"max_age": "0"}),
        *(
            (f'Bearer error="insufficient_user_authentication", max_age="{each}"', {})
            for each in ("", "-1", "1.5", "1e3", "\u0665", "9" * 11, "soon")
        ),
        (
            f'Bearer error="insufficient_claims", claims="{encoded(CLAIMS)}"',
            {"claims": json.dumps(CLAIMS)},
        ),
        *(
            (f'Bearer error="insufficient_claims", claims="{each}"', {})
            for each in ("", "%%%", "e30", encoded([]), encoded("x"), encoded(b"\xff{}"))
        ),
        (f'Bearer error="insufficient_claims", claims="{encoded(b"[" * 2500)}"', {}),
        (f'Bearer error="insufficient_claims", claims="{encoded(LONG)}"', {}),
    ],
)
def test_what_is_read(header, demand):
    found = demand_of(Said(header), URL)
    if demand is None:
        assert found is None
    else:
        assert found == (Challenge(api="api.example", **demand) if demand else NO_CHALLENGE)


@pytest.mark.parametrize("urlsafe", [True, False])
@pytest.mark.parametrize("padded", [True, False])
def test_claims_come_in_either_alphabet(urlsafe, padded):
    for value in ("\u00ff\u00fe\u00ff?>~", "a", "ab", "abc"):
        text = encoded({"id_token": {value: None}}, urlsafe=urlsafe, padded=padded)
        found = demand_of(Said(f'Bearer error=insufficient_claims, claims="{text}"', 401), URL)
        assert json.loads(found.claims) == {"id_token": {value: None}}


@pytest.mark.parametrize("code", [200, 302, 500])
def test_only_a_4xx_demands(code):
    assert demand_of(Said('Bearer error="insufficient_scope", scope="a"', code), URL) is None


@pytest.mark.parametrize(
    "scope",
    [
        "a" * 201,
        " ".join(f"s{number}" for number in range(21)),
        " ".join(f"s{number}" for number in range(500)),
        "a  b",
        "a\\\\b",
        'a\\"b',
        "\u00e4",
        "a\x1b[2Jb",
        "x" * MOST,
    ],
)
def test_more_than_a_person_can_be_asked_for_is_not_read(scope):
    says = Said(f'Bearer error="insufficient_scope", scope="{scope}"')
    assert demand_of(says, URL) in {None, NO_CHALLENGE}


# Where nobody is asked


def by_requests(url, auth, **kwargs):
    with requests.Session() as session:
        session.trust_env = False
        return session.post(url, auth=auth, data=b"content", **kwargs)


def by_httpx(url, auth, of=httpx):
    with of.Client(trust_env=False, follow_redirects=True) as client:
        return client.post(url, auth=httpx_auth(auth), content=b"content")


def by_httpx2(url, auth):
    return by_httpx(url, auth, httpx2)


def on_a_loop(url, auth):
    async def run():
        async with httpx.AsyncClient(trust_env=False, follow_redirects=True) as client:
            return await client.post(url, auth=httpx_auth(auth), content=b"content")

    return asyncio.run(run())


@pytest.fixture(params=[by_requests, by_httpx, by_httpx2, on_a_loop])
def post(request):
    return request.param


@pytest.fixture
def api(rogue):
    with DemandingApi(rogue) as made:
        yield made


@pytest.fixture
def auth(source, api):
    return TokenAuth(source, origins=[api.origin])


def test_missing_scopes_raise_with_what_to_run(post, auth, api, rogue):
    api.scopes("files.write")
    with pytest.raises(InsufficientScope) as caught:
        post(f"{api.origin}/x", auth)
    assert caught.value.scopes == ("files.write",)
    assert "asks for the scope files.write." in caught.value.message
    assert "`jupyter auth login idp --scopes openid files.write`" in caught.value.hint
    assert (len(api.seen), rogue.refreshes) == (1, 0)


def test_so_does_a_newer_sign_in(post, auth, api, rogue):
    api.step_up("max_age=60", acr_values="never")
    with pytest.raises(LoginRequired, match="a sign-in not older than 60 seconds") as caught:
        post(f"{api.origin}/x", auth)
    assert "`jupyter auth login idp --force`" in caught.value.hint
    assert (len(api.seen), rogue.refreshes) == (1, 0)


def test_claims_are_asked_for_by_a_refresh_first(post, auth, api, rogue):
    api.claims(CLAIMS, lambda *_: rogue.refreshes > 0)
    assert post(f"{api.origin}/x", auth).json()["body"] == "content"
    assert len(set(api.tokens)) == 2


def test_and_raise_where_that_is_not_enough(post, auth, api, rogue):
    api.claims(CLAIMS, lambda *_: False)
    with pytest.raises(LoginRequired, match="asks for another sign-in") as caught:
        post(f"{api.origin}/x", auth)
    assert "acrs" not in str(caught.value)
    assert (len(api.seen), rogue.refreshes) == (2, 1)


def test_a_sign_in_elsewhere_is_enough(post, auth, api, rogue, source):
    """As that of another notebook, of which this process has not heard yet."""
    source._listening = True
    engine, old = source._asks.__self__, source.token()
    api.scopes("files.write")
    sign_in(engine, rogue, engine.begin(LoginRequest("idp", scopes=("openid", "files.write"))))
    assert post(f"{api.origin}/x", auth).status_code == 200
    assert [*dict.fromkeys(api.tokens)] == [old.access_token.reveal(), api.tokens[-1]]


def test_a_source_of_other_makers_cannot_be_asked(post, api):
    api.scopes("files.write")
    api.instead = Reply.json({}, 403, {"WWW-Authenticate": api.demand})
    auth = TokenAuth(Fixed(), origins=[api.origin])
    with pytest.warns(AuthWarning, match="403: this request needs the scopes files.write"):
        assert post(f"{api.origin}/x", auth).status_code == 403
    assert len(api.seen) == 1


def test_what_a_redirect_leads_to_demands_nothing(post, auth, api, elsewhere):
    says = {"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="everything"'}
    elsewhere.reply = Reply.json({}, 403, says)
    api.instead = Reply(307, headers={"Location": f"{elsewhere.origin}/x"})

    def believed():
        try:
            post(f"{api.origin}/x", auth)
        except InsufficientScope as error:
            return error
        return None

    with pytest.warns(AuthWarning, match="did not get the token"):
        assert believed() is None
    assert "authorization" not in elsewhere.seen[0].headers
