"""Responses that are not as RFC 6749 5.1 has them: in a form, or by names of the provider's own."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sign_in import exchanged, party_at, refreshed
from jupyter_auth.core.errors import LoginDenied, ProviderError, RefreshRejected
from jupyter_auth.core.protocol import dialect, oauth
from jupyter_auth.core.protocol.dialect import standard_parameters
from jupyter_auth.core.protocol.oauth_response import TokenResponse
from jupyter_auth.core.protocol.token_endpoint import own_parameters
from jupyter_auth.core.provider.provider import Provider
from providers import troubles
from providers.sockets import Request

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=8,
)


def provider(**fields):
    return Provider(name="idp", issuer="https://idp.example", client_id="x", **fields)


def test_parameters_are_renamed_and_what_is_added_wins():
    odd = provider(
        param_names={"client_id": "clientId", "grant_type": "grantType"},
        token_params={"grantType": "cred", "v": "1"},
    )
    form = {"grant_type": "client_credentials", "client_id": "x", "scope": "a"}
    assert own_parameters(odd, form) == {
        "grantType": "cred",
        "clientId": "x",
        "scope": "a",
        "v": "1",
    }
    assert own_parameters(provider(), form) == form


def test_fields_are_found_at_their_paths():
    odd = provider(token_response={"access_token": "a.b", "expires_at": "a.c", "scope": "d"})
    answer = {"a": {"b": "t", "c": "1800000000"}, "d": "x", "refresh_token": "r"}
    assert standard_parameters(odd, answer) == {
        "access_token": "t", "expires_at": 1800000000.0, "scope": "x"
    }  # fmt: skip


@pytest.mark.parametrize("answer", [{}, {"a": None}, {"a": []}, {"a": "b"}, {"a": {"b": None}}])
def test_what_is_not_there_is_none(answer):
    odd = provider(token_response={"access_token": "a.b"})
    assert standard_parameters(odd, answer) == {"access_token": None}


def test_what_is_not_at_its_path_may_have_its_own_name():
    """Slack nests the tokens of a sign-in, and answers a refresh with flat ones."""
    odd = provider(token_response={"access_token": "user.access_token", "expires_in": "user.ends"})
    nested = {"user": {"access_token": "u", "ends": 60}, "access_token": "bot", "expires_in": 9}
    assert standard_parameters(odd, nested) == {"access_token": "u", "expires_in": 60}
    assert standard_parameters(odd, {"access_token": "u2", "expires_in": 9}) == {
        "access_token": "u2", "expires_in": 9
    }  # fmt: skip


def test_a_path_leads_through_lists_too():
    odd = provider(token_response={"access_token": "data.0.attributes.token"})
    answer = {"data": [{"type": "token", "attributes": {"token": "t"}}]}
    assert standard_parameters(odd, answer) == {"access_token": "t"}
    for other in ([], [5], [{"attributes": []}], {"1": "x"}):
        assert standard_parameters(odd, {"data": other}) == {"access_token": None}
    with pytest.raises(ProviderError, match="refresh token"):
        standard_parameters(odd, answer | {"more": [{"refreshToken": "t"}]})


def test_names_of_the_provider_s_own_are_for_answers_too():
    odd = provider(param_names={"access_token": "accessToken", "expires_in": "expiresIn"})
    found = standard_parameters(odd, {"accessToken": "t", "expiresIn": 60, "tokenType": "x"})
    assert (found["access_token"], found["expires_in"]) == ("t", 60)


@pytest.mark.parametrize("value", [None, "", "null"])
def test_what_is_empty_is_absent(party, rogue, value):
    names = ("refresh_token", "id_token", "scope", "token_type", "expires_in", "error")
    rogue.script("token", troubles.fields(**dict.fromkeys(names, value)))
    response = exchanged(party, rogue)
    assert response.access_token
    found = (response.refresh_token, response.id_token, response.scopes, response.expires_in)
    assert found == (None, None, None, None)


@given(st.dictionaries(st.sampled_from("abc"), JSON))
def test_any_answer_is_understood_or_a_provider_error(answer):
    for form in (None, "%Y-%m-%d", "milliseconds"):
        odd = provider(
            token_response={"access_token": "a.b", "expires_at": "a.c"}, expires_format=form
        )
        try:
            found = standard_parameters(odd, answer)
        except ProviderError:
            continue
        assert {"access_token"} <= set(found) <= {"access_token", "expires_at", "expires_in"}
        assert all(isinstance(found[name], float) for name in found if name != "access_token")


def test_requests_may_be_json(rogue, monkeypatch):
    """Notion and Atlassian have them so; AWS with names of its own."""
    monkeypatch.setattr(Request, "form", property(lambda self: json.loads(self.body or b"{}")))
    party = party_at(rogue, token_request="json", token_params={"owner": "user"})
    tokens = refreshed(party, exchanged(party, rogue))
    oauth.authorize_device(party, ("a",))
    oauth.revoke(party, tokens.access_token, "access_token")
    asked = [*rogue.seen("token"), *rogue.seen("device"), *rogue.seen("revoke")]
    for request in asked:
        assert request.headers["content-type"] == "application/json"
        assert request.form["client_id"] == rogue.client_id
        assert (request.form.get("owner") == "user") is (request.path == "/token")
    assert len(asked) == 4


# -- scopes --------------------------------------------------------------------------------------


def test_scopes_are_called_as_they_were_asked_for():
    odd = provider(scope_separator=",", scope_aliases={"https://x/email": "email"})
    assert standard_parameters(odd, {"scope": "openid,https://x/email"})["scope"] == "openid email"


@pytest.mark.parametrize("scope", ["a b", "a,b", "a, b", " a ,\n b", ["a", "b"], ["a b"], ["a,b"]])
def test_scopes_may_be_a_list_or_have_commas(scope):
    assert standard_parameters(provider(), {"scope": scope})["scope"] == "a b"
    assert standard_parameters(provider(), {"scopes": scope})["scope"] == "a b"


@pytest.mark.parametrize("separator", [None, ","])
def test_scopes_are_asked_for_with_their_separator(rogue, separator):
    party = party_at(rogue, scope_separator=separator, client_secret="s", client_auth="post")
    rogue.client_secret = "s"
    assert exchanged(party, rogue).scopes == ("openid", "email")
    oauth.authorize_device(party, ("a", "b"))
    oauth.client_credentials(party, ("a", "b"))
    between = separator or " "
    assert rogue.seen("authorize")[0].query["scope"] == f"openid{between}email"
    assert rogue.seen("device")[0].form["scope"] == f"a{between}b"
    assert rogue.seen("token")[-1].form["scope"] == f"a{between}b"


def test_a_separator_that_is_named_is_the_only_one():
    assert standard_parameters(provider(scope_separator=" "), {"scope": "a,b c"})["scope"] == (
        "a,b c"
    )


@pytest.mark.parametrize("scope", [None, "", "null", 5, True, [], [5], {"a": 1}, [["a"]]])
def test_what_are_no_scopes_are_those_asked_for(party, rogue, tokens, scope):
    rogue.script("token", troubles.fields(scope=scope))
    assert refreshed(party, tokens).scopes is None


# -- when the token expires ----------------------------------------------------------------------

NOW = 1_800_000_000.0


def ends(answer, **fields):
    """When a token of that answer, which comes at ``NOW``, expires."""
    found = standard_parameters(provider(**fields), {"access_token": "t", **answer})
    return TokenResponse.parse(found).ends(NOW)


@pytest.mark.parametrize("name", ["expires_in", "expires_at", "expires_on", "expires"])
@pytest.mark.parametrize(
    "value",
    [
        3600,
        "3600",
        3600.0,
        NOW + 3600,
        f"{NOW + 3600:.0f}",
        (NOW + 3600) * 1000,
        "2027-01-15T09:00:00Z",
        "2027-01-15T10:00:00.000+01:00",
        "2027-01-15 09:00:00",
        "Fri, 15 Jan 2027 09:00:00 GMT",
    ],
)
def test_when_it_expires_is_told_in_many_ways(name, value):
    assert ends({name: value}) == NOW + 3600


@pytest.mark.parametrize("value", [0, "0", -1, -3600, "-1", "soon", True, [], {}, 5e8, NOW - 5])
def test_a_moment_that_cannot_be_is_none(value):
    assert ends({"expires_in": value}) is None
    assert ends({"expires_at": value}) is None


def test_a_lifetime_counts_more_than_a_moment():
    """The clocks may differ: that of the provider is an hour behind."""
    assert ends({"expires_at": NOW, "expires_in": 3600}) == NOW + 3600
    assert ends({"expires_in": "", "expires_on": "1800000060"}) == NOW + 60
    assert ends({"expires_in": "?", "ext_expires_in": 5, "expires": 60}) == NOW + 60


def test_milliseconds_and_a_format_are_data():
    assert ends({"expires_in": 3_600_000}, expires_format="milliseconds") == NOW + 3600
    assert ends({"expires": "16.01.2027"}, expires_format="%d.%m.%Y") == 1_800_057_600
    assert ends({"expires": "3600"}, expires_format="%d.%m.%Y") == NOW + 3600


# -- in a form (application/x-www-form-urlencoded) -----------------------------------------------

FORM = "application/x-www-form-urlencoded; charset=utf-8"
ISSUED = "access_token=gho_1%2B2&refresh_token=ghr_3&scope=repo%20gist&token_type=bearer"
MEDIA_TYPES = pytest.mark.parametrize(
    "media_type", [FORM, "text/plain;charset=UTF-8", "text/html", "application/json", "x"]
)


def form(body: str, status: int = 200, media_type: str = FORM) -> troubles.Trouble:
    return troubles.status(status, body, media_type)


@MEDIA_TYPES
def test_a_token_response_may_be_a_form(party, rogue, media_type):
    """GitHub answers so unless it is asked for JSON, and Facebook did."""
    rogue.script("token", form(f"{ISSUED}&expires_in=28800", 200, media_type))
    response = exchanged(party, rogue)
    assert response.access_token.reveal() == "gho_1+2"
    assert response.refresh_token.reveal() == "ghr_3"
    assert (response.scopes, response.expires_in) == (("repo", "gist"), 28800)


def test_a_form_may_have_names_of_the_provider_s_own(rogue):
    party = party_at(rogue, token_response={"access_token": "token", "expires_in": "expires"})
    rogue.script("token", form("token=t&expires=5108", 200, "text/plain"))
    response = exchanged(party, rogue)
    assert (response.access_token.reveal(), response.expires_in) == ("t", 5108)


@pytest.mark.parametrize("status", [200, 400])
def test_an_error_response_may_be_a_form(party, rogue, tokens, status):
    said = "error=invalid_grant&error_description=The+token+is+%C3%BCber+old."
    rogue.script("token", form(said, status))
    with pytest.raises(RefreshRejected, match="invalid_grant: The token is über old"):
        refreshed(party, tokens)


@pytest.mark.parametrize(
    "media_type", [FORM, "text/plain", "text/html", "text/javascript", "image/png"]
)
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_json_is_json_whatever_its_content_type(party, rogue, media_type, bom):
    rogue.script("token", form(bom + '{"access_token": "a=b"}', 200, media_type))
    assert exchanged(party, rogue).access_token.reveal() == "a=b"


def test_words_may_be_in_the_charset_that_is_said(party, rogue, tokens):
    body = '{"error": "invalid_grant", "error_description": "über"}'.encode("latin-1")
    kind = {"Content-Type": "application/json; charset=iso-8859-1"}
    rogue.script("token", lambda _: troubles.Reply(400, body, kind))
    with pytest.raises(RefreshRejected, match="über"):
        refreshed(party, tokens)


@pytest.mark.parametrize(
    "more",
    [
        '"scope": "a", "scope": "b"',
        '"x": 1, "x": 1',
        '"name": "Andr\xe9"',
        '"x": "a\nb"',
        '"x": ' + "9" * 5000,
    ],
    ids=["twice", "twice the same", "latin-1", "line break", "digits"],
)
def test_what_is_not_quite_json_costs_no_refresh_token(party, rogue, tokens, more):
    def trouble(proceed):
        reply = proceed()
        body = f"{reply.body.decode()[:-1]}, {more}}}".encode("latin-1")
        return troubles.Reply(200, body, reply.headers)

    rogue.script("token", trouble, times=1)
    assert exchanged(party, rogue).refresh_token
    rogue.script("refresh", trouble, times=1)
    renewed = refreshed(party, tokens)
    assert renewed.refresh_token != tokens.refresh_token
    assert refreshed(party, renewed).access_token


def test_of_two_tokens_none_is_taken(party, rogue, tokens):
    rogue.script(
        "refresh",
        troubles.status(200, '{"access_token":"a", "refresh_token":"b", "refresh_token":"c"}'),
    )
    renewed = refreshed(party, tokens)
    assert renewed.refresh_token == tokens.refresh_token


@pytest.mark.parametrize(
    "trouble",
    [
        form("token=x&also=y", 200, "text/html"),
        form("access_token=a&access_token=b"),
        form("access_token"),
        form("access_token=ü"),
        form("access_token=%C3%BC"),
        form("access_token=a%0Ab"),
        form("scope=x"),
        form(""),
        form(ISSUED, 404),
    ],
    ids=["HTML", "twice", "=", "not ASCII", "ü", "line break", "no token", "empty", "404"],
)
def test_a_form_is_read_with_the_same_care(party, rogue, trouble):
    rogue.script("token", trouble)
    with pytest.raises(ProviderError):
        exchanged(party, rogue)


def test_a_device_authorization_response_may_be_a_form(party, rogue):
    rogue.script(
        "device",
        form(
            "device_code=d&user_code=AB-CD&expires_in=900&interval=7"
            "&verification_uri=https%3A%2F%2Fgithub.example%2Flogin%2Fdevice"
        ),
    )
    response = oauth.authorize_device(party, ())
    assert response.verification_uri == "https://github.example/login/device"
    assert (response.expires_in, response.interval) == (900, 7)
    rogue.script("token", form("error=slow_down&interval=12", 429))
    assert oauth.poll_device(party, response.device_code, 7.0) == 12
    rogue.script("token", form("error=access_denied", 403))
    with pytest.raises(LoginDenied):
        oauth.poll_device(party, response.device_code, 12.0)


def test_a_revocation_may_be_refused_in_a_form(party, rogue, tokens):
    rogue.script("revoke", form("error=unsupported_token_type", 400))
    assert oauth.revoke(party, tokens.access_token, "access_token") == "unsupported_token_type"
    rogue.script("revoke", troubles.json_value({"ok": False, "error": "not_authed"}))
    assert oauth.revoke(party, tokens.access_token, "access_token") == "not_authed"
    for done in ({"ok": True}, {"status": "cancelled"}, {"error": False}, ["x"]):
        rogue.script("revoke", troubles.json_value(done))
        assert oauth.revoke(party, tokens.access_token, "access_token") == ""


# -- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        {"error": "invalid_grant", "message": "too old"},
        {"error": {"code": "invalid_grant", "message": "too old"}},
        {"error": {"code": 400, "status": "invalid_grant", "message": "too old"}},
        {"errors": [{"code": "invalid_grant", "detail": "too old"}]},
        {"code": "invalid_grant", "msg": "too old"},
        {"message": "invalid_grant", "status": 400},
    ],
    ids=str,
)
def test_an_error_may_be_elsewhere(party, rogue, tokens, said):
    rogue.script("token", troubles.json_value(said, 400))
    with pytest.raises(RefreshRejected, match=r"too old|ended this sign-in"):
        refreshed(party, tokens)


def test_what_is_said_without_a_code_is_shown(party, rogue, tokens):
    rogue.script("token", troubles.json_value({"message": "Not today.", "status": 400}, 400))
    with pytest.raises(RefreshRejected, match="Not today"):
        refreshed(party, tokens)


@pytest.mark.parametrize("said", [None, "", False, 0])
def test_an_error_that_is_none(party, rogue, said):
    rogue.script("token", troubles.fields(error=said, message="ok", code=0))
    assert exchanged(party, rogue).access_token


def test_many_refresh_tokens_do_not_make_a_refusal_slow():
    class Said(dict):
        shown = 0

        def __str__(self):
            Said.shown += 1
            return "x" * 1000

    params = {f"refresh_token{n}": f"planted{n}" for n in range(100)}
    with contextlib.suppress(ProviderError):
        dialect.error(provider(), params | {"error": Said(code="x")}, 400)
    assert Said.shown == 1
