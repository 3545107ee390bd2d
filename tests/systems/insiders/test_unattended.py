"""Insiders with nobody there: user name and password out of the environment, or from a program."""

from __future__ import annotations

import functools
import os
from traceback import walk_tb

import pytest

from environments.terminal import run
from jupyter_auth import Provider, UserSession, token
from jupyter_auth.core.errors import (
    ConfigurationError,
    LoginFailed,
    LoginRequired,
    RefreshRejected,
)
from kernel.kernel_process import Kernel
from kernel.traceback_locals import local_variables
from providers.presets.insiders import Insiders
from systems.at_home import OWNER, add_insiders, person_at, write_down
from systems.presets import preset_at

TOKEN = "/oauth2/token/"
WHO = Insiders.username
VARIABLES = {
    "JUPYTER_AUTH_INSIDERS_USERNAME": WHO,
    "JUPYTER_AUTH_INSIDERS_PASSWORD": Insiders.password,
}


@pytest.fixture
def env(insiders, tmp_path):
    """Somebody at this machine, to whom the preset is at the server of the test."""
    table = preset_at("insiders", {"https://api.asi.swiss": insiders.origin})
    return person_at(tmp_path, {"insiders": table})


@pytest.fixture
def add(env, insiders):
    return functools.partial(add_insiders, env, insiders)


@pytest.fixture
def table(insiders):
    """The preset, at the server of the test, with the client of the password grant."""
    client = {"client_id": insiders.password_client, "client_secret": insiders.client_secret}
    return preset_at("insiders", {"https://api.asi.swiss": insiders.origin}, **client)


@pytest.fixture
def engine(broker, table):
    return broker({"insiders": table}, VARIABLES)


# -- out of the environment ----------------------------------------------------------------------


def test_a_nightly_script_signs_in_by_itself(env, add, insiders, tmp_path):
    add("--client-id", insiders.password_client)
    ran = run(env | VARIABLES, "-c", OWNER)
    assert f"owner: {WHO}" in ran.stdout, ran.stderr
    kept = "".join(p.read_text(errors="replace") for p in tmp_path.rglob("*") if p.is_file())
    assert insiders.password not in kept + ran.stdout + ran.stderr


def test_without_them_it_says_what_to_do(env, add, insiders):
    add("--client-id", insiders.password_client)
    ran = run(env, "-c", OWNER)
    assert "LoginRequired" in ran.stderr
    assert insiders.journal(TOKEN) == []


def test_it_works_by_the_broker_that_has_them(engine, insiders):
    session = UserSession("insiders", interactive=False)
    assert session.get("devices/").json()["owner"] == WHO
    assert session.username == WHO
    assert [each.username for each in engine.accounts()] == [WHO]
    assert UserSession("insiders", username=WHO, interactive=False).get("devices/").ok
    (asked,) = insiders.journal(TOKEN)
    assert asked["form"]["grant_type"] == "password"


@pytest.mark.usefixtures("engine")
def test_it_works_for_that_user_by_name(insiders):
    session = UserSession("insiders", username=WHO, interactive=False)
    assert session.get("devices/").json()["owner"] == WHO
    insiders.reset()
    assert session.get("devices/").json()["owner"] == WHO


@pytest.mark.usefixtures("engine")
def test_a_scheduled_notebook_signs_in_by_the_magic_too():
    with Kernel(env=dict(os.environ)) as kernel:
        kernel.ok("%load_ext jupyter_auth")
        signed_in = kernel.result(kernel.send("%auth login insiders", allow_stdin=False))
        assert signed_in.status == "ok", signed_in.text()
        assert signed_in.outputs == []  # no one is there to read it
        call = "%%auth insiders\nsession.get('devices/').json()['owner']"
        assert WHO in kernel.result(kernel.send(call, allow_stdin=False)).text()


