"""An API that demands more of the sign-in: the person is asked for exactly that, once."""

from __future__ import annotations

import io
import os
import signal
import warnings
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from jupyter_auth import httpx_auth
from jupyter_auth.core.errors import (
    InsufficientScope,
    LoginCancelled,
    LoginDenied,
    LoginRequired,
    UserMismatch,
)
from jupyter_auth.core.models import AccountKey
from jupyter_auth.core.provider.definitions import provider_from_mapping
from jupyter_auth.kernel.http.warnings import AuthWarning
from jupyter_auth.kernel.session.user_session import UserSession
from kernel.http.demanding_api import DemandingApi
from kernel.kernel_process import Kernel
from kernel.sign_in import person
from patience import PATIENCE, eventually
from providers.troubles import Reply, deny

SIXTEEN = 16
BUTTON = "Sign in to The IdP"
IN_A_NOTEBOOK = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(16) as pool:
    print(list(pool.map(lambda _: session.get("/x").status_code, range(16))))
"""
CLAIMS = {"access_token": {"acrs": {"essential": True, "value": "c1"}}}


@pytest.fixture
def api(rogue):
    with DemandingApi(rogue) as made:
        yield made


@pytest.fixture
def configured(configured, api):
    configured["idp"] |= {"base_url": api.origin, "api_origins": [api.origin]}
    return configured


@pytest.fixture
def interactive(kernel_api, signed_in, capfd):  # noqa: ARG001
    """Rosa's session, in a cell whose person is there."""
    made = UserSession("idp", interactive=True, timeout=PATIENCE)
    capfd.readouterr()
    yield made
    made.close()


# Scopes


def test_it_is_asked_for_and_the_request_repeated(interactive, engine, rogue, api, capfd):
    api.scopes("files.write")
    with person(engine, rogue) as done:
        answer = interactive.post("/x", data=io.BytesIO(b"content"))
    assert answer.json() == {
        "sub": rogue.sub,
        "scope": "openid files.write",
        "body": "content",
    }
    assert [each.status_code for each in answer.history] == [403]
    assert (done[0].status, len(api.seen)) == ("complete", 2)
    host = api.origin.partition("//")[2]
    said = capfd.readouterr().err
    assert f"The API {host} asks for the scope files.write." in said
    assert said.count(BUTTON) == 1
    assert rogue.seen("authorize")[-1].query["scope"] == "openid files.write"
    assert set(interactive.scopes) == {"openid", "files.write"}
    assert interactive.get("/x").ok
    assert len(rogue.seen("authorize")) == 2


@pytest.mark.usefixtures("interactive")
def test_a_session_with_scopes_of_its_own_keeps_them(engine, rogue, api):
    with person(engine, rogue):
        mine = UserSession("idp", scopes="openid mine", interactive=True, timeout=PATIENCE)
    api.scopes("files.write")
    with person(engine, rogue):
        assert mine.get("/x").ok
    assert set(mine.scopes) == {"openid", "mine", "files.write"}


@pytest.mark.usefixtures("kernel_api")
def test_those_that_the_provider_chose_are_kept_too(engine, rogue, api, configured):
    rogue.metadata = {"scopes_supported": ["openid", "profile"]}
    mine = configured["idp"] | {"scopes": None}
    engine.configure(provider_from_mapping("idp", {k: v for k, v in mine.items() if v}))
    with person(engine, rogue):
        session = UserSession("idp", interactive=True, timeout=PATIENCE)
    api.scopes("files.write")
    with person(engine, rogue):
        assert session.get("/x").ok
    assert set(session.scopes) == {"openid", "profile", "files.write"}


def test_where_nobody_can_be_asked_it_says_what_to_run(session, api):
    api.scopes("files.write")
    with pytest.raises(InsufficientScope) as caught:
        session.get("/x")
    host = api.origin.partition("//")[2]
    assert str(caught.value) == (
        f"The API {host} asks for the scope files.write. Sign in with `jupyter auth login idp"
        " --scopes openid files.write` in a terminal."
    )
    assert caught.value.scopes == ("files.write",)
    assert len(api.seen) == 1
    assert session.scopes == ("openid",)


def test_sixteen_threads_show_one_button(interactive, engine, rogue, api, capfd):
    api.scopes("files.write")
    with person(engine, rogue), ThreadPoolExecutor(SIXTEEN) as pool:
        answers = list(pool.map(lambda _: interactive.get("/x").status_code, range(SIXTEEN)))
    assert answers == [200] * SIXTEEN
    assert capfd.readouterr().err.count(BUTTON) == 1
    assert len(rogue.seen("authorize")) == 2


@pytest.mark.usefixtures("kernel_api", "signed_in")
def test_so_do_sixteen_sessions(engine, rogue, api, capfd):
    api.scopes("files.write")
    made = [UserSession("idp", interactive=True, timeout=PATIENCE) for _ in range(SIXTEEN)]
    with person(engine, rogue), ThreadPoolExecutor(SIXTEEN) as pool:
        answers = list(pool.map(lambda each: each.get("/x").status_code, made))
    assert answers == [200] * SIXTEEN
    assert capfd.readouterr().err.count(BUTTON) == 1


