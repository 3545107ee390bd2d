"""What a thief finds in a saved notebook, in logs and in the browser: nothing."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import expect

from browser.lab_providers import SECRET
from browser.sign_in_tab import follow, from_jupyter, identify, sign_in

CELLS = [
    "import logging\nlogging.basicConfig(level=logging.DEBUG)\n%xmode Verbose",
    "%load_ext jupyter_auth\n%auth login campus",
    "from jupyter_auth import UserSession, token\nsession = UserSession('campus')\nsession",
    "session.access_token",
    "session.id_token",
    "token('campus')",
    "session.get('ISSUER/api/me', headers={'X-Test': 'yes'}).raise_for_status()",
    "session.get('ISSUER/api/me?again').raise_for_status()",
    "session.get('http://127.0.0.1:9/')",
    "%auth",
    "UserSession('campus', auth_force=True)",
]
REFRESH, FAILS, LAST = 7, 8, 10
STORE = Path("xdg/data/jupyter_auth")  # the one place that is there to hold tokens


def contents(home: Path) -> dict[Path, str]:
    """Every file that a Jupyter has left, by its path from home."""
    files = (file for file in home.rglob("*") if file.is_file())
    return {file.relative_to(home): file.read_text(errors="replace") for file in files}


def found_in(content: str, secrets: dict[str, set[str]]) -> set[str]:
    return {kind for kind, values in secrets.items() if any(value in content for value in values)}


def test_no_secret_is_saved_or_logged(notebook, oidc, lab, context):
    bindings: set[str] = set()
    context.on("response", lambda answer: bindings.update(_bindings(answer)))
    book = notebook(*(cell.replace("ISSUER", oidc.issuer) for cell in CELLS))
    book.run(0, 1)
    sign_in(follow(book.output(1).get_by_role("link", name="Sign in to")))
    for cell in range(2, LAST):
        if cell == REFRESH:
            oidc.expire()
        book.run(cell)
    expect(book.output(2)).to_contain_text("as alice")
    expect(book.output(FAILS)).to_contain_text("ConnectionError")
    book.start(LAST)  # somebody saves while a sign-in is under way, with its state and cookie
    identify(follow(book.output(LAST).get_by_role("link", name="Sign in to")), "bob")
    saved = book.save()

    assert oidc.refresh_count == 1
    secrets = {kind: set(values) for kind, values in oidc.secrets().items()}
    secrets |= {"our client secret": {SECRET}, "cookie": bindings}
    wanted = ("access_token", "refresh_token", "id_token", "code", "code_verifier", "state")
    assert all(secrets[kind] for kind in (*wanted, "nonce", "cookie"))
    assert all(len(value) >= 9 for values in secrets.values() for value in values)  # no accident
    widgets = saved.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    assert any(each["state"].get("provider") == "campus" for each in widgets.values())
    assert "Starting new HTTP connection" in json.dumps(saved)
    assert "execute_request" in lab.log()  # the kernels' own, at DEBUG
    leaks = {file: found_in(content, secrets) for file, content in contents(lab.home).items()}
    assert {book.path.relative_to(lab.home), Path("server.log")} < leaks.keys()
    stored = {file for file in leaks if file.is_relative_to(STORE)}
    assert any("refresh_token" in leaks[file] for file in stored)  # it would be found
    assert {file: kinds for file, kinds in leaks.items() if kinds and file not in stored} == {}


def test_no_secret_stays_in_the_browser(lab, oidc, context):
    """The state passes the browser, and the code; neither is to be found there afterwards."""
    tab = context.new_page()
    tab.goto(f"{lab.url}/api/status?token={lab.token}")
    from_jupyter(tab, lab.begin("campus"))
    identify(tab)
    under_way = [cookie["name"] for cookie in context.cookies()]
    assert any(name.startswith("jupyter-auth-") for name in under_way)
    tab.get_by_role("button", name="Allow").click()
    expect(tab.get_by_role("heading", name="Signed in")).to_be_visible()
    history = context.new_cdp_session(tab).send("Page.getNavigationHistory")["entries"]
    visited = [entry["url"] for entry in history]
    kept = [cookie["name"] for cookie in context.cookies()]
    kept = [name for name in kept if not name.startswith("jupyter-auth-tied-")]  # no secret
    assert any("/interaction/" in url for url in visited)
    assert not [url for url in visited if "code=" in url or "state=" in url]
    assert not [name for name in kept if name.startswith("jupyter-auth-")]
    secrets = {kind: set(values) for kind, values in oidc.secrets().items()}
    assert found_in(json.dumps([visited, context.storage_state()]), secrets) == set()


def _bindings(answer) -> set[str]:
    """The values of the cookies that bind a browser to a login."""
    headers = answer.headers_array() if "/jupyter-auth/login/" in answer.url else []
    cookies = [each["value"] for each in headers if each["name"].lower() == "set-cookie"]
    return {
        cookie.partition("=")[2].partition(";")[0]
        for cookie in cookies
        if cookie.startswith("jupyter-auth-")
    }
