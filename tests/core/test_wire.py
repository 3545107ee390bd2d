"""The wire: what goes in comes out, and there is no word for what must not (SECURITY 11)."""

from __future__ import annotations

import functools
import json
import typing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_auth.core import errors, wire
from jupyter_auth.core.common import request_errors
from jupyter_auth.core.common.codec import from_wire
from jupyter_auth.core.common.finding import Finding
from jupyter_auth.core.common.rate_limits import Limits, Quota
from jupyter_auth.core.errors import AuthError, BrokerUnavailable, NextStep, Step
from jupyter_auth.core.models import Account, AccountInfo, Change, Changes, Login, Token
from jupyter_auth.core.provider.info import ProviderInfo
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.core.secret import Secret

PLANTED = "planted-secret-5c0ffee"

text = st.text(max_size=30)
maybe = st.none() | text
words = st.lists(st.from_regex(r"[!-~]{1,9}", fullmatch=True), max_size=4).map(tuple)
times = st.floats(0, 4e9)
statuses = st.sampled_from(["pending", "complete", "denied", "expired", "cancelled", "failed"])

tokens = st.builds(
    Token,
    access_token=text.map(Secret),
    headers=st.dictionaries(text, text.map(Secret), max_size=3),
    scopes=words,
    expires_at=st.none() | times,
    refresh_at=st.none() | times,
    kind=st.sampled_from(["bearer", "api_key"]),
    reach=text,
)
infos = st.builds(
    ProviderInfo,
    name=text,
    title=text,
    host=text,
    scopes=words,
    base_url=maybe,
    api_origins=words,
    refresh_on=st.lists(st.integers(100, 599), max_size=3).map(tuple),
    source=st.sampled_from(["configured", "code", "user", "preset"]),
    reach=text,
)
account_infos = st.builds(
    AccountInfo,
    provider=text,
    session_key=text,
    username=maybe,
    scopes=words,
    expires_at=st.none() | times,
    refreshes=st.booleans(),
    signed_in_at=times,
    warning=text,
)
logins = st.builds(
    Login,
    id=text,
    provider=text,
    session_key=text,
    status=statuses,
    expires_at=times,
    error=st.none() | st.just({"code": "login_denied", "message": "no", "hint": ""}),
    path=maybe,
    url=maybe,
    kernel=maybe,
    notebook=maybe,
)
limits = st.builds(
    Limits,
    provider=text,
    session_key=text,
    client_id=maybe,
    calls=st.integers(0, 2**53),
    quota=st.none() | st.builds(Quota, limit=st.none() | st.integers(0, 2**53)),
    throttled_until=st.none() | times,
    notebooks=st.lists(text, max_size=3).map(tuple),
)
changes = st.builds(
    Changes,
    sequence=st.integers(0, 2**53),
    reset=st.booleans(),
    changes=st.lists(
        st.builds(
            Change,
            kind=st.sampled_from(["account", "removed", "login", "usage"]),
            provider=text,
            session_key=text,
            login=st.none() | logins,
            limits=st.none() | limits,
        ),
        max_size=3,
    ).map(tuple),
)


@pytest.mark.parametrize(
    ("values", "to_wire", "from_wire"),
    [
        (tokens, wire.token_to_wire, wire.token_from_wire),
        (infos, wire.info_to_wire, wire.provider_from_wire),
        (account_infos, wire.info_to_wire, wire.account_from_wire),
        (logins, wire.login_to_wire, wire.login_from_wire),
        (changes, wire.changes_to_wire, functools.partial(from_wire, Changes)),
    ],
    ids=["token", "provider", "account", "login", "changes"],
)
def test_what_goes_in_comes_out(values, to_wire, from_wire):
    @given(values)
    def holds(value: Any) -> None:
        assert from_wire(json.loads(json.dumps(to_wire(value)))) == value

    holds()


steps = st.builds(NextStep, st.sampled_from(typing.get_args(Step)), text, text)


@given(text, text, words, times, st.none() | steps)
def test_errors_come_out_as_what_they_were(message, hint, scopes, retry_at, step):
    for kind in wire._family(AuthError).values():
        extra: dict[str, Any] = {}
        if issubclass(kind, errors.InsufficientScope):
            extra["scopes"] = scopes
        if issubclass(kind, request_errors.Throttled):
            extra["retry_at"] = retry_at
        error = kind(message, hint=hint, next_step=step, **extra)
        back = wire.error_from_wire(json.loads(json.dumps(error.to_wire())))
        assert type(back) is kind
        assert str(back) == str(error)
        assert vars(back) == vars(error)


