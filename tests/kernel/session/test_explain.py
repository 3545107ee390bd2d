"""``session.explain``: who was sent, for what, what the API said, and what to do."""

from __future__ import annotations

import base64
import gc
import html
import json
import re
import time

import pytest
import requests

from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.models import LoginRequest, Token
from jupyter_auth.core.secret import Secret
from jupyter_auth.kernel.commands.explain import last_explained
from jupyter_auth.kernel.http.requests_auth import TokenAuth
from jupyter_auth.kernel.http.warnings import AuthWarning
from jupyter_auth.kernel.session import last_responses
from jupyter_auth.kernel.session.explain import explain
from jupyter_auth.kernel.session.user_session import UserSession
from kernel.echo_api import Api
from kernel.sign_in import person, sign_in
from providers.troubles import Reply

PLANTED = "planted-secret-8d1f40a7"


@pytest.fixture
def api():
    with Api() as made:
        yield made


@pytest.fixture
def configured(configured, api):
    configured["idp"] |= {"base_url": api.origin, "audience": "https://api.acme.example"}
    return configured


def told(session, response):
    """The findings by what they are about."""
    (section,) = session.explain(response).sections
    return {each.about: each for each in section.findings}


def refuse(api, status, headers=None, body=None, times=1):
    said = json.dumps(body).encode() if isinstance(body, (dict, list)) else (body or b"")
    api.replies = [Reply(status, said, headers or {})] * times


def test_what_was_accepted(session, api):
    report = session.explain(session.get("x"))
    assert report.healthy
    text = " ".join(str(report).split())
    assert f"GET {api.origin} answered 200 OK" in text
    assert "Sent as rosa, by the account idp." in text
    assert "for https://api.acme.example, with the scopes openid, valid until 20" in text
    assert "UTC" in text
    assert "The API has accepted the request." in text
    assert html.escape(f"GET {api.origin}") in report._repr_html_()


