"""Dates of expiry as providers spell them, whatever the machine's locale."""

from __future__ import annotations

import _strptime
import contextlib
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_auth.core.provider import dates
from providers.presets.insideview import spelled

INSIDEVIEW = "%a, %b %d, %Y %I:%M:%S %p %Z"
SEEN = "Tue, Jul 21, 2015 09:08:17 PM GMT"


def utc(*parts: int) -> float:
    return dt.datetime(*parts, tzinfo=dt.UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "form", "meant"),
    [
        (SEEN, INSIDEVIEW, utc(2015, 7, 21, 21, 8, 17)),
        (SEEN.lower(), INSIDEVIEW, utc(2015, 7, 21, 21, 8, 17)),
        ("Tue, Jul 21, 2015 12:00:00 AM GMT", INSIDEVIEW, utc(2015, 7, 21)),
        ("Tue, Jul 21, 2015 12:00:00 PM UTC", INSIDEVIEW, utc(2015, 7, 21, 12)),
        (" 2026-11-05T07:08:09Z ", "%Y-%m-%dT%H:%M:%S%Z", utc(2026, 11, 5, 7, 8, 9)),
        ("2026-12-31 23:59:60", "%Y-%m-%d %H:%M:%S", utc(2027, 1, 1)),
        ("5.11.2026 100%", "%d.%m.%Y 100%%", utc(2026, 11, 5)),
    ],
)
def test_a_date_is_read(text, form, meant):
    assert dates.timestamp(text, form) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Tue, Jul 21, 2015 13:08:17 PM GMT",
        "Tue, Jul 21, 2015 00:08:17 PM GMT",
        "Tue, Jul 32, 2015 09:08:17 PM GMT",
        "Tue, Jul 21, 2015 09:60:17 PM GMT",
        "Tue, Jul 21, 2015 09:08:61 PM GMT",
        "Tue, Jul 21, 2015 09:08:17 PM CET",
        "Tue, Jul 21, 0000 09:08:17 PM GMT",
        "Tue, Jul 21, 2015 09:08:17 GMT",
        "Di, Jul 21, 2015 09:08:17 PM GMT",
        "Tue, Jul 21, 2015 \u0660\u0669:08:17 PM GMT",
        SEEN + " and more",
    ],
)
def test_what_is_no_such_date_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        dates.timestamp(text, INSIDEVIEW)


def test_half_a_day_is_not_left_out():
    assert dates.expiry(SEEN, INSIDEVIEW) == utc(2015, 7, 21, 21, 8, 17)
    assert dates.expiry(SEEN) is None
    assert dates.expiry("Tue, 21 Jul 2015 09:08:17 GMT") == utc(2015, 7, 21, 9, 8, 17)


def test_the_locale_does_not_matter(monkeypatch):
    """As ``strptime`` would see it where months have other names."""
    other = _strptime.LocaleTime()
    other.a_month = [name and f"x{name}" for name in other.a_month]
    other.am_pm = ["vorm.", "nachm."]
    monkeypatch.setattr(_strptime, "_TimeRE_cache", _strptime.TimeRE(other))
    monkeypatch.setattr(_strptime, "_regex_cache", {})
    with pytest.raises(ValueError, match="does not match"):
        dt.datetime.strptime(SEEN, INSIDEVIEW).astimezone(dt.UTC)
    assert dates.timestamp(SEEN, INSIDEVIEW) == utc(2015, 7, 21, 21, 8, 17)


@pytest.mark.parametrize("form", ["", "%Y", "%H:%M", "%c", "%Y-%m-%d %Y", "%Q", "%Y-%d"])
def test_what_names_no_day_is_no_format(form):
    assert not dates.is_format(form)


@given(st.integers(0, int(utc(9999, 12, 31))))
def test_each_moment_comes_back(at):
    assert dates.timestamp(spelled(at), INSIDEVIEW) == at


@given(st.text(), st.sampled_from([INSIDEVIEW, "%Y-%m-%dT%H:%M:%S%Z", "%d.%m.%Y"]))
def test_any_text_is_a_date_or_a_value_error(text, form):
    with contextlib.suppress(ValueError):
        assert isinstance(dates.timestamp(text, form), float)


@given(st.text())
def test_any_text_is_a_format_or_not(form):
    assert dates.is_format(form) in {True, False}
