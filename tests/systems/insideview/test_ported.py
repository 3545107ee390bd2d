"""Scripts of InsideView's users, ported by `how-to/migrate.md`: run at the real host names."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from providers.internet import Internet
from providers.presets.insideview import InsideView
from systems.machine import Machine

HOSTS = ("login.insideview.com", "api.insideview.com")
SECRET = InsideView.client_secret


@pytest.fixture
def machine(insideview, tmp_path):
    port = int(insideview.origin.rpartition(":")[2])
    with Internet(tmp_path, dict.fromkeys(HOSTS, port)) as internet:
        yield Machine(tmp_path, internet)
        assert internet.unknown == []


@pytest.fixture
def nightly(machine):
    """The credential is in the environment of the job."""
    machine.env["JUPYTER_AUTH_INSIDEVIEW_CLIENT_ID"] = InsideView.client_id
    machine.env["JUPYTER_AUTH_INSIDEVIEW_CLIENT_SECRET"] = SECRET
    return machine


def test_companies_until_there_were_too_many_calls(machine, insideview):
    machine.env |= {"INSIDEVIEW_ID": InsideView.client_id, "INSIDEVIEW_SECRET": SECRET}
    insideview.limit = 2
    ran = machine.run("insideview_companies.py", "Acme", "Globex", "Initech", "Hooli", "Umbrella")
    assert (ran.returncode, ran.stderr) == (0, "")
    first, second, refused, later = ran.stdout.splitlines()
    assert (first, second) == ("['Acme']", "['Globex']")
    assert refused == "Too many calls: Throttling limit exceeded"
    sent = len(insideview.requests)
    again = machine.run("insideview_companies.py", "Hooli")  # another program, a minute later
    assert again.stdout.splitlines() == [later]
    assert [each.headers["host"] for each in insideview.requests[sent:]] == [HOSTS[0]]
    assert SECRET not in ran.stdout + again.stdout + again.stderr


def test_a_token_for_each_client_application(nightly):
    ran = nightly.run("insideview_tokens.py")
    assert ran.returncode == 0, ran.stderr
    two, year, note, status = ran.stdout.splitlines()
    ends = {datetime.now(UTC) + timedelta(days=365) - timedelta(minutes=m) for m in (0, 2)}
    assert two == "two tokens: True"
    assert year in {f"a year: {each:%Y-%m-%d}" for each in ends}
    assert "InsideView" in note
    assert "revo" in note
    assert status == "200"


def test_what_the_plan_has_left_and_a_warning_in_time(nightly):
    ran = nightly.run("insideview_usage.py")
    assert ran.returncode == 0, ran.stderr
    assert [line.split()[0] for line in ran.stdout.splitlines()] == [
        "2026-08", "2026-09", "2026-10", "2026-11",
    ]  # fmt: skip
    warned = re.findall(r"AuthWarning: (.*)", ran.stderr)
    assert len(warned) == 1
    assert warned[0].startswith("4 of 5 calls to InsideView (reports) are used in 300 s")
