"""``%auth doctor`` and ``jupyter auth doctor``, against a real broker, provider and store."""

from __future__ import annotations

import json
import os
import pty
import re
import sys

import pytest

from jupyter_auth.core.common.finding import Finding
from jupyter_auth.core.errors import ProviderNotFound
from jupyter_auth.kernel.broker import connect
from jupyter_auth.kernel.commands import doctor
from jupyter_auth.kernel.commands.whereabouts import version
from jupyter_auth.kernel.report import Report, Section
from kernel.commands.cli_process import command, run
from kernel.kernel_process import Kernel, environment
from patience import PATIENCE
from providers import troubles

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def broker(kernel_api, monkeypatch):
    monkeypatch.setenv("JUPYTER_AUTH_CONNECTION", str(kernel_api.path))
    return kernel_api


@pytest.fixture
def own_files(home, rogue, monkeypatch):
    """No broker; the provider is in the person's own file."""
    config = home / "config" / "jupyter_auth"
    config.mkdir(parents=True)
    (config / "providers.toml").write_text(f'[idp]\nissuer = "{rogue.issuer}"\nclient_id = "x"\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config.parent))
    return config


def titles(report):
    return [section.title for section in report.sections]


def subjects(report, section):
    return {each.about: each for each in report.sections[section].findings}


@pytest.mark.usefixtures("broker", "signed_in")
def test_with_a_broker_each_side_speaks_for_itself():
    report = doctor.examine()
    assert titles(report) == ["This process", "Your Jupyter server", "Provider idp"]
    assert "answers" in subjects(report, 0)["Token service"].says
    assert "store" in subjects(report, 1)["Accounts"].says
    assert subjects(report, 2)["Metadata"].state == "ok"
    assert "/base/jupyter-auth/callback/idp" in subjects(report, 2)["Redirect URI"].says
    assert report.healthy
    assert str(report).endswith("No problems found.")


@pytest.mark.usefixtures("own_files")
def test_without_one_it_is_all_this_process(rogue):
    report = doctor.examine()
    assert titles(report) == ["This process", "Provider idp"]
    here = subjects(report, 0)
    assert here["Token service"].says.startswith("None")
    assert sys.executable in here["Python"].says
    assert "http://127.0.0.1/callback/idp" in subjects(report, 1)["Redirect URI"].says
    assert rogue.requests


@pytest.mark.usefixtures("home")
def test_where_no_provider_is_configured_it_says_how_to_add_one():
    report = doctor.examine()
    assert titles(report) == ["This process", "Providers"]
    assert "`jupyter auth add`" in subjects(report, 1)["Providers"].advice


@pytest.mark.usefixtures("own_files")
def test_of_the_presets_only_those_are_asked_that_somebody_uses():
    sources = {each.name: each.source for each in connect.connect().providers()}
    assert set(sources.values()) == {"user", "preset"}
    assert titles(doctor.examine())[1:] == ["Provider idp"]


@pytest.mark.usefixtures("own_files")
def test_a_name_that_is_none_is_an_error():
    with pytest.raises(ProviderNotFound, match="Did you mean idp"):
        doctor.examine("ipd")


@pytest.mark.usefixtures("own_files")
def test_a_provider_that_is_named_is_the_only_one_asked(rogue):
    report = doctor.examine("github")
    assert titles(report) == ["This process", "Provider github"]
    assert not report.healthy  # it has no client ID
    assert not rogue.requests


def test_one_broken_entry_does_not_hide_the_others(own_files):
    file = own_files / "providers.toml"
    file.write_text(file.read_text() + '[other]\nissuer = "https://a.example"\nclient_secret = 5\n')
    report = doctor.examine()
    assert titles(report) == ["This process", "Provider idp"]
    assert not report.healthy
    assert "'other'" in str(report)
    assert subjects(doctor.examine("other"), 1)["Provider"].state == "wrong"


def test_a_broker_that_does_not_answer_is_wrong_and_no_error(home, tmp_path, monkeypatch):
    assert home
    monkeypatch.setenv("JUPYTER_AUTH_CONNECTION", str(tmp_path / "gone.json"))
    monkeypatch.setenv("JUPYTER_AUTH_URL", "https://hub.example")
    report = doctor.examine()
    assert subjects(report, 0)["Token service"].state == "wrong"
    assert subjects(report, 0)["Token service"].advice
    assert not report.healthy


def test_what_takes_longer_than_a_second_is_named(own_files, rogue, monkeypatch):
    assert own_files
    monkeypatch.setattr(doctor, "PATIENCE", 0.2)
    gate = rogue.script("discovery", troubles.Gate())
    said = []

    def say(text):
        said.append(text)
        if "idp" in text:
            gate.release()

    assert doctor.examine(say=say).healthy
    assert said[-1] == "Waiting for idp …"


def test_versions_that_differ_are_told():
    assert version("").state == version("0.1.0 (with x)").state == "ok"
    found = version("9.9.0 (with x)")
    assert (found.state, "9.9.0" in found.says, "pip install --upgrade" in found.fix) == (
        "note", True, True,
    )  # fmt: skip


# -- for people ------------------------------------------------------------------------------------

REPORT = Report(
    (
        Section(
            "Here",
            (
                Finding(about="Short", says="Good."),
                Finding(about="Much longer", says="a " * 50, fix="Do so.", state="wrong"),
                Finding(about="Note", says=HOSTILE, state="note"),
            ),
        ),
    )
)


def test_text_is_aligned_and_says_the_state_in_words():
    lines = str(REPORT).splitlines()
    assert lines[1] == "  ok     Short        Good."
    assert lines[2].startswith("  WRONG  Much longer  a a")
    assert lines[3].startswith(" " * 22 + "a")
    assert lines[4] == " " * 22 + "Fix: Do so."
    assert max(map(len, lines)) <= 100
    assert "\033" not in str(REPORT)
    assert re.sub(r"\033\[[\d;]+m", "", REPORT.text(colour=True)) == str(REPORT)


def test_html_says_the_same_and_is_escaped():
    html = REPORT._repr_html_()
    assert ">WRONG<" in html
    assert "<b>Fix:</b> Do so." in html
    assert HOSTILE not in html
    assert "&lt;script&gt;" in html


# -- in a terminal ---------------------------------------------------------------------------------


@pytest.fixture
def env(tmp_path, kernel_api):
    return environment(tmp_path, kernel_api.path)


def test_the_exit_status_tells_whether_something_is_wrong(env, rogue):
    ran = run(env, "doctor")
    assert "Provider idp" in ran.stdout
    assert ran.stdout.rstrip().endswith("No problems found.")
    assert "\033" not in ran.stdout
    rogue.offline()
    ran = run(env, "doctor", "idp", status=1)
    assert "WRONG  Provider" in ran.stdout
    assert "1 problem found" in ran.stdout
    assert "Did you mean idp?" in run(env, "doctor", "ipd", status=1).stderr


def test_a_terminal_gets_colours_too(env):
    import subprocess

    ours, theirs = pty.openpty()
    subprocess.run(command("doctor"), env=env, stdout=theirs, check=True, timeout=PATIENCE)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # Linux: nobody writes any more
        pass
    os.close(ours)
    assert b"\033[32mok" in shown


def test_the_extension_that_is_switched_off_is_named(tmp_path):
    env = environment(tmp_path)
    off = tmp_path / "jupyter" / "jupyter_server_config.json"
    off.parent.mkdir()
    off.write_text(json.dumps({"ServerApp": {"jpserver_extensions": {"jupyter_auth": False}}}))
    env["JUPYTER_CONFIG_DIR"] = str(off.parent)
    said = " ".join(run(env, "doctor").stdout.split())
    assert f"{off} switches it off" in said
    assert f"{sys.executable} -m jupyter server extension enable jupyter_auth" in said


# -- in a notebook ---------------------------------------------------------------------------------


def test_in_a_notebook_it_is_a_table(kernel_api, tmp_path, rogue):
    with Kernel(tmp_path, kernel_api.path) as kernel:
        kernel.ok("%load_ext jupyter_auth")
        ran = kernel.ok("%auth doctor")
        assert "<table" in ran.text("text/html")
        assert "This notebook's kernel" in ran.text()
        assert "No problems found." in ran.text()
        assert "Did you mean idp?" in kernel.run("%auth doctor ipd").text()
        gate = rogue.script("discovery", troubles.Gate(), times=1)
        running = kernel.send("%auth doctor idp")
        waiting = kernel.result(running, until=lambda ran: "Waiting for idp" in ran.text())
        assert waiting.status == "busy"  # it is said while the provider hangs
        gate.release()
        kernel.wait(lambda: "No problems found." in str(kernel._displays))
        assert "Waiting for" not in str(kernel._displays)
