"""Limits of APIs as a session meets them: waits, lockouts, warnings and what is left."""

from __future__ import annotations

import functools
import pickle
import time
import warnings
from email.utils import formatdate

import pytest
import requests

from clock import OffsetClock
from jupyter_auth.core.common.rate_limits import Limits, Quota
from jupyter_auth.core.common.request_errors import Throttled
from jupyter_auth.core.errors import BrokerUnavailable
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.kernel.broker.broker_client import BrokerClient
from jupyter_auth.kernel.commands import verbs
from jupyter_auth.kernel.commands.limit_words import limit_words
from jupyter_auth.kernel.http.rate_limits import USE_PAUSE, Throttling
from jupyter_auth.kernel.http.requests_auth import TokenAuth
from jupyter_auth.kernel.http.warnings import AuthWarning
from jupyter_auth.kernel.prompt.widget import AccountWidget
from jupyter_auth.kernel.session import bound_account
from jupyter_auth.kernel.session.user_session import UserSession
from kernel.forks_and_interrupts import child
from kernel.kernel_process import Kernel
from kernel.sign_in import sign_in
from patience import PATIENCE, eventually
from providers.rogue import RogueProvider
from providers.troubles import Reply

LOCKED = {"statuses": [429], "lockout": 300}


@pytest.fixture
def throttle():
    """What is configured of the provider's limits."""
    return {}


@pytest.fixture
def configured(configured, throttle):
    configured["idp"]["throttle"] = throttle
    return configured


@pytest.fixture
def pauses():
    """How long a session waited; nobody really does."""
    return []


@pytest.fixture
def later(monkeypatch):
    """The clock by which sessions keep limits."""
    clock = OffsetClock()
    monkeypatch.setattr(bound_account, "Throttling", functools.partial(Throttling, clock=clock))
    return clock


@pytest.fixture
def session(kernel_api, signed_in, capsys, pauses, later):  # noqa: ARG001
    made = UserSession("idp", interactive=False)
    made._limits.sleep = pauses.append
    capsys.readouterr()
    yield made
    made.close()