def test_in_a_notebook_too(kernel_api, signed_in, rogue, api, tmp_path):
    """And the button is gone from what is saved."""
    with Kernel(tmp_path, kernel_api.path) as kernel:
        kernel.ok("from jupyter_auth import UserSession\nsession = UserSession('idp', timeout=60)")
        api.scopes("files.write")
        with person(signed_in, rogue):
            ran = kernel.ok(IN_A_NOTEBOOK)
    assert str([200] * SIXTEEN) in ran.text()
    (shown,) = [each for each in ran.outputs if "data" in each]
    assert "asks for" not in str(shown)
    assert "Signed in to The IdP as rosa." in shown["data"]["text/plain"]


def test_threads_share_a_refusal_too(interactive, engine, rogue, api, capfd):
    api.scopes("files.write")
    rogue.script("authorize", deny())

    def ask(_):
        try:
            return interactive.get("/x")
        except LoginDenied as error:
            return type(error)

    with person(engine, rogue), ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {LoginDenied}
    assert capfd.readouterr().err.count(BUTTON) == 1


def test_two_demands_at_once_end_in_one_account_with_both(interactive, engine, rogue, api):
    def demand(family, request):
        wanted = request.path.strip("/")
        api.demand = f'Bearer error="insufficient_scope", scope="{wanted}"'
        return wanted in family.scope.split()

    api.met = demand
    api.demand = ""
    for wanted in ("one", "two"):
        with person(engine, rogue):
            assert interactive.get(f"/{wanted}").ok
    assert set(interactive.scopes) == {"openid", "one", "two"}


def test_a_body_that_cannot_be_read_again_is_not_sent_again(interactive, engine, api):
    api.scopes("files.write")
    with pytest.warns(AuthWarning, match="can be read only once") as caught:
        answer = interactive.post("/x", data=(each for each in [b"a", b"b"]))
    assert answer.status_code == 403
    assert "asks for the scope files.write" in str(caught[0].message)
    assert (len(api.seen), engine.logins()) == (1, [])


def test_what_the_provider_does_not_grant_is_asked_for_once(interactive, engine, rogue, api):
    api.scopes("files.write")
    rogue.scope = "openid"
    with person(engine, rogue), pytest.warns(AuthWarning, match="needs the scopes files.write"):
        assert interactive.get("/x").status_code == 403
    assert (len(api.seen), len(rogue.seen("authorize"))) == (2, 2)


def test_scopes_that_are_not_granted_are_not_asked_for_again(interactive, engine, rogue, api):
    """Nor does the loop of a cell show a button for each of its requests."""
    api.scopes("files.write")
    rogue.scope = "openid"
    with person(engine, rogue), pytest.warns(AuthWarning, match="files.write"):
        interactive.get("/x")
    engine.listen(lambda: [engine.cancel(each.id) for each in engine.logins()])
    asked = None
    try:
        interactive.get("/x")
    except LoginCancelled as error:
        asked = error
    assert asked is None


def test_scopes_that_there_are_are_not_asked_for(interactive, engine, api):
    api.scopes("openid")
    api.met = lambda *_: False
    with pytest.warns(AuthWarning, match="did not help.*answered 403"):
        assert interactive.get("/x").status_code == 403
    assert (len(api.seen), engine.logins()) == (1, [])


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "a\\x7f",
        'quo"te',
        " ".join(f"s{number}" for number in range(500)),
        "x" * 3000,
        "\x9b31m",
    ],
)
def test_a_person_is_not_asked_for_what_cannot_be_asked(interactive, engine, api, scope):
    api.met = lambda *_: False
    quoted = scope.replace("\\", "\\\\").replace('"', '\\"')
    api.demand = f'Bearer error="insufficient_scope", scope="{quoted}"'
    with pytest.warns(AuthWarning, match="403: this request needs") as caught:
        assert interactive.get("/x").status_code == 403
    assert str(caught[0].message).isprintable()
    assert len(str(caught[0].message)) < 500
    assert engine.logins() == []


# Who, and how it ends


def test_the_account_stays_if_the_person_cancels(interactive, engine, rogue, api):
    api.scopes("files.write")
    before = engine.account(AccountKey("idp"))
    cancel = lambda login: engine.cancel(login.id)  # noqa: E731
    with person(engine, rogue, cancel), pytest.raises(LoginCancelled):
        interactive.get("/x")
    assert engine.account(AccountKey("idp")) == before
    api.scopes()
    assert interactive.get("/x").ok


def test_another_person_is_not_taken(interactive, engine, rogue, api):
    api.scopes("files.write")
    rogue.sub, rogue.username = "u-2002", "mallory"
    with person(engine, rogue), pytest.raises(UserMismatch, match="mallory has signed in"):
        interactive.get("/x")
    assert len(api.seen) == 1


