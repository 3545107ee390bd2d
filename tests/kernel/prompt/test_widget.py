"""The widget in a real kernel, before a real broker and a real provider."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from jupyter_auth.core.models import LoginRequest, Refusal
from kernel.kernel_process import environment
from kernel.prompt.widget_views import (
    TIMES,
    VIEW,
    View,
    engine,
    kernel,
    kernel_api,
    one_engine,
    show,
)
from kernel.sign_in import sign_in

__all__ = ["engine", "kernel", "kernel_api", "one_engine"]


def test_it_begins_a_login_and_shows_the_link_in_every_form(kernel, engine):
    view = show(kernel)
    (login,) = engine.logins()
    path = f"/base/jupyter-auth/login/{login.id}"
    assert f'href="{path}"' in view.output["data"]["text/html"]
    assert path in view.output["data"]["text/plain"]
    assert "<img" not in view.output["data"]["text/html"]  # the hostile title is text
    assert view.pending()["path"] == path  # last: once a view asks, the other link goes


def test_once_a_view_is_there_no_other_link_is_left_to_be_saved(kernel):
    view = show(kernel)
    view.pending()
    kernel.wait(lambda: "href" not in view.output["data"]["text/html"])
    assert view.output["data"]["text/plain"].startswith("Sign-in to The IdP")
    assert VIEW in view.output["data"]


@pytest.fixture
def hasty(kernel):
    """A kernel that waits for a view as good as not at all."""
    kernel.ok(f"{TIMES} 0.05, 0.05")
    yield kernel
    kernel.ok(f"{TIMES} 600.0, 1.0")


def test_where_no_view_speaks_up_the_fallback_takes_its_place(hasty, engine, oidc):
    """A policy that blocks the script would leave an error in the cell, and no link."""
    view = show(hasty)
    hasty.wait(lambda: VIEW not in view.output["data"])
    assert f"/login/{engine.logins()[0].id}" in view.output["data"]["text/html"]
    sign_in(engine, oidc, engine.logins()[0], username="alice")
    hasty.wait(lambda: "Signed in" in view.output["data"]["text/html"])
    assert "href" not in view.output["data"]["text/html"]


def test_a_view_that_is_late_is_drawn_after_all(hasty):
    view = show(hasty)
    hasty.wait(lambda: VIEW not in view.output["data"])
    view.pending()
    hasty.wait(lambda: VIEW in view.output["data"])
    assert "href" not in view.output["data"]["text/html"]


def test_one_that_spoke_while_the_kernel_was_busy_is_not_taken_away(hasty, tmp_path):
    hasty.ok(f"{TIMES} 0.05, 1.5")  # time enough, once it is idle, to hear what came before
    spoken = tmp_path / "spoken"
    code = "from jupyter_auth import LoginWidget\nshown = LoginWidget('idp')\n"
    code += "drawn, redraw = [], shown._redraw\n"
    code += "shown._redraw = lambda: (drawn.append(shown._view_shown), redraw())\n"
    code += (
        f"display(shown)\nimport pathlib, time\nwhile not pathlib.Path({str(spoken)!r}).exists():\n"
    )
    waiting = hasty.send(code + "    time.sleep(0.1)")
    shown = hasty.result(waiting, until=lambda ran: bool(ran.outputs))
    View(hasty, shown).press("look")
    spoken.touch()
    hasty.result(waiting)
    ran = hasty.ok("import asyncio; await asyncio.sleep(2)\nprint(all(drawn))")
    assert ran.text() == "True\n"
    assert VIEW in shown.outputs[-1]["data"]


def test_it_follows_the_login_and_leaves_no_link_behind(kernel, engine, oidc):
    view = show(kernel)
    sign_in(engine, oidc, engine.logins()[0], username="alice")
    view.wait(lambda state: state["account"] and state["login"]["status"] == "complete")
    assert view.state["account"]["username"]
    assert view.state["account"]["refreshes"]
    kernel.wait(lambda: "Signed in" in view.output["data"]["text/plain"])
    assert "href" not in view.output["data"]["text/html"]
    assert VIEW in view.output["data"]


def test_a_user_name_shows_that_person_s_account(kernel, engine, oidc):
    sign_in(engine, oidc, engine.begin(LoginRequest("idp")), username="bob")
    made = "from jupyter_auth import LoginWidget; print(LoginWidget('idp', username={!r}))"
    assert "(alice)" in kernel.ok(made.format("alice")).text()
    assert "(" not in kernel.ok(made.format("bob")).text()


def test_what_is_synced_is_the_account_s_name_and_nothing_else(kernel, engine, oidc):
    view = show(kernel)
    view.pending()
    sign_in(engine, oidc, engine.logins()[0], username="alice")
    view.wait(lambda state: state["account"])
    own = {name for name in view.traits if not name.startswith("_")}
    assert own == {"provider", "session_key", "layout", "tabbable", "tooltip"}
    assert view.traits["provider"] == "idp"
    assert "alice" not in json.dumps({**view.traits, "_esm": "", "_css": ""})


@pytest.mark.parametrize(
    ("status", "end"),
    [
        ("denied", lambda engine, oidc, login: sign_in(engine, oidc, login, consent=False)),
        ("cancelled", lambda engine, _, login: engine.cancel(login.id)),
    ],
)
def test_how_a_login_ends_is_shown_and_it_can_be_tried_again(kernel, engine, oidc, status, end):
    view = show(kernel)
    first = view.pending()
    end(engine, oidc, engine.logins()[0])
    view.wait(lambda state: state["login"]["status"] == status)
    kernel.wait(lambda: "href" not in view.output["data"]["text/html"])
    view.press("begin")
    view.wait(lambda state: state["login"]["status"] == "pending")
    assert view.state["login"]["id"] != first["id"]


def test_an_account_that_is_there_is_shown_without_a_login(kernel, engine, oidc):
    sign_in(engine, oidc, engine.begin(LoginRequest("idp")), username="bob")
    view = show(kernel)
    view.press("look")
    view.wait(lambda state: state["account"] and not state["login"])
    assert not engine.logins()
    assert "Signed in" in view.output["data"]["text/plain"]


def test_an_account_that_is_not_renewed_is_signed_in_to_again(kernel, engine, oidc):
    sign_in(engine, oidc, engine.begin(LoginRequest("idp")), username="bob")
    (account,) = engine._store.accounts()
    refused = Refusal(says="It ended this sign-in.", at=1.0, final=True, times=1)
    engine._tokens.keep(dataclasses.replace(account, expires_at=1.0, refused=refused))
    view = show(kernel)
    assert view.pending()["id"] == engine.logins()[0].id
    view.press("cancel")
    view.wait(lambda state: state["login"]["status"] == "cancelled")
    assert view.state["account"]["trouble"] == "It ended this sign-in."


def test_force_asks_anew(kernel, engine, oidc):
    sign_in(engine, oidc, engine.begin(LoginRequest("idp")), username="bob")
    view = show(kernel, "LoginWidget('idp', force=True)")
    assert view.pending()["id"] == engine.logins()[0].id


def test_what_an_api_demands_is_asked_for(kernel, engine, oidc):
    """As a session does it in Voila, whose cells cannot wait."""
    sign_in(engine, oidc, engine.begin(LoginRequest("idp")), username="bob")
    kernel.ok("from jupyter_auth.core.models import Challenge")
    kernel.ok("from jupyter_auth.kernel.prompt.widget import AccountWidget")
    demand = "Challenge(api='api.example', scopes=('api:read',), max_age='60')"
    asked = f"AccountWidget('idp', scopes='openid api:read', challenge={demand})"
    view = show(kernel, asked)
    login = view.pending()
    assert login["reason"] == (
        "The API api.example asks for the scope api:read and a sign-in not older than 60 seconds."
    )
    assert view.state["request"]["challenge"]["max_age"] == "60"
    address, _ = engine.open(login["id"], "http://127.0.0.1/callback", "user")
    assert "max_age=60" in address
    assert "api%3Aread" in address


def test_switching_the_account_asks_the_provider_to_ask(kernel, engine, oidc):
    sign_in(engine, oidc, engine.begin(LoginRequest("idp")), username="bob")
    view = show(kernel)
    view.press("look")
    view.wait(lambda state: state["account"])
    view.press("switch")
    view.pending()
    address, _ = engine.open(engine.logins()[0].id, "http://127.0.0.1/callback", "user")
    assert "max_age=0" in address  # its configuration has a prompt


def test_scopes_may_be_words_in_one_text(kernel):
    view = show(kernel, "LoginWidget('idp', scopes='openid profile')")
    view.pending()
    assert view.state["request"]["scopes"] == ["openid", "profile"]


def test_another_key_is_another_account(kernel, engine, oidc):
    sign_in(engine, oidc, engine.begin(LoginRequest("idp")), username="bob")
    view = show(kernel, "LoginWidget('idp', 'work')")
    assert view.pending()["session_key"] == "work"


def test_sign_out_from_the_view_and_from_elsewhere(kernel, engine, oidc):
    for gone in (
        lambda view: view.press("logout"),
        lambda _: engine.logout("idp"),
    ):
        sign_in(engine, oidc, engine.begin(LoginRequest("idp")), username="bob")
        view = show(kernel)
        view.press("look")
        view.wait(lambda state: state["account"])
        gone(view)
        view.wait(lambda state: not state["account"])
        assert not engine.accounts()


def test_a_login_begun_by_another_cell_is_followed_too(kernel, engine, oidc):
    sign_in(engine, oidc, engine.begin(LoginRequest("idp")), username="bob")
    view = show(kernel)
    view.press("look")
    view.wait(lambda state: state["account"])
    engine.begin(LoginRequest("idp", force=True))
    view.wait(lambda state: state["login"] and state["login"]["status"] == "pending")


BROKEN = """
class Away:
    def __getattr__(self, name):
        from jupyter_auth import BrokerUnavailable
        raise BrokerUnavailable("The broker is away.")