def busy(status=429, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Reply(status, b"busy", named)


# -- waits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
def test_a_short_wait_is_waited(session, rogue, pauses, status):
    rogue.script("api", busy(status, Retry_After="2"), times=2)
    answer = session.get("/api/x")
    assert answer.status_code == 200
    assert pauses == [2, 2]
    assert [each.status_code for each in answer.history] == [status, status]
    assert len(rogue.seen("api")) == 3


def test_a_date_is_waited_for(session, rogue, pauses):
    rogue.script("api", busy(Retry_After=formatdate(time.time() + 25, usegmt=True)), times=1)
    assert session.get("/api/x").ok
    assert 0 < pauses[0] <= 25


def test_a_date_that_has_passed_is_no_wait(session, rogue, pauses):
    rogue.script("api", busy(Retry_After=formatdate(0, usegmt=True)), times=1)
    assert session.get("/api/x").ok
    assert pauses == [0]


@pytest.mark.parametrize("value", ["31", "99999999", formatdate(4e9, usegmt=True)])
def test_a_long_wait_is_not_and_the_answer_given_back(session, rogue, pauses, value):
    rogue.script("api", busy(Retry_After=value))
    answer = session.get("/api/x")
    assert (answer.status_code, answer.text) == (429, "busy")
    assert pauses == []
    assert len(rogue.seen("api")) == 1
    session.retry_after_max = 31.0
    session.get("/api/x")
    assert bool(pauses) == (value == "31")


@pytest.mark.parametrize("value", [None, "", "soon", "-5", "1.5.1", "9" * 5000, "Mon, 99 Foo 2026"])
def test_what_cannot_be_read_is_no_wait(session, rogue, pauses, value):
    rogue.script("api", busy(**({"Retry_After": value} if value is not None else {})))
    assert session.get("/api/x").status_code == 429
    assert pauses == []


def test_it_is_given_back_after_some_tries(session, rogue, pauses):
    rogue.script("api", busy(Retry_After="1"))
    assert session.get("/api/x").status_code == 429
    assert pauses == [1, 1, 1]


def test_a_post_is_sent_again_only_if_that_is_asked_for(session, rogue, pauses):
    rogue.script("api", busy(Retry_After="1"), times=1)
    assert session.post("/api/x", data=b"body").status_code == 429
    session.allowed_methods = session.allowed_methods | {"post"}
    rogue.script("api", busy(Retry_After="1"), times=1)
    assert session.post("/api/x", data=b"body").json()["length"] == 4
    assert pauses == [1]


def test_a_dead_token_after_the_wait_is_replaced(session, rogue):
    def busy_and_dead(_):
        rogue.expire()
        return Reply(429, b"", {"Retry-After": "1"})

    rogue.script("api", busy_and_dead, times=1)
    assert session.get("/api/x").status_code == 200


def test_another_host_is_none_of_our_business(session, pauses):
    with RogueProvider() as other:
        other.script("api", busy(Retry_After="1"))
        assert session.get(f"{other.issuer}/api/x").status_code == 429
    assert pauses == []


def test_for_requests_itself(kernel_api, signed_in, rogue):  # noqa: ARG001
    rogue.script("api", busy(Retry_After="0"), times=1)
    assert requests.get(f"{rogue.issuer}/api/x", auth=TokenAuth("idp"), timeout=PATIENCE).ok


# -- lockouts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("throttle", [LOCKED])
def test_a_call_that_would_be_refused_is_not_sent(session, rogue, later):
    rogue.script("api", busy(), times=1)
    before = time.time()
    assert session.get("/api/x").status_code == 429
    after = time.time()
    with pytest.raises(Throttled, match="not sent") as caught:
        session.get("/api/x")
    assert before + 300 <= caught.value.retry_at <= after + 300
    assert isinstance(caught.value, requests.RequestException)
    assert len(rogue.seen("api")) == 1
    later.ahead = 301
    assert session.get("/api/x").ok


@pytest.mark.parametrize("throttle", [LOCKED])
def test_a_longer_wait_than_the_lockout_counts(session, rogue):
    rogue.script("api", busy(Retry_After="900"), times=1)
    before = time.time()
    session.get("/api/x")
    with pytest.raises(Throttled) as caught:
        session.get("/api/x")
    assert caught.value.retry_at >= before + 900


@pytest.mark.parametrize("throttle", [LOCKED])
def test_other_sessions_and_other_kernels_know_it(session, rogue, kernel_api, tmp_path):
    other = UserSession("idp", interactive=False)
    assert other.get("/api/x").ok
    with Kernel(tmp_path / "kernel", kernel_api.path) as kernel:
        code = "from jupyter_auth import UserSession; s = UserSession('idp', interactive=False)"
        kernel.run(f"{code}; print(s.get('/api/x').status_code)")
        rogue.script("api", busy(), times=1)
        session.get("/api/x")
        sent = len(rogue.seen("api"))
        with pytest.raises(Throttled):
            other.get("/api/x")
        assert eventually(lambda: "Throttled" in kernel.run("s._limits.check()").text())
        assert "Throttled" in kernel.run("s.get('/api/x')").text()
        assert child(lambda: session.get("/api/x")).startswith("Throttled")
        late = kernel.run(f"{code}; s.get('/api/x')")
        assert "Throttled" in late.text()
    assert len(rogue.seen("api")) == sent


@pytest.mark.parametrize("throttle", [LOCKED])
def test_without_a_lockout_of_ones_own_key_one_goes_on(session, rogue, engine):
    sign_in(engine, rogue, engine.begin(LoginRequest("idp", "second")))
    other = UserSession("idp", session_key="second", interactive=False)
    rogue.script("api", busy(), times=1)
    session.get("/api/x")
    assert other.get("/api/x").ok


# -- warnings and what is left -------------------------------------------------------------------


@pytest.mark.parametrize("throttle", [{"limit": 10, "window": 3600}])
def test_it_is_warned_of_at_four_fifths_of_a_limit(session):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(7):
            session.get("/api/x")
    with pytest.warns(AuthWarning, match="8 of 10 calls to The IdP") as caught:
        session.get("/api/x")
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # once is enough
        session.get("/api/x")


@pytest.mark.parametrize("throttle", [{"limit": 4}])
def test_calls_of_other_kernels_count(session):
    other = UserSession("idp", interactive=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AuthWarning)
        for _ in range(3):
            other.get("/api/x")
    with pytest.warns(AuthWarning, match="4 of 4"):
        session.get("/api/x")


def test_the_quota_is_what_the_api_last_said(session, rogue, engine):
    assert session.quota is None
    said = Reply.json({}, headers={"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "59"})
    rogue.script("api", lambda _: said, times=1)
    session.get("/api/x")
    assert session.quota == Quota(limit=60, remaining=59)
    session.get("/api/x")
    assert session.quota == Quota(limit=60, remaining=59)
    (known,) = engine.limits()
    assert (known.provider, known.quota) == ("idp", session.quota)


@pytest.mark.parametrize("signs_out", [True, False])
def test_whoever_signs_in_next_has_another_quota(session, rogue, engine, signs_out):
    said = Reply.json({}, headers={"X-RateLimit-Remaining": "59"})
    rogue.script("api", lambda _: said, times=1)
    session.get("/api/x")
    if signs_out:
        engine.logout("idp")
    else:
        sign_in(engine, rogue, engine.begin(LoginRequest("idp", force=True)))
    (known,) = engine.limits()
    assert known.quota is None


def test_that_a_notebook_uses_it_is_said_now_and_then(session, engine, later, monkeypatch):
    for name in ("one.ipynb", "two.ipynb"):
        monkeypatch.setenv("JPY_SESSION_NAME", f"work/{name}")
        session.get("/api/x")
        (known,) = engine.limits()
        assert (known.notebooks, known.quota) == (("one.ipynb",), None)
    later.ahead = USE_PAUSE
    session.get("/api/x")
    (known,) = engine.limits()
    assert known.notebooks == ("two.ipynb", "one.ipynb")


def test_no_broker_no_report_and_all_goes_on(session, rogue, kernel_api, monkeypatch):
    session.get("/api/x")
    monkeypatch.setattr(BrokerClient, "usage", _gone)
    rogue.script("api", lambda _: Reply.json({}, headers={"RateLimit": "limit=5, remaining=4"}))
    assert session.get("/api/x").ok
    assert session.quota.remaining == 4
    assert kernel_api


def _gone(*_):
    raise BrokerUnavailable("gone")


def test_it_can_be_pickled(session):
    session.retry_after_max = 5.0
    assert pickle.loads(pickle.dumps(session)).get("/api/x").ok  # noqa: S301


# -- where a person sees it ----------------------------------------------------------------------


def test_the_table_has_a_column_more_where_there_is_something_to_say(session, rogue, engine):
    assert "limit" not in verbs.status().headings
    said = {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "59"}
    rogue.script("api", lambda _: Reply.json({}, headers=said), times=1)
    session.get("/api/x")
    assert "59 of 60 calls left" in str(verbs.status())
    until = time.time() + 3600
    engine.usage(
        Limits(provider="idp", session_key="x", client_id="nightly", throttled_until=until)
    )
    table = verbs.status()
    assert table.headings[-1] == "limit"
    assert [row[2] for row in table.rows] == ["rosa", "service account"]
    assert table.rows[1][-1].startswith("no calls until ")


@pytest.mark.parametrize("throttle", [LOCKED])
def test_the_widget_tells_its_view(session, rogue):
    rogue.script("api", busy(), times=1)
    session.get("/api/x")
    widget, sent = AccountWidget("idp"), []
    widget.send = sent.append
    widget._tell()
    assert sent[-1]["state"]["limits"]["throttled_until"] > time.time()


@pytest.mark.parametrize(
    ("quota", "words"),
    [
        (None, ""),
        (Quota(limit=5), ""),
        (Quota(remaining=3), "3 calls left"),
        (Quota(limit=5, remaining=0), "0 of 5 calls left"),
        (Quota(limit=5, remaining=3, reset_at=1.0), ""),
        (Quota(limit=5, remaining=3, reset_at=4e9), "3 of 5 calls left until 2096-10-02 "),
    ],
)
def test_a_quota_in_words(quota, words):
    said = limit_words(Limits(provider="idp", session_key="default", quota=quota))
    assert said.startswith(words)
    assert bool(said) == bool(words)