def test_after_a_sign_out_nobody_is_asked(interactive, engine, api):
    api.scopes("files.write")
    interactive.logout()
    with pytest.raises(LoginRequired, match="You signed out"):
        interactive.get("/x")
    assert engine.logins() == []


def test_an_interrupt_leaves_the_login(interactive, engine, rogue, api, kernel_api):
    api.scopes("files.write")

    def interrupt(_):
        assert eventually(lambda: kernel_api.waiting > 1)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt), person(engine, rogue, interrupt):
        interactive.get("/x")
    assert engine.logins() == []
    with person(engine, rogue):
        assert interactive.get("/x").ok


# A stronger or newer sign-in (RFC 9470)


def test_a_stronger_sign_in_is_asked_for_by_its_parameters(interactive, engine, rogue, api, capfd):
    api.step_up('acr_values="urn:mfa urn:hw", max_age=300', acr_values="urn:mfa urn:hw")
    with person(engine, rogue):
        answer = interactive.get("/x")
    assert (answer.status_code, len(api.seen)) == (200, 2)
    asked = rogue.seen("authorize")[-1].query
    assert (asked["acr_values"], asked["max_age"]) == ("urn:mfa urn:hw", "300")
    assert asked["scope"] == "openid"
    assert (
        "asks for a stronger sign-in (urn:mfa urn:hw) and a sign-in not older than 5 minutes"
        in capfd.readouterr().err
    )


def test_one_that_the_api_never_takes_is_asked_for_once(interactive, engine, rogue, api):
    api.step_up("max_age=300", acr_values="never")
    with person(engine, rogue), pytest.warns(AuthWarning, match="not older than 5 minutes"):
        assert interactive.get("/x").status_code == 401
    assert len(api.seen) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert interactive.get("/x").status_code == 401
    assert (len(rogue.seen("authorize")), rogue.refreshes, engine.logins()) == (2, 0, [])


@pytest.mark.parametrize(
    ("says", "hint"),
    [
        ("max_age=300", "Sign in with `jupyter auth login idp --force` in a terminal."),
        ("acr_values=x", "Make this request where you can sign in"),
    ],
)
def test_where_nobody_can_sign_in_it_says_which(session, engine, api, says, hint):
    api.step_up(says, acr_values="never")
    with pytest.raises(LoginRequired, match="asks for a") as caught:
        session.get("/x")
    assert hint in caught.value.hint
    assert engine.logins() == []


# Claims (Microsoft's challenge)


def test_claims_are_met_without_a_person_where_a_refresh_does_it(session, rogue, api):
    api.claims(CLAIMS, lambda *_: rogue.refreshes > 0)
    assert session.get("/x").ok
    assert len(set(api.tokens)) == 2


def test_else_the_person_is_asked(interactive, engine, rogue, api):
    api.claims(CLAIMS, lambda *_: "claims" in rogue.seen("authorize")[-1].query)
    with person(engine, rogue):
        answer = interactive.get("/x")
    assert answer.ok
    assert [each.status_code for each in answer.history] == [401, 401]
    assert '"acrs"' in rogue.seen("authorize")[-1].query["claims"]


def test_claims_that_are_no_object_ask_nobody(interactive, engine, rogue, api):
    api.claims(["x"], lambda *_: False)
    with pytest.warns(AuthWarning, match="401: this request needs"):
        assert interactive.get("/x").status_code == 401
    assert (rogue.refreshes, engine.logins()) == (0, [])


# Other clients with the session's auth


def test_httpx_with_the_sessions_auth_asks_as_the_session_does(interactive, engine, rogue, api):
    api.scopes("files.write")
    auth = httpx_auth(interactive.auth)
    with person(engine, rogue), httpx.Client(trust_env=False) as client:
        assert client.post(f"{api.origin}/x", auth=auth, content=b"c").json()["body"] == "c"


# Who may demand


def test_an_api_that_does_not_get_the_token_demands_nothing(interactive, engine, elsewhere):
    says = {"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="everything"'}
    elsewhere.reply = Reply.json({}, 403, says)
    with pytest.warns(AuthWarning, match="did not get the token"):
        assert interactive.get(f"{elsewhere.origin}/x").status_code == 403
    assert engine.logins() == []
    assert "authorization" not in elsewhere.seen[0].headers


def test_nor_does_one_that_a_redirect_leads_to(interactive, engine, api, elsewhere, rogue):
    says = {"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="everything"'}
    elsewhere.reply = Reply.json({}, 403, says)
    api.instead = Reply(302, headers={"Location": f"{elsewhere.origin}/x"})
    with pytest.warns(AuthWarning, match="did not get the token"):
        assert interactive.get("/x").status_code == 403
    assert (engine.logins(), len(rogue.seen("authorize"))) == ([], 1)
