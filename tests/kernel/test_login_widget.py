"""What Python sees of a ``LoginWidget``: traits, callbacks and a session, in a real kernel."""

from __future__ import annotations

import asyncio
import json

import pytest

from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import provider_from_mapping
from jupyter_auth.kernel.login_widget import LoginWidget
from kernel.prompt.widget_views import View, engine, kernel, kernel_api, one_engine, show
from kernel.sign_in import consenting, sign_in
from patience import until

__all__ = ["engine", "kernel", "kernel_api", "one_engine"]

TRAITS = {"signed_in", "username", "expires_at", "status"}
MADE = """
from jupyter_auth import LoginWidget
shown, seen, called = LoginWidget('idp'), [], []
def saw(change):
    seen.append((change.name, shown.signed_in, shown.username, shown.status))
shown.observe(saw, ['signed_in', 'username', 'expires_at', 'status'])
shown.on_signed_in(lambda widget: called.append((widget is shown, widget.username)))
shown
"""
STATE = "(shown.signed_in, shown.username, shown.expires_at, shown.status, shown.session)"


@pytest.fixture(autouse=True)
def _none_is_left(kernel):
    """Of the widgets of a test, to tell the next one's names what they see."""
    yield
    kernel.ok("import ipywidgets; ipywidgets.Widget.close_all()")


class Watched:
    """A widget in a cell, and what Python sees of it."""

    def __init__(self, kernel, code=MADE):
        self.kernel = kernel
        self.view = View(kernel, kernel.ok(code))

    def value(self, expression):
        return self.kernel.ok(expression).text()

    def wait(self, condition):
        """Until it is true in the kernel, whose loop is free meanwhile; nobody asks the broker."""
        code = f"import asyncio\nfor _ in range(2000):\n    if {condition}: break\n"
        code += f"    await asyncio.sleep(0.02)\nassert {condition}, {STATE}"
        self.kernel.ok(code)


@pytest.fixture
def watched(kernel):
    return Watched(kernel)


def test_it_tells_what_happens_and_calls_back(watched, engine, oidc):
    watched.wait("shown.status == 'pending'")
    assert watched.value(STATE) == "(False, None, None, 'pending', None)"
    sign_in(engine, oidc, engine.logins()[0], username="alice")
    watched.wait("called")
    assert watched.value("called") == "[(True, 'alice')]"
    assert watched.value("(shown.signed_in, shown.username, shown.status)") == (
        "(True, 'alice', 'signed_in')"
    )
    # An observer sees all of them as they are now, whichever changed.
    assert "('signed_in', True, 'alice', 'signed_in')" in watched.value("seen")
    assert "('username', True, 'alice', 'signed_in')" in watched.value("seen")
    end = float(watched.value("shown.expires_at.timestamp()"))
    assert end == pytest.approx(engine.accounts()[0].expires_at, abs=0.001)
    assert watched.value("str(shown.expires_at.tzinfo)") == "'UTC'"
    engine.logout("idp")
    watched.wait("not shown.signed_in")
    assert watched.value(STATE) == "(False, None, None, 'signed_out', None)"
    assert watched.value("called") == "[(True, 'alice')]"


@pytest.mark.parametrize(
    ("status", "end"),
    [
        ("denied", lambda engine, oidc, login: sign_in(engine, oidc, login, consent=False)),
        ("cancelled", lambda engine, _, login: engine.cancel(login.id)),
    ],
)
def test_how_a_sign_in_ended_is_its_status(watched, engine, oidc, status, end):
    end(engine, oidc, engine.logins()[0])
    watched.wait(f"shown.status == '{status}'")
    assert watched.value("shown.signed_in, called") == "(False, [])"


def test_whoever_is_signed_in_already_is_there_at_once(kernel, engine, oidc):
    sign_in(engine, oidc, engine.begin(LoginRequest("idp")), username="bob")
    code = "from jupyter_auth import LoginWidget\nshown = LoginWidget('idp')\n"
    ran = kernel.ok(f"{code}shown.signed_in, shown.username, shown.status")
    assert ran.text() == "(True, 'bob', 'signed_in')"
    ran = kernel.ok("called = []\nshown.on_signed_in(called.append)\ncalled == [shown]")
    assert ran.text() == "True"