def test_a_rejected_token_is_followed_by_a_sign_in_that_works(session, api, engine, rogue):
    refuse(api, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'}, times=2)
    found = told(session, session.get("x"))
    assert "refused this token. It refused a new one too. It said: invalid_token" in (
        found["Answer"].says
    )
    assert found["Tries"].says.startswith("Sent 2 times")
    (code,) = re.findall("`(.*?)`", found["Answer"].advice)
    assert code == "UserSession('idp', auth_force=True)"
    with person(engine, rogue):
        again = eval(code[:-1] + ", interactive=True, timeout=60)")  # noqa: S307
    assert again.get("x").ok


class Once:
    """A body that cannot be sent again, so that nobody is asked for what the API demands."""

    def __iter__(self):
        yield self.read()

    def __len__(self):
        return 1

    def read(self, _=-1):
        return b"x"


def unasked(session):
    with pytest.warns(AuthWarning):
        return session.post("x", data=Once())


def test_a_missing_scope_names_it_and_the_line_to_write(session, api, engine, rogue):
    says = 'Bearer error="insufficient_scope", scope="openid profile"'
    refuse(api, 403, {"WWW-Authenticate": says}, {"message": "No profile"})
    found = told(session, unasked(session))
    assert "asks for the scopes openid profile. It said: insufficient_scope: No profile" in (
        found["Answer"].says
    )
    (code,) = re.findall("`(.*?)`", found["Answer"].advice)
    assert code == "UserSession('idp', scopes='openid profile')"
    with person(engine, rogue):
        again = eval(code[:-1] + ", interactive=True, timeout=60)")  # noqa: S307
    assert again.scopes == ("openid", "profile")


REFUSALS = [
    (Reply.json({"error": {"code": "no", "message": "Not you"}}, 403), "no: Not you", "permission"),
    (Reply.json({"detail": "Not found."}, 404), "or nothing that this account may see", "address"),
    (Reply(429, headers={"Retry-After": "99"}), "accepts no more requests", "in 99 seconds"),
    (Reply(429), "accepts no more requests", "later"),
    (Reply(503, headers={"Retry-After": "Tue, 02 Oct 2096 07:06:40 GMT"}), "no more", "after Tue,"),
    (
        Reply(500, b"Oh no", {"Content-Type": "text/plain"}),
        "has a problem. It said: Oh no",
        "later",
    ),
    (Reply(407), "A proxy answered, not the API", "HTTPS_PROXY"),
    (Reply.json({"errors": [{"title": "Bad day"}]}, 400), "as it is. It said: Bad day", ""),
    (Reply(418, b"<html>Teapot</html>"), "doesn't accept the request as it is.", ""),
]


@pytest.mark.parametrize(("reply", "says", "advice"), REFUSALS)
def test_other_refusals(session, api, reply, says, advice):
    api.replies = [reply]
    found = told(session, session.get("x"))["Answer"]
    assert says in found.says
    assert advice in found.advice
    assert "<html>" not in found.says
    assert found.state == "wrong"


STRONGER = 'error="insufficient_user_authentication",'


@pytest.mark.parametrize(
    ("challenge", "says", "advice"),
    [
        (f'{STRONGER} acr_values="gold"', "a stronger sign-in (gold)", "where you can sign in"),
        (f'{STRONGER} max_age="60"', "than 60 seconds", "`UserSession('idp', auth_force=True)`"),
        ('error="insufficient_claims", claims="eyJhIjogMX0="', "another sign-in", "where you can"),
        ('error="insufficient_claims"', "say what", "Look up"),
    ],
)
def test_a_stronger_sign_in(session, api, challenge, says, advice):
    refuse(api, 403, {"WWW-Authenticate": f"Bearer {challenge}"})
    found = told(session, unasked(session))["Answer"]
    assert says in found.says
    assert advice in found.advice


# Where no token was sent


def test_another_origin(session, api, elsewhere):
    elsewhere.reply = Reply(401)
    with pytest.warns(AuthWarning):
        found = told(session, session.get(f"{elsewhere.origin}/x"))
    assert f"did not get the token, which is sent only to {api.origin}" in found["Account"].says
    assert "api_origins" in found["Account"].says
    assert "Token" not in found
    assert "See above" in found["Answer"].advice


def test_by_origin_it_says_what_the_warning_says(session, elsewhere):
    del session
    elsewhere.reply = Reply(401)
    mine = UserSession(interactive=False)
    with pytest.warns(AuthWarning):
        found = told(mine, mine.get(f"{elsewhere.origin}/x"))
    assert f"`UserSession('{elsewhere.origin}')` signs in" in found["Account"].says


def test_a_redirect_that_dropped_the_token(session, api, elsewhere):
    api.replies = [Reply(302, headers={"Location": f"{elsewhere.origin}/x"})]
    elsewhere.reply = Reply(401)
    with pytest.warns(AuthWarning):
        found = told(session, session.get("x"))
    assert "a redirect led to another origin" in found["Account"].says
    assert f"{api.origin} (302, with a token) → {elsewhere.origin} (401, without a token)" in (
        found["Redirects"].says
    )


def test_a_redirect_that_kept_it(session, api):
    api.replies = [Reply(302, headers={"Location": "/y"})]
    found = told(session, session.get("x"))
    assert "rosa" in found["Account"].says
    assert found["Redirects"].says.count("with a token") == 2


def test_an_auth_of_the_callers_own(session, api):
    refuse(api, 401)
    found = told(session, session.get("x", auth=("me", PLANTED)))
    assert "had an `auth` of its own" in found["Account"].says


def test_a_proxy_is_named_without_its_password(session):
    session.proxies["https"] = f"http://me:{PLANTED}@proxy.example:3128"
    response = session.get("x")
    response.url = response.request.url = "https://api.example/x"
    said = str(session.explain(response))
    assert "It went through proxy.example:3128." in said
    assert PLANTED not in said


def test_an_account_that_is_gone(session):
    response = session.get("x")
    session.logout()
    assert (
        "Sent, by the account idp. It has been signed out since."
        in told(session, response)["Account"].says
    )


def test_only_a_response_can_be_explained(session):
    with pytest.raises(ConfigurationError, match="Only a response"):
        session.explain("x")


# What a token says of itself


def jwt(**claims):
    parts = [json.dumps(x).encode() for x in ({"alg": "none"}, claims)]
    return ".".join([*(base64.urlsafe_b64encode(x).decode().rstrip("=") for x in parts), "sig"])


class Fixed:
    """A source of one token."""

    def __init__(self, value):
        headers = {"Authorization": Secret(f"Bearer {value}")}
        self._token = Token(access_token=Secret(value), headers=headers, person="rosa")

    def token(self, min_valid=0.0):  # noqa: ARG002
        return self._token

    def rejected(self, token):
        return token


def sent_token(api, http, **claims):
    value = jwt(**claims)
    response = http.get(f"{api.origin}/x", auth=TokenAuth(Fixed(value), origins=[api.origin]))
    report = explain(response)
    assert value not in str(report)
    return {each.about: each for each in report.sections[0].findings}["In the token"]


def test_a_jwt_says_what_it_is_for(api, http):
    ends = time.time() + 60
    found = sent_token(
        api, http, aud=api.origin, scp=["a", "b"], exp=ends, iss="https://idp.example"
    )
    assert f"iss https://idp.example, aud {api.origin}, scp a b, exp 20" in found.says
    assert found.state == "ok"


def test_a_wrong_audience(api, http):
    refuse(api, 401)
    found = sent_token(api, http, aud=["https://other.example"])
    assert f"made for https://other.example, not for {api.origin}." in found.says
    assert "`resource` or `audience`" in found.advice


def test_one_that_has_expired_by_its_own_words(api, http):
    refuse(api, 401)
    assert (
        "By that it has expired" in sent_token(api, http, aud=api.origin, exp=time.time() - 9).says
    )


@pytest.mark.parametrize(
    "value", ["opaque", "a.b.c", "a..c", jwt()[:-20] + "!", "e30.W10.x", "é.é.é"]
)
def test_what_is_no_jwt_says_nothing(api, http, value):
    auth = TokenAuth(Fixed(value.encode("ascii", "ignore").decode()), origins=[api.origin])
    assert "own words" not in str(explain(http.get(f"{api.origin}/x", auth=auth)))


@pytest.mark.parametrize("ends", [1e300, True, "soon", None, [], float("inf")])
def test_odd_claims(api, http, ends):
    found = sent_token(api, http, aud=[api.origin, 5, None], exp=ends, scope={"a": 1})
    assert f"aud {api.origin}" in found.says


# No secret


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500])
@pytest.mark.parametrize("kind", ["header", "json", "text", "deep"])
def test_nothing_in_it_is_secret(session, api, status, kind):
    token = session.access_token
    carried = f"Cookie {PLANTED}; Bearer {token} {jwt(a=PLANTED)}"
    carried += f" {requests.utils.quote(token)}"
    says = {
        "header": ({"WWW-Authenticate": f'Bearer error="{carried}", scope="{carried}"'}, b""),
        "json": ({}, {"error": carried, "error_description": carried * 3, "message": carried}),
        "text": ({"Content-Type": "text/plain", "Retry-After": carried}, carried.encode()),
        "deep": ({}, {"errors": [{"detail": carried}] * 9}),
    }[kind]
    refuse(api, status, *says, times=5)
    session.cookies.set("sid", PLANTED, domain="127.0.0.1")
    session.auth._demanded = lambda response, _: response  # a person has been asked
    response = session.get(f"x/{PLANTED}?key={PLANTED}#{PLANTED}")
    report = session.explain(response)
    shown = str(report) + report._repr_html_() + repr(report)
    for secret in (PLANTED, str.__str__(token), str(session.id_token)):
        assert secret not in shown