def test_doctor_says_so_and_what_was_refused(broker, table):
    engine = broker({"insiders": table}, VARIABLES)
    found = {each.about: each for each in engine.examine("insiders")}
    assert "JUPYTER_AUTH_INSIDERS_PASSWORD sign in without a person" in found["Password"].says
    assert WHO not in str(found["Password"])
    engine = broker({"insiders": table}, VARIABLES | {"JUPYTER_AUTH_INSIDERS_PASSWORD": "no"})
    with pytest.raises(RefreshRejected):
        token("insiders")
    (refused,) = [each for each in engine.examine("insiders") if each.about == "Password"]
    assert (refused.state, "Correct them" in refused.fix) == ("wrong", True)
    without = broker({"insiders": table})
    assert "Password" not in {each.about for each in without.examine("insiders")}


@pytest.mark.usefixtures("engine")
def test_a_token_for_other_clients_is_had_too(insiders):
    assert insiders.alive(str(token("insiders")))


@pytest.mark.usefixtures("engine")
def test_a_sign_in_that_ended_there_is_made_again(insiders):
    session = UserSession("insiders", interactive=False)
    insiders.reset()  # no token of theirs is known any more
    assert session.get("devices/").json()["owner"] == WHO
    assert [each["form"]["grant_type"] for each in insiders.journal(TOKEN)] == [
        "refresh_token",
        "password",
    ]


def test_a_wrong_one_is_sent_once_and_the_variables_are_named(broker, table, insiders, caplog):
    caplog.set_level("DEBUG")
    broker({"insiders": table}, VARIABLES | {"JUPYTER_AUTH_INSIDERS_PASSWORD": "wrong-81c2"})
    for _ in range(2):
        with pytest.raises(RefreshRejected, match="JUPYTER_AUTH_INSIDERS_PASSWORD") as caught:
            UserSession("insiders", interactive=False)
        assert "invalid_grant" in caught.value.message
        shown = f"{caught.value} {local_variables(caught.value)} {caplog.text}"
        assert "wrong-81c2" not in shown
    assert len(insiders.journal(TOKEN)) == 1  # some providers lock who guesses


def test_a_registration_for_codes_says_so(broker, table, insiders):
    broker({"insiders": table | {"client_id": insiders.code_client}}, VARIABLES)
    with pytest.raises(LoginRequired, match="unauthorized_client"):
        UserSession("insiders", interactive=False)


@pytest.mark.usefixtures("engine")
def test_who_signs_out_stays_signed_out():
    UserSession("insiders", interactive=False).logout()
    with pytest.raises(LoginRequired):
        UserSession("insiders", interactive=False)


@pytest.mark.parametrize("wish", [{"session_key": "second"}, {"username": "jane"}])
def test_it_is_for_nobody_elses_account(engine, insiders, wish):
    with pytest.raises(LoginRequired):
        UserSession("insiders", interactive=False, **wish)
    assert engine.accounts() == []
    assert insiders.journal(TOKEN) == []


def test_half_of_it_is_nothing(broker, table, insiders):
    broker({"insiders": table}, {"JUPYTER_AUTH_INSIDERS_PASSWORD": Insiders.password})
    with pytest.raises(LoginRequired):
        UserSession("insiders", interactive=False)
    assert insiders.journal(TOKEN) == []


def test_it_goes_to_nothing_that_a_notebook_made_up(broker, table, insiders):
    """SECURITY 15: a kernel's own provider of that name gets no password of the server's."""
    broker({}, VARIABLES)
    own = Provider(
        name="insiders",
        endpoints=table["endpoints"],
        client_id=insiders.password_client,
        client_secret=insiders.client_secret,
        grants=["password"],
    )
    with pytest.raises(LoginRequired):
        UserSession(own, interactive=False)
    assert insiders.journal(TOKEN) == []


# -- from a program ------------------------------------------------------------------------------