def test_its_session_works_and_is_of_whoever_is_signed_in(watched, engine, oidc):
    sign_in(engine, oidc, engine.logins()[0], username="alice")
    watched.wait("shown.signed_in")
    who = f"shown.session.get('{oidc.issuer}/api/me').json()['username']"
    assert watched.value(who) == "'alice'"
    assert watched.value("first = shown.session\nfirst is shown.session") == "True"
    assert watched.value("first") != ""
    sign_in(engine, oidc, engine.begin(LoginRequest("idp", force=True)), username="bob")
    watched.wait("shown.username == 'bob'")
    assert watched.value("called") == "[(True, 'alice'), (True, 'bob')]"
    assert watched.value(who) == "'bob'"
    assert watched.value("first is shown.session") == "False"
    ran = watched.kernel.run(f"first.get('{oidc.issuer}/api/me')")
    assert "UserMismatch" in ran.text()  # it stays alice's
    engine.logout("idp")
    watched.wait("shown.session is None")
    ran = watched.kernel.run(f"first.get('{oidc.issuer}/api/me')")
    assert ran.status == "error"  # and nobody was asked: the widget does that
    assert not [login for login in engine.logins() if login.status == "pending"]


def test_it_is_of_the_person_that_was_asked_for(kernel, engine, oidc):
    sign_in(engine, oidc, engine.begin(LoginRequest("idp")), username="bob")
    code = MADE.replace("LoginWidget('idp')", "LoginWidget('idp', username='alice')")
    watched = Watched(kernel, code)
    assert watched.value("shown.signed_in, shown.username, shown.session") == "(False, None, None)"
    (login,) = engine.logins()[-1:]
    assert watched.value("shown.session_key") == repr(login.session_key) != "'default'"
    sign_in(engine, oidc, login, username="alice")
    watched.wait("called == [(True, 'alice')]")
    assert watched.value("shown.session.username, shown.status") == "('alice', 'signed_in')"
    watched.kernel.ok("shown.session_key = 'default'")  # that is bob's
    assert watched.value("shown.signed_in, shown.session_key") == "(True, 'alice')"


def test_a_token_that_is_renewed_calls_nobody_back(watched, engine, oidc):
    sign_in(engine, oidc, engine.logins()[0], username="alice")
    watched.wait("called")
    watched.kernel.ok("session, before = shown.session, shown.expires_at")
    oidc.expire()
    watched.kernel.ok(f"session.get('{oidc.issuer}/api/me').raise_for_status()")
    watched.wait("shown.expires_at > before")
    assert watched.value("len(called), shown.session is session") == "(1, True)"


def test_what_a_callback_raises_is_shown_and_ends_nothing(watched, engine, oidc):
    watched.kernel.ok(
        "def fails(widget):\n    called.append('fails')\n    raise ValueError('a mistake')\n"
        "shown.on_signed_in(lambda widget: called.append('gone'), remove=False)\n"
        "shown._signed_in_handlers.callbacks.insert(0, fails)\n"
        "shown.observe(fails, 'signed_in')"
    )
    sign_in(engine, oidc, engine.logins()[0], username="alice")
    watched.wait("'gone' in called")
    assert watched.value("called") == "['fails', 'fails', (True, 'alice'), 'gone']"
    engine.logout("idp")
    watched.wait("not shown.signed_in")


def test_one_that_is_removed_is_not_called(watched, engine, oidc):
    watched.kernel.ok(
        "def no(widget): called.append('no')\n"
        "shown.on_signed_in(no)\nshown.on_signed_in(no, remove=True)"
    )
    sign_in(engine, oidc, engine.logins()[0], username="alice")
    watched.wait("called")
    assert watched.value("called") == "[(True, 'alice')]"


def test_callbacks_run_on_the_kernel_s_own_loop(watched, engine, oidc):
    watched.kernel.ok(
        "import threading\nthreads = []\n"
        "shown.observe(lambda _: threads.append(threading.current_thread()), 'signed_in')\n"
        "shown.on_signed_in(lambda _: threads.append(threading.current_thread()))"
    )
    sign_in(engine, oidc, engine.logins()[0], username="alice")
    watched.wait("len(threads) == 2")
    assert watched.value("set(threads) == {threading.main_thread()}") == "True"