def test_what_the_network_says_is_bounded_and_one_line(session, api):
    refuse(api, 403, body={"message": "a\n\x1b[31m" + "x" * 100_000})
    found = told(session, session.get("x"))["Answer"].says
    assert len(found) < 600
    refuse(api, 403, body={"message": "a\n\x1b[31m`b`<b>" + "x" * 1000})
    report = session.explain(session.get("x"))
    assert "a [31m'b'<b>xxx" in report.sections[0].findings[-1].says
    assert "\x1b" not in str(report)
    assert "<b>xxx" not in report._repr_html_()


def test_a_body_that_is_streamed_is_not_read(session, api):
    refuse(api, 403, body={"message": "wait"})
    response = session.get("x", stream=True)
    assert "wait" not in str(session.explain(response))
    assert response.json() == {"message": "wait"}


# The last one


@pytest.fixture
def nothing_yet(monkeypatch):
    monkeypatch.setattr(last_responses, "_last", type(last_responses._last)(maxlen=50))


@pytest.mark.usefixtures("nothing_yet")
def test_the_last_response_is_explained_and_not_kept(session, api):
    with pytest.raises(
        ConfigurationError, match="No session of this kernel has sent a request yet"
    ):
        last_explained()
    response = session.get("x")
    assert "rosa" in str(last_explained())
    assert "rosa" in str(last_explained("idp"))
    with pytest.raises(ConfigurationError, match="an account of other"):
        last_explained("other")
    refuse(api, 404)
    session.get("y")
    del response
    gc.collect()
    with pytest.raises(ConfigurationError, match="is gone"):
        last_explained()
    kept = session.get("x")
    del session
    assert "200 OK" in str(last_explained())
    assert kept.ok


@pytest.mark.usefixtures("nothing_yet")
def test_each_provider_has_its_last_one(session, engine, rogue, elsewhere):
    login = engine.begin(LoginRequest("idp", "work"))
    assert sign_in(engine, rogue, login).status == "complete"
    first = session.get("x")
    foreign = session.get(f"{elsewhere.origin}/x")
    assert elsewhere.origin in str(last_explained())
    assert elsewhere.origin in str(last_explained("idp"))
    assert first.ok
    assert foreign.ok
