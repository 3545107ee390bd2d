"""Without a server another user reads the browser's command line (SECURITY 8 and 13)."""

from __future__ import annotations

import contextlib
import json
import stat
import sys
import webbrowser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import requests

from browser_file import leads_to
from environments.home import configure
from environments.terminal import NOWHERE_ELSE, Terminal
from jupyter_auth.core.local_engine import LocalAccounts
from jupyter_auth.core.models import Login, LoginRequest
from jupyter_auth.core.provider.info import ProviderInfo
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.kernel.prompt import browser_file
from jupyter_auth.kernel.prompt.prompt import show_prompt
from kernel.kernel_process import environment
from memory_store import MemoryStore
from patience import PATIENCE, until
from security.another_user import CAN_BE, as_nobody

CALL = """
from jupyter_auth import UserSession
print(UserSession('idp').get('me').json()['username'])
input('More? ')
"""
# Open until it is told to go on: a command line is there to be read for as long.
BROWSER = """
import sys, time
from pathlib import Path
arrived, leave = Path({arrived!r}), Path({leave!r})
arrived.with_suffix(".tmp").write_text(sys.argv[1])
arrived.with_suffix(".tmp").rename(arrived)
end = time.monotonic() + {patience}
while not leave.exists() and time.monotonic() < end:
    time.sleep(0.01)
"""
SPY = """
lines = []
for each in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
    try:
        lines.append(each.read_bytes().replace(b"\\0", b" ").decode(errors="replace"))
    except OSError:
        pass
print(json.dumps(lines))
"""
READ = "print(pathlib.Path(sys.argv[1]).read_text())"


@pytest.fixture
def env(oidc, tmp_path):
    made = environment(tmp_path)
    for name in (*NOWHERE_ELSE, "DISPLAY", "WAYLAND_DISPLAY", "JPY_PARENT_PID"):
        made.pop(name, None)
    configure(Path(made["XDG_CONFIG_HOME"]), oidc)
    return made


@pytest.fixture
def accounts(oidc):
    table = {"issuer": oidc.issuer, "client_id": oidc.client_id}
    with contextlib.closing(LocalAccounts(Providers({"idp": table}), MemoryStore())) as made:
        yield made


def visit(browser: requests.Session, url: str) -> requests.Response:
    return browser.get(url, allow_redirects=False, timeout=PATIENCE)


def test_no_command_line_has_the_link(env, oidc, tmp_path):
    arrived, leave = tmp_path / "arrived", tmp_path / "leave"
    program = tmp_path / "browser.py"
    program.write_text(
        BROWSER.format(arrived=str(arrived), leave=str(leave), patience=2 * PATIENCE)
    )
    env["BROWSER"] = f"{sys.executable} {program} %s"
    with Terminal(env, "-c", CALL) as terminal:
        until(arrived.exists)
        opened = arrived.read_text()
        file, link = Path(unquote(urlsplit(opened).path)), leads_to(opened)
        seen = json.loads(as_nobody(SPY))
        assert any(str(program) in line and opened in line for line in seen)
        ticket = link.rpartition("/")[2]
        assert not any(ticket in line for line in seen)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        if CAN_BE:
            with pytest.raises(AssertionError, match="Permission"):
                as_nobody(READ, str(file))
        with requests.Session() as browser:
            back = oidc.login(visit(browser, link).headers["Location"], "alice")
            leave.touch()
            assert "Signed in" in browser.get(back, timeout=PATIENCE).text
        terminal.read("More")


def test_a_link_is_for_the_first_browser_and_no_other(accounts, oidc):
    login = accounts.begin(LoginRequest("idp"))
    with requests.Session() as alice, requests.Session() as mallory:
        back = oidc.login(visit(alice, login.url).headers["Location"], "alice")
        assert visit(alice, login.url).status_code == 303  # a reload
        refused = visit(mallory, login.url)
        assert refused.status_code == 404
        assert "already opened in another browser" in refused.text
        assert "Run this again" in refused.text
        # Nor does the first one finish it: either of the two may be another user's.
        assert alice.get(back, timeout=PATIENCE).status_code == 404
    ended = accounts.login(login.id)
    assert (ended.status, accounts.accounts()) == ("failed", [])
    assert "already opened" in ended.error["message"]
    again = accounts.begin(LoginRequest("idp"))
    with requests.Session() as alice:
        assert visit(alice, again.url).status_code == 303


def test_each_link_is_for_one_browser(accounts):
    """The one that is shown works in another browser than the one that was opened by itself."""
    login = accounts.begin(LoginRequest("idp"))
    opened = accounts.local.another_link(login)
    with requests.Session() as one, requests.Session() as two:
        assert visit(one, opened).status_code == 303
        assert visit(two, login.url).status_code == 303
    assert accounts.login(login.id).status == "pending"


def test_a_cookie_made_up_is_no_way_in(accounts):
    login = accounts.begin(LoginRequest("idp"))
    with requests.Session() as alice, requests.Session() as mallory:
        answer = visit(alice, login.url)
        said = answer.headers["Set-Cookie"]
        assert "; HttpOnly; SameSite=Lax" in said
        mallory.headers["Cookie"] = said.partition("=")[0] + "=é; ; x"
        assert visit(mallory, login.url).status_code == 404


def test_the_way_back_is_for_the_browser_that_left(accounts, oidc):
    login = accounts.begin(LoginRequest("idp"))
    with requests.Session() as alice, requests.Session() as mallory:
        back = oidc.login(visit(alice, login.url).headers["Location"], "alice")
        assert "another browser" in mallory.get(back, timeout=PATIENCE).text
        assert accounts.login(login.id).status == "pending"
        assert "Signed in" in alice.get(back, timeout=PATIENCE).text


@pytest.fixture
def opened(monkeypatch):
    """What the browser of this machine is opened at."""
    for name in NOWHERE_ELSE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BROWSER", "true")
    found = []
    monkeypatch.setattr(browser_file.webbrowser, "open", found.append)
    return found


def shown(link):
    info = ProviderInfo(name="idp", title="The IdP", host="idp.example")
    return show_prompt(Login(id="x", provider="idp"), info, link=link)


LINK = "http://127.0.0.1:1/login/x?a=1&b='\"<"


def test_the_file_is_gone_once_the_login_has_ended(opened, capsys):
    prompt = shown(LINK)
    file = Path(unquote(urlsplit(opened[0]).path))
    assert leads_to(opened[0]) == LINK
    prompt.interrupted()
    assert not file.parent.exists()
    assert "Interrupted" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["wsl", "snap"])
def test_a_browser_that_cannot_read_the_file_gets_the_link(monkeypatch, tmp_path, place, opened):
    if place == "wsl":
        release = "5.15.167.4-microsoft-standard-WSL2"
        monkeypatch.setattr(browser_file.platform, "release", lambda: release)
    else:
        (tmp_path / "firefox").touch()
        monkeypatch.setattr(browser_file, "_CONFINED", (str(tmp_path),))
    shown(LINK).interrupted()
    assert opened == [LINK]


def test_nor_does_a_browser_that_a_program_brings_along(monkeypatch, opened):
    """No command line starts it, and it may be made of anything that takes addresses."""

    class Inside(webbrowser.BaseBrowser):
        def open(self, url, *how):
            opened.append(url)
            return not how

    monkeypatch.setattr(browser_file.webbrowser, "get", Inside)
    shown(LINK).interrupted()
    assert opened == [LINK]
