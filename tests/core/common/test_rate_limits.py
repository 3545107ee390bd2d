"""What an API says of its limits, read from headers; and what several kernels saw, put together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from jupyter_auth.core.common.rate_limits import Limits, Quota, quota_of
from jupyter_auth.core.provider.field_types import Throttle
from jupyter_auth.core.tokens.change_log import ChangeLog
from jupyter_auth.core.tokens.limits.usage import LATELY, MOST, MOST_NOTEBOOKS, Usage

NOW = 1_800_000_000.0


def read(**headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    found = quota_of(CaseInsensitiveDict(named), NOW)
    return found and (found.limit, found.remaining, found.reset_at and found.reset_at - NOW)


# -- headers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "meant"),
    [
        # draft-ietf-httpapi-ratelimit-headers, -07 and before
        ({"RateLimit": "limit=100, remaining=50, reset=5"}, (100, 50, 5)),
        ({"RateLimit": "remaining=0,limit=100"}, (100, 0, None)),
        ({"RateLimit_Limit": "100, 100;w=60", "RateLimit_Remaining": "50"}, (100, 50, None)),
        ({"RateLimit_Remaining": "50", "RateLimit_Reset": "7"}, (None, 50, 7)),
        # -08 and later
        ({"RateLimit": '"default";r=50;t=30'}, (None, 50, 30)),
        (
            {"RateLimit": '"default";r=50;t=30', "RateLimit_Policy": '"default";q=100;w=60'},
            (100, 50, 30),
        ),
        (
            {
                "RateLimit": '"hour";r=900;t=1800, "burst";r=3;t=2',
                "RateLimit_Policy": '"burst";q=10;w=5,"hour";q=1000;w=3600',
            },
            (10, 3, 2),
        ),
        # what is most in use
        (
            {
                "X_RateLimit_Limit": "5000",
                "X_RateLimit_Remaining": "4999",
                "X_RateLimit_Reset": "1800000060",
            },
            (5000, 4999, 60),
        ),
        ({"X_RateLimit_Remaining": "9", "X_RateLimit_Reset": "60"}, (None, 9, 60)),
        ({"x_ratelimit_limit": "5"}, (5, None, None)),
        ({"X_RateLimit_Remaining": "12.0"}, (None, 12, None)),
        # nothing that can be read
        ({}, None),
        ({"RateLimit": "soon"}, None),
        ({"RateLimit": '"default";r=-1'}, None),
        ({"X_RateLimit_Remaining": "many"}, None),
        ({"X_RateLimit_Remaining": "9" * 40}, None),
        ({"X_RateLimit_Reset": "60"}, None),
    ],
)
def test_what_the_headers_say(headers, meant):
    assert read(**headers) == meant


HEADER = st.text(alphabet='abrqtw0123456789=;,"- ', max_size=40)


@given(HEADER, HEADER, HEADER)
def test_any_header_is_read_or_left(one, two, three):
    for headers in (
        {"RateLimit": one, "RateLimit-Policy": two},
        {"X-RateLimit-Limit": one, "X-RateLimit-Remaining": two, "X-RateLimit-Reset": three},
    ):
        found = quota_of(CaseInsensitiveDict(headers), NOW)
        assert found is None or isinstance(found, Quota)


# -- together ------------------------------------------------------------------------------------


@pytest.fixture
def log():
    return ChangeLog()


@pytest.fixture
def usage(log, clock):
    return Usage(log, clock)


def seen(key="default", client_id="c", provider="idp", **said):
    return Limits(provider=provider, session_key=key, client_id=client_id, **said)


COUNTED = Throttle(limit=10, window=300, lockout=300, scope="client")


def test_calls_are_counted_in_a_window(usage, clock):
    assert usage.report(COUNTED, seen(calls=3)).calls == 3
    clock.advance(200)
    assert usage.report(COUNTED, seen(calls=2)).calls == 5
    assert usage.report(COUNTED, seen("other", calls=1)).calls == 1
    clock.advance(101)
    assert usage.report(COUNTED, seen()).calls == 2


@pytest.mark.parametrize(("scope", "others"), [("client", True), ("account", False)])
def test_a_lockout_covers_what_is_configured(usage, clock, scope, others):
    throttle = Throttle(lockout=300, scope=scope)
    until = clock() + 300
    assert usage.report(throttle, seen(throttled_until=until)).throttled_until == until
    covered = usage.report(throttle, seen("other")).throttled_until
    assert covered == (until if others else None)
    assert usage.report(throttle, seen(client_id="another")).throttled_until is None
    assert usage.report(throttle, seen(provider="another")).throttled_until is None
    clock.advance(301)
    assert usage.report(throttle, seen()).throttled_until is None


def test_who_waits_for_changes_hears_of_a_lockout(usage, log, clock):
    since = log.after(0).sequence
    usage.report(COUNTED, seen(calls=1))
    assert log.after(since).changes == ()
    usage.report(COUNTED, seen(throttled_until=clock() + 300))
    (change,) = log.after(since).changes
    assert change.kind == "throttled"
    assert change.limits.throttled_until == clock() + 300
    assert change.limits.client_id == "c"


def test_what_is_not_said_anew_stays(usage, clock):
    quota = Quota(limit=10, remaining=5)
    usage.report(COUNTED, seen(quota=quota, notebooks=("a.ipynb",)))
    usage.report(COUNTED, seen(throttled_until=clock() + 10))
    (found,) = usage.all(lambda _: COUNTED)
    assert (found.quota, found.notebooks) == (quota, ("a.ipynb",))
    assert found.throttled_until == clock() + 10


def test_made_up_keys_do_not_fill_the_memory(usage):
    for number in range(MOST + 5):
        usage.report(COUNTED, seen(str(number), calls=1))
    assert len(usage.all(lambda _: COUNTED)) == MOST


def uses(usage, *notebooks, key="default"):
    """Each of them reports; what is known of all."""
    for name in notebooks:
        found = usage.report(COUNTED, seen(key, notebooks=(name,)))
    return found.notebooks


def test_all_notebooks_that_use_it_are_named_the_last_first(usage):
    assert uses(usage, "a.ipynb", "b.ipynb", "a.ipynb") == ("a.ipynb", "b.ipynb")
    assert usage.report(COUNTED, seen()).notebooks == ("a.ipynb", "b.ipynb")
    assert uses(usage, "c.ipynb", key="another") == ("c.ipynb",)


def test_a_silent_notebook_is_forgotten(usage, clock):
    uses(usage, "a.ipynb", "b.ipynb")
    clock.advance(LATELY - 1)
    assert uses(usage, "b.ipynb") == ("b.ipynb", "a.ipynb")
    clock.advance(1)
    (found,) = usage.all(lambda _: COUNTED)
    assert found.notebooks == ("b.ipynb",)


def test_made_up_notebooks_do_not_fill_the_memory(usage):
    names = [f"{number}.ipynb" for number in range(MOST_NOTEBOOKS + 5)]
    assert uses(usage, *names) == tuple(reversed(names))[:MOST_NOTEBOOKS]


def test_another_person_has_another_quota_and_the_same_lockout(usage, clock):
    until = clock() + 300
    for client_id in ("c", None):
        usage.report(
            COUNTED,
            seen(
                client_id=client_id,
                quota=Quota(limit=10, remaining=5),
                notebooks=("a.ipynb",),
                throttled_until=until,
            ),
        )
    usage.forget("idp", "default")
    person, service = usage.all(lambda _: COUNTED)
    assert (person.quota, person.notebooks, person.throttled_until) == (None, (), until)
    assert (service.quota, service.notebooks) == (Quota(limit=10, remaining=5), ("a.ipynb",))


def test_what_else_is_known_is_told_once(usage, log):
    def told():
        since = log.after(0).sequence
        usage.tell()
        return [(each.kind, each.session_key, each.limits) for each in log.after(since).changes]

    quota = Quota(limit=10, remaining=5)
    for key in ("one", "two"):
        usage.report(COUNTED, seen(key, quota=quota))
        usage.report(COUNTED, seen(key, notebooks=("a.ipynb",)))
    assert told() == [("usage", "one", None), ("usage", "two", None)]
    usage.report(COUNTED, seen("one", quota=quota, notebooks=("a.ipynb",), calls=1))
    assert told() == []
    usage.report(COUNTED, seen("one", quota=Quota(limit=10, remaining=4)))
    assert told() == [("usage", "one", None)]
    usage.report(COUNTED, seen("one", notebooks=("b.ipynb",)))
    assert told() == [("usage", "one", None)]