def test_they_cannot_be_set(watched):
    for name, value in (("signed_in", True), ("username", "'mallory'"), ("status", "'signed_in'")):
        ran = watched.kernel.run(f"shown.{name} = {value}")
        assert ran.status == "error"
        assert "read-only" in ran.text()
    assert watched.kernel.run("shown.session = 1").status == "error"


def test_none_of_it_is_synced(watched, engine, oidc):
    sign_in(engine, oidc, engine.logins()[0], username="alice")
    watched.wait("shown.signed_in and shown.session")
    own = {name for name in watched.view.traits if not name.startswith("_")}
    assert own == {"provider", "session_key", "layout", "tabbable", "tooltip"}
    assert "alice" not in json.dumps({**watched.view.traits, "_esm": "", "_css": ""})
    assert watched.value("{*shown.get_state(), *shown.keys} & " + repr(TRAITS)) == "set()"


def test_a_sign_in_that_runs_out_is_seen_to(kernel, engine, oidc):
    """Nobody renews it, and no news comes of it."""
    oidc.add_client("brief", grant_types=["authorization_code"])
    oidc.ttl(AccessToken=5)
    table = consenting(oidc, client_id="brief", scopes="openid profile")
    brief = engine.register(provider_from_mapping("brief", table)).name
    sign_in(engine, oidc, engine.begin(LoginRequest(brief)), username="alice")
    watched = Watched(kernel, MADE.replace("'idp'", repr(brief)))
    code = "import time\nshown.signed_in == (time.time() < shown.expires_at.timestamp())"
    assert watched.value(code) == "True"
    watched.wait("not shown.signed_in")
    assert watched.value("shown.username, shown.session") == "('alice', None)"
    assert watched.value("shown.status") == "'expired'"


# -- another provider ----------------------------------------------------------------------------


@pytest.fixture
def other(engine, oidc):
    """What another provider goes by, where bob is signed in."""
    made = engine.register(provider_from_mapping("other", consenting(oidc, title="The other")))
    sign_in(engine, oidc, engine.begin(LoginRequest(made.name)), username="bob")
    return made.name


def test_the_provider_can_be_set(watched, engine, other):
    (left,) = [login for login in engine.logins() if login.provider == "idp"]
    assert watched.value(f"shown.provider = {other!r}\nshown.signed_in, shown.username") == (
        "(True, 'bob')"
    )
    watched.wait("called == [(True, 'bob')]")
    assert watched.view.traits["provider"] == other
    assert watched.view.state["provider"]["title"] == "The other"
    assert watched.view.state["account"]["username"] == "bob"
    assert engine.login(left.id).status == "cancelled"  # it was for nobody else
    assert watched.value("shown.session.provider") == "'other'"
    assert watched.value("shown.provider = 'idp'\nshown.signed_in, shown.session") == (
        "(False, None)"
    )
    watched.wait("shown.status == 'pending'")  # as in one that is made for it


def test_the_session_key_can_be_set_too(watched, engine, oidc):
    sign_in(engine, oidc, engine.begin(LoginRequest("idp", "work")), username="bob")
    assert watched.value("shown.session_key = 'work'\nshown.username") == "'bob'"
    assert watched.value("shown.session.session_key") == "'work'"


def test_a_provider_that_is_not_known_changes_nothing(watched):
    ran = watched.kernel.run("shown.provider = 'ipd'")
    assert ran.status == "error"
    assert "Did you mean idp?" in ran.text()
    assert watched.value("shown.provider") == "'idp'"
    watched.wait("shown.status == 'pending'")


def test_a_provider_made_in_code_can_be_set(watched, oidc):
    made = f"Provider(name='mine', issuer={oidc.issuer!r}, client_id={oidc.client_id!r})"
    code = f"from jupyter_auth import Provider\nshown.provider = {made}\nrepr(shown)"
    assert "LoginWidget of mine" in watched.value(code)
    assert watched.kernel.ok("shown.provider = None").status == "ok"  # the default one
    assert "LoginWidget of idp" in watched.value("repr(shown)")