shown._accounts = Away()
"""


def test_trouble_is_a_sentence(kernel, engine):
    view = show(kernel, "LoginWidget('idp')")
    login = view.pending()
    engine.cancel(login["id"])
    view.wait(lambda state: state["login"]["status"] == "cancelled")
    kernel.ok(BROKEN)
    view.press("begin")
    view.wait(lambda state: state["problem"] == "The broker is away.")


def test_nobody_is_asked_where_nobody_is(kernel, engine):
    ran = kernel.run("from jupyter_auth import LoginWidget\nLoginWidget('idp')", allow_stdin=False)
    assert not engine.logins()
    assert "Not signed in" in ran.text()
    assert "href" not in ran.text("text/html")


def test_an_unknown_provider_is_said_at_once(kernel):
    ran = kernel.run("from jupyter_auth import LoginWidget\nLoginWidget('ipd')")
    assert ran.status == "error"
    assert "Did you mean idp?" in ran.text()


def test_closing_it_ends_the_watch(kernel):
    show(kernel)
    ran = kernel.ok("shown.close()\nshown._following")
    assert not ran.outputs


class Attended(NotebookClient):
    """nbclient with somebody in front of it, who signs in after the first cell."""

    async def async_start_new_kernel_client(self, **kwargs):
        client = await super().async_start_new_kernel_client(**kwargs)
        client.allow_stdin = True
        return client


WAIT = """
import time
while not shown._accounts.accounts():
    time.sleep(0.02)