PROGRAM = (
    "import os, pickle\n"
    "from jupyter_auth import UserSession\n"
    "def ask():\n"
    "    print('asked')\n"
    "    return os.environ['SAFE']\n"
    f"session = UserSession('insiders', username={WHO!r}, password=ask)\n"
    "print('owner:', session.get('devices/').json()['owner'])\n"
    "copy = pickle.loads(pickle.dumps(session))\n"
    "print('copy:', copy.get('devices/').json()['owner'])\n"
)


def test_a_program_has_a_function_for_it(env, add, insiders):
    add("--client-id", insiders.password_client)
    ran = run(env | {"SAFE": insiders.password}, "-c", PROGRAM)
    assert ran.stdout.splitlines()[:2] == ["asked", f"owner: {WHO}"], ran.stderr
    assert ran.stdout.splitlines()[-1] == f"copy: {WHO}"
    again = run(env | {"SAFE": "not asked for"}, "-c", PROGRAM)
    assert "asked" not in again.stdout
    assert f"owner: {WHO}" in again.stdout


def test_what_it_returns_is_refused_once_and_shown_nowhere(env, add, insiders):
    add("--client-id", insiders.password_client)
    ran = run(env | {"SAFE": "wrong-81c2"}, "-c", PROGRAM)
    assert "LoginFailed" in ran.stderr
    assert "invalid_grant" in ran.stderr
    assert "wrong-81c2" not in ran.stdout + ran.stderr
    assert len(insiders.journal(TOKEN)) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("password='hunter-81c2'", "A password can't be passed as text"),
        ("password=lambda: 'hunter-81c2'", "`password=` needs `username=`"),
        (f"username={WHO!r}, password=lambda: None", "must return a string"),
    ],
)
def test_what_is_no_function_of_somebodys_is_refused(env, add, insiders, given, said):
    add("--client-id", insiders.password_client)
    ran = run(env, "-c", f"from jupyter_auth import UserSession\nUserSession('insiders', {given})")
    assert said in ran.stderr
    assert insiders.journal(TOKEN) == []


def test_no_traceback_keeps_what_it_returned(home, table, insiders, tmp_path):
    write_down(home, {"insiders": table})
    vault = tmp_path / "vault"
    vault.write_text("wrong-81c2")
    with pytest.raises(LoginFailed, match="invalid_grant") as caught:
        UserSession("insiders", username=WHO, password=vault.read_text)
    assert "wrong-81c2" not in local_variables(caught.value)
    vault.write_text(insiders.password)
    session = UserSession("insiders", username=WHO, password=vault.read_text)
    insiders.reset()  # its sign-in is over: the function is asked again
    assert session.get("devices/").json()["owner"] == WHO
    insiders.reset()
    vault.write_text("wrong-81c2")
    with pytest.raises(LoginFailed) as caught:
        session.get("devices/")
    assert "wrong-81c2" not in local_variables(caught.value)


def test_no_traceback_keeps_a_literal(home, table):  # noqa: ARG001
    with pytest.raises(ConfigurationError) as caught:
        UserSession("insiders", username=WHO, password="hunter-81c2")
    frames = [f for f, _ in walk_tb(caught.value.__traceback__) if f.f_code.co_name == "__init__"]
    assert [frame.f_locals["password"] for frame in frames] == [None]


def test_in_a_notebook_it_is_refused(env, add, insiders):
    add("--client-id", insiders.password_client)
    line = f"UserSession('insiders', username={WHO!r}, password=lambda: 'hunter-81c2')"
    with Kernel(env=env) as kernel:
        ran = kernel.run(f"from jupyter_auth import UserSession\n{line}")
    assert "only in a script that runs without a Jupyter server" in ran.text()
    assert insiders.journal(TOKEN) == []


@pytest.mark.usefixtures("engine")
def test_where_a_server_keeps_the_accounts_it_is_refused():
    with pytest.raises(ConfigurationError, match="only in a script") as caught:
        UserSession("insiders", username=WHO, password=lambda: "x")
    assert "JUPYTER_AUTH_INSIDERS_PASSWORD where the Jupyter server" in caught.value.hint
