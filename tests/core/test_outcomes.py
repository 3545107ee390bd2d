"""How a sign-in ended is said once, and reaches each front end as text."""

from __future__ import annotations

from typing import get_args

import pytest

from jupyter_auth.core import wire
from jupyter_auth.core.errors import OUTCOMES, START_AGAIN, LoginFailed, NextStep
from jupyter_auth.core.models import Login, LoginStatus
from jupyter_auth.server.browser.render import PROBLEMS


def ended(status="failed", error=None):
    return Login(id="l", provider="idp", status=status, error=error and error.to_wire())


def test_each_status_has_its_words():
    assert {*OUTCOMES} == {*get_args(LoginStatus)}
    for each in (*OUTCOMES.values(), *PROBLEMS.values()):
        assert each.text.endswith(".")
        assert not each.title.endswith(".")
        assert each.tone in {"success", "error", "late", "neutral", "warning"}


@pytest.mark.parametrize(
    ("status", "text", "tone"),
    [
        ("complete", "The sign-in is complete.", "success"),
        ("denied", "The sign-in was declined.", "error"),
        ("expired", "The sign-in timed out.", "late"),
        ("cancelled", "The sign-in was cancelled.", "neutral"),
        ("failed", "The sign-in failed. Nothing was stored.", "error"),
    ],
)
def test_the_wire_has_the_words(status, text, tone):
    told = wire.login_to_wire(ended(status))["outcome"]
    assert told == {"title": OUTCOMES[status].title, "text": text, "tone": tone}
    assert wire.login_to_wire(ended("pending"))["outcome"] is None


def test_what_a_button_does_is_not_said():
    again = LoginFailed("No.", hint="Mind this.", next_step=START_AGAIN)
    assert wire.login_to_wire(ended(error=again))["outcome"]["text"] == "No. Mind this."
    doctor = LoginFailed("No.", hint="Mind this.", next_step=NextStep("doctor"))
    said = wire.login_to_wire(ended(error=doctor))["outcome"]["text"]
    assert said == "No. Mind this. `jupyter auth doctor` in a terminal shows more."


def test_the_error_names_the_provider():
    assert str(wire.login_error(ended("denied"), "The IdP")) == (
        "The sign-in to The IdP was declined. Run this again."
    )
    assert wire.login_error(ended("cancelled")).message == "The sign-in to idp was cancelled."