# -- where it is ---------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["{'width': '30em'}", "ipywidgets.Layout(width='30em')"])
def test_its_layout_is_that_of_any_widget(kernel, layout):
    kernel.ok("import ipywidgets")
    view = show(kernel, f"LoginWidget('idp', layout={layout})")
    layouts = {each["content"]["comm_id"]: each["content"]["data"] for each in kernel.comms}
    placed = view.traits["layout"].removeprefix("IPY_MODEL_")
    assert layouts[placed]["state"]["width"] == "30em"


def test_within_another_widget_it_works_as_well(kernel, engine, oidc):
    """As in a dashboard: it is never displayed by itself, its view speaks up all the same."""
    kernel.ok(MADE.rpartition("\n")[0].rpartition("\n")[0])
    ran = kernel.ok("import ipywidgets\nbox = ipywidgets.VBox([shown])\nbox")
    assert ran.outputs
    assert not engine.logins()
    kernel.tell(kernel.ok("print(shown.model_id)").text().strip(), {"kind": "look"})
    until(lambda: engine.logins() != [])
    sign_in(engine, oidc, engine.logins()[0], username="alice")
    Watched.wait(type("", (), {"kernel": kernel}), "called == [(True, 'alice')]")


async def _on_a_loop(make):
    return make()


@pytest.mark.parametrize(
    "where", [lambda make: make(), lambda make: asyncio.run(_on_a_loop(make))], ids=["none", "past"]
)
def test_without_an_event_loop_it_is_told_by_the_watcher(engine, oidc, where):
    """As in a script, whose thread does what it likes."""
    called = []
    widget = where(lambda: LoginWidget("idp", accounts=engine))
    widget.on_signed_in(called.append)
    sign_in(engine, oidc, engine.begin(LoginRequest("idp")), username="alice")
    until(lambda: called == [widget])
    assert (widget.username, widget.status) == ("alice", "signed_in")
    widget.close()


# -- a session in a cell -------------------------------------------------------------------------

SESSION = "from jupyter_auth import UserSession\nsession = UserSession('idp')\nsession"


@pytest.fixture
def alice(engine, oidc):
    sign_in(engine, oidc, engine.begin(LoginRequest("idp")), username="alice")


def test_a_session_that_ends_a_cell_shows_its_account(kernel, engine, alice):  # noqa: ARG001
    view = View(kernel, kernel.ok(SESSION))
    assert view.output["data"]["text/plain"].startswith("Signed in to The IdP")
    view.press("look")
    view.wait(lambda state: state["account"] and state["account"]["username"] == "alice")
    again = View(kernel, kernel.ok("session"))
    assert again.comm_id == view.comm_id  # one widget, however often it is looked at
    view.press("logout")
    view.wait(lambda state: not state["account"])
    ran = kernel.ok("session")
    assert "Not signed in" in ran.text()
    assert not engine.logins()  # to be looked at begins nothing
    view.press("begin")
    view.wait(lambda state: state["login"] and state["login"]["status"] == "pending")
    kernel.ok("shown = session._widget; shown.close(); session")


def test_where_nobody_is_it_is_its_repr(kernel, alice):  # noqa: ARG001
    ran = kernel.run(SESSION, allow_stdin=False)
    assert [*ran.outputs[-1]["data"]] == ["text/plain"]
    assert "<UserSession 'idp' as alice, token until" in ran.text()


def test_without_a_front_end_it_is_its_repr(kernel, alice):  # noqa: ARG001
    """What IPython in a terminal asks for."""
    code = SESSION.rpartition("\n")[0]
    code += "\nfrom jupyter_auth.kernel.prompt import front_end\nreal, front_end.in_notebook = "
    code += "front_end.in_notebook, lambda: False\ntry:\n    "
    code += "print(get_ipython().display_formatter.format(session))\nfinally:\n    "
    code += "front_end.in_notebook = real"
    assert "({'text/plain': \"<UserSession 'idp' as alice" in kernel.ok(code).text()


def test_a_session_that_was_shown_is_copied_and_pickled(kernel, alice):  # noqa: ARG001
    ran = kernel.ok(f"{SESSION}\nimport copy, pickle\nprint(copy.copy(session).username)")
    assert "alice\n" in ran.text()
    ran = kernel.ok("pickle.loads(pickle.dumps(session)).username")
    assert ran.text() == "'alice'"