shown._accounts.token('idp')
"""


def test_the_saved_notebook_holds_no_secret_and_no_dead_link(kernel_api, engine, oidc, tmp_path):
    cells = [
        "%load_ext jupyter_auth",
        "from jupyter_auth import LoginWidget\nshown = LoginWidget()\nshown",
        WAIT,
        "shown",
        "%auth",
        "shown._tell()",
    ]
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
    handles = []

    def after(cell_index, **_):
        if cell_index == 1:
            (login,) = engine.logins()
            handles.append(login.id)
            sign_in(engine, oidc, login, username="alice")

    client = Attended(notebook, kernel_name="python3", on_cell_executed=after)
    client.execute(env=environment(tmp_path, kernel_api.path))
    saved = nbformat.writes(notebook)
    assert "Signed in to The IdP" in saved
    states = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert [each for each in states.values() if each["state"].get("provider") == "idp"]
    secrets = oidc.secrets()
    assert secrets["access_token"]
    assert secrets["refresh_token"]
    for kind, values in secrets.items():
        for value in values:
            assert value not in saved, kind
    assert handles[0] not in saved
    assert not re.search(
        r"<a\b",
        "".join(
            output.get("data", {}).get("text/html", "")
            for cell in notebook.cells
            for output in cell.outputs
        ),
    )


def test_what_costs_time_is_imported_only_for_a_widget():
    heavy = {
        *("IPython", "anywidget", "ipywidgets", "joserfc", "jupyter_server", "oauthlib"),
        *("requests", "requests_oauthlib", "tornado", "traitlets"),
    }
    code = (
        "import sys, jupyter_auth\n"
        "jupyter_auth.load_ipython_extension, dir(jupyter_auth)\n"
        f"print(sorted({heavy!r} & set(sys.modules)))\n"
        "jupyter_auth.Provider, jupyter_auth.AuthError, jupyter_auth.__version__\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout == "[]\n", ran.stderr