@pytest.mark.parametrize("step", [None, "sign_in", {}, {"step": "a later one"}, {"step": []}])
def test_a_next_step_that_nobody_knows_is_left_out(step):
    told = {"code": "login_failed", "message": "No.", "hint": "Yes.", "next_step": step}
    error = wire.error_from_wire(told)
    assert (error.next_step, str(error)) == (None, "No. Yes.")


def test_what_is_not_text_in_a_next_step_is_made_so():
    told = {"next_step": {"step": "sign_in", "provider": ["x"], "session_key": None, "more": 1}}
    assert wire.error_from_wire(told).next_step == NextStep("sign_in", "['x']", "")


@given(st.none() | steps, text)
def test_findings_come_out_as_what_they_were(step, fix):
    found = Finding(about="x", says="y", fix=fix, next_step=step)
    assert wire.finding_from_wire(json.loads(json.dumps(wire.finding_to_wire(found)))) == found


def test_every_error_has_a_code_of_its_own():
    names = vars(errors) | vars(request_errors)
    public = (kind for name, kind in names.items() if not name.startswith("_"))
    kinds = {kind for kind in public if isinstance(kind, type)}
    kinds = [kind for kind in kinds if issubclass(kind, AuthError)]
    assert len(kinds) > 10
    assert len({kind.code for kind in kinds}) == len(kinds)


@pytest.mark.parametrize("data", [None, [], "x", 5, {}, {"code": "of another version"}])
def test_an_error_that_nobody_knows_is_still_one(data):
    assert type(wire.error_from_wire(data)) is AuthError


# -- what must not travel ------------------------------------------------------------------------


def account() -> Account:
    return Account(
        provider="idp",
        session_key="default",
        fingerprint=PLANTED,
        access_token=Secret(PLANTED),
        refresh_token=Secret(PLANTED),
        id_token=Secret(PLANTED),
        issued_at=0.0,
        signed_in_at=0.0,
    )


LIMITS = Limits(provider="idp", session_key="default", quota=Quota(limit=5, remaining=4))


def test_there_is_no_word_for_a_refresh_token_or_a_client_secret():
    provider = Provider(name="idp", issuer="https://idp", client_id="x", client_secret=PLANTED)
    token = Token(access_token=Secret("t"), headers={"Authorization": Secret("Bearer t")})
    login = Login(id="l", provider="idp", user_code=PLANTED, verification_uri_complete=PLANTED)
    change = Change(kind="login", provider="idp", login=login, limits=LIMITS)
    sent = [
        wire.token_to_wire(token),
        wire.info_to_wire(provider.info()),
        wire.info_to_wire(account().info()),
        wire.login_to_wire(login),
        wire.changes_to_wire(Changes(sequence=1, changes=(change,))),
    ]
    assert PLANTED not in json.dumps(sent)
    names = set(_names(sent))
    assert not any("refresh_token" in name or "secret" in name for name in names)
    assert names == {
        "access_token", "api_headers", "api_origins", "asked", "Authorization", "base_url",
        "base_url_from",
        "ca_bundle", "calls", "changes", "client_id", "error", "expires_at", "fields", "found_at",
        "grant",
        "headers", "headers_at", "held", "host", "id", "inner", "kernel", "kind", "limit", "limits",
        "lockout",
        "login", "missing", "name", "names", "notebook", "notebooks", "outcome", "path", "person",
        "placeholders", "provider", "quota", "reach", "reason", "refresh_at", "refresh_on",
        "refreshes", "register", "remaining", "reset", "reset_at", "resource", "resources",
        "scope", "sequence",
        "session_key", "shared", "silent",
        "signed_in_at", "source", "status", "statuses", "subject", "throttle", "throttled_until",
        "title", "trouble", "unattended", "url", "username", "vendor", "warning",
        "window",
    }  # fmt: skip


def _names(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(name for each in value.values() for name in _names(each))]
    return [name for each in value for name in _names(each)] if isinstance(value, list) else []


# -- versions ------------------------------------------------------------------------------------


def test_the_same_version_passes():
    wire.check_version(str(wire.VERSION), "broker")


@pytest.mark.parametrize(
    ("theirs", "older"),
    [
        ("99", "this environment"),
        *((theirs, "broker") for theirs in (None, "0", "", "-1", "banana", "²")),
    ],
)
def test_another_version_names_the_side_to_upgrade(theirs, older):
    with pytest.raises(BrokerUnavailable, match="version") as caught:
        wire.check_version(theirs, "broker")
    assert older in caught.value.hint
