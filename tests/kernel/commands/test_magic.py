"""``%auth`` and ``%%auth`` in a real kernel."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.kernel.commands.magic_cell import run_with
from kernel.broker_socket import BrokerSocket
from kernel.kernel_process import Kernel, environment
from kernel.sign_in import consenting, sign_in
from memory_store import MemoryStore

VIEW = "application/vnd.jupyter.widget-view+json"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def engine(oidc):
    titles = {"idp": "The IdP", "other": HOSTILE}
    tables = {name: consenting(oidc, title=title) for name, title in titles.items()}
    made = Engine(Providers(tables, allow_user_providers=False), MemoryStore())
    yield made
    made.close()


@pytest.fixture(scope="module")
def kernel_api(engine, tmp_path_factory):
    with BrokerSocket(engine, tmp_path_factory.mktemp("kernel_api")) as opened:
        yield opened


@pytest.fixture(scope="module")
def one_kernel(kernel_api, tmp_path_factory):
    with Kernel(tmp_path_factory.mktemp("kernel"), kernel_api.path) as started:
        started.ok("%load_ext jupyter_auth")
        yield started


@pytest.fixture
def kernel(one_kernel, engine):
    yield one_kernel
    for account in engine.accounts():
        engine.logout(account.provider, account.session_key)
    for login in engine.logins():
        engine.cancel(login.id)


@pytest.fixture
def alice(engine, oidc):
    sign_in(engine, oidc, engine.begin(LoginRequest("idp")), username="alice")
    (account,) = engine.accounts()
    return account.username


def test_login_returns_at_once_with_the_widget(kernel, engine):
    ran = kernel.ok("%auth login idp\nprint('and on it goes')")
    (login,) = engine.logins()
    assert login.id in ran.text("text/html")
    assert "and on it goes" in ran.text()
    assert VIEW in ran.outputs[0]["data"]


def test_login_with_key_scopes_and_force(kernel, engine, alice):
    kernel.ok("%auth login idp")
    assert alice
    assert not engine.logins()
    kernel.ok("%auth login idp --force --scopes openid email")
    kernel.ok("%auth login idp --key work")
    assert {login.session_key for login in engine.logins()} == {"default", "work"}


def test_login_with_more_scopes_than_there_are_asks(kernel, engine, alice):
    """As the hint of ``InsufficientScope`` says to."""
    assert alice
    kernel.ok("%auth login idp --scopes openid profile")
    assert not engine.logins()
    kernel.ok("%auth login idp --scopes openid profile api:write")
    assert engine.logins()


def test_status_is_a_table_and_text(kernel, alice):
    for code in ("%auth", "%auth status", "%auth status idp"):
        ran = kernel.ok(code)
        lines = ran.text().splitlines()
        assert lines[0].split() == ["PROVIDER", "LABEL", "USER", "UNTIL", "SCOPES"]
        assert lines[1].split()[:3] == ["idp", "default", alice]
        assert "renewed automatically" in lines[1]
        assert f">{alice}</td>" in ran.text("text/html")


def test_status_tells_of_nobody_and_of_logins_under_way(kernel, engine):
    assert "You're not signed in anywhere." in kernel.ok("%auth").text()
    engine.begin(LoginRequest("idp"))
    assert "signing in …" in kernel.ok("%auth").text()
    assert "You're not signed in to other." in kernel.ok("%auth status other").text()


def test_providers_are_listed_and_their_titles_are_text(kernel):
    ran = kernel.ok("%auth providers")
    assert HOSTILE in ran.text()
    assert HOSTILE not in ran.text("text/html")
    assert "&lt;script&gt;" in ran.text("text/html")


def test_logout_says_what_became_of_it(kernel, engine, alice):
    assert alice
    assert kernel.ok("%auth logout idp").text().startswith("Signed out of idp.")
    assert not engine.accounts()
    said = kernel.ok("%auth logout idp --key work").text()
    assert said == "You're not signed in to The IdP under the label work."


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("%auth lgin idp", "Did you mean `%auth login`?"),
        ("%auth frobnicate", "Available: login, logout"),
        ("%auth use", "required: NAME"),
        ("%auth login idp --frce", "--frce"),
        ("%auth login ipd", "Did you mean idp?"),
        ("%auth status ipd", "Did you mean idp?"),
        ("%auth logout ipd", "Did you mean idp?"),
        ("%auth use ipd", "Did you mean idp?"),
        ("%auth login 'idp", "No closing quotation."),
        ("%auth login idp --scopes", "--scopes"),
    ],
)
def test_an_error_is_a_sentence_and_a_step_and_stops_the_run(kernel, code, sentence):
    ran = kernel.run(code)
    assert ran.status == "error"
    assert sentence in ran.text()
    assert "Traceback" not in ran.text()
    *said, last = ran.text().strip().splitlines()
    assert len(said) <= 2
    assert last == "%tb shows the traceback." or not said


def test_an_error_can_be_caught(kernel):
    kernel.ok(
        "from jupyter_auth import ProviderNotFound\n"
        "try:\n    %auth login ipd\nexcept ProviderNotFound: pass"
    )


def test_help_ends_no_kernel(kernel):
    assert "usage: %auth login" in kernel.ok("%auth login --help").text()
    assert "usage: %auth" in kernel.ok("%auth --help").text()


def notebook_of(*cells):
    return nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))


def test_where_nobody_is_a_login_is_required(kernel_api, tmp_path, engine):
    notebook = notebook_of("%load_ext jupyter_auth", "%auth login idp", "never = 1")
    with pytest.raises(CellExecutionError, match="LoginRequired: idp needs a sign-in"):
        NotebookClient(notebook, kernel_name="python3").execute(
            env=environment(tmp_path, kernel_api.path)
        )
    assert not engine.logins()
    assert not notebook.cells[2].execution_count


@pytest.mark.usefixtures("kernel", "alice")
def test_where_nobody_is_an_account_is_enough(kernel_api, tmp_path):
    notebook = notebook_of("%load_ext jupyter_auth", "%auth login idp")
    NotebookClient(notebook, kernel_name="python3").execute(
        env=environment(tmp_path, kernel_api.path)
    )
    assert "Signed in to The IdP" in notebook.cells[1].outputs[0]["data"]["text/plain"]


@pytest.mark.usefixtures("alice")
def test_a_cell_runs_with_a_session(kernel):
    ran = kernel.ok("%%auth idp\nprint(session.authenticated)\nsession.provider")
    assert "True" in ran.text()
    assert "idp" in ran.text()
    assert kernel.run("session").status == "error"  # it was there for that cell alone


@pytest.mark.usefixtures("kernel")
def test_a_cell_without_anybody_signed_in_does_not_run(one_kernel):
    ran = one_kernel.run("%%auth idp\nprint('it ran')", allow_stdin=False)
    assert ran.status == "error"
    assert "it ran" not in ran.text()
    assert len(ran.text().strip().splitlines()) == 3


@pytest.mark.usefixtures("alice")
def test_login_that_waits_is_a_session_s(kernel):
    kernel.ok("%auth login idp --wait")


# What a verb says is shown where its line stands, once, and returned


EVERYWHERE = """\
{line}
for _ in range(2):
    {line}
def look():
    {line}
look()
print("end")
"""


@pytest.mark.parametrize("line", ["%auth", "%auth status", "%auth status idp"])
def test_status_is_shown_mid_cell_in_a_loop_and_in_a_function(kernel, alice, line):
    assert kernel.ok(EVERYWHERE.format(line=line)).text().count(alice) == 4


def test_a_name_comes_from_a_variable_of_the_loop(kernel, alice):
    said = kernel.ok("for name in ('idp', 'other'):\n    %auth status {name}").text()
    assert alice in said
    assert "You're not signed in to other." in said


def test_logout_is_shown_mid_cell_and_in_a_function(kernel, engine, alice):
    assert alice
    said = kernel.ok("%auth logout idp\ndef out():\n    %auth logout idp\nout()\n0").text()
    assert said.splitlines()[0].startswith("Signed out of idp.")
    assert "You're not signed in to The IdP." in said
    assert not engine.accounts()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("%auth", "PROVIDER"),
        ("%auth status idp", "PROVIDER"),
        ("%auth providers", "PROVIDER"),
        ("%auth use idp", "The IdP is now the default provider in this kernel."),
        ("%auth logout idp", "Signed out of idp."),
        ("%auth doctor idp", "Provider idp"),
    ],
)
@pytest.mark.usefixtures("alice")
def test_a_result_is_shown_once_and_can_be_kept(kernel, line, says):
    if "logout" not in line:  # a second one says something else
        assert kernel.ok(line).text().count(says) == 1
    assert kernel.ok(f"kept = {line}\nkept").text().count(says) == 1
    assert says in kernel.ok("print(kept)").text()
    assert kernel.ok("kept").text().count(says) == 1
    assert kernel.ok("'as text: ' + str(kept);").text() == ""


@pytest.mark.usefixtures("alice")
def test_a_table_that_was_kept_has_rows(kernel):
    assert "'idp'" in kernel.ok("kept = %auth status\nkept.rows[0][0]").text()


# The cell magic's runner, in a shell of this process


def test_the_last_expression_is_the_value(shell):
    assert run_with(shell, "x = session + 1\nx * 2", 20) == 42
    assert run_with(shell, "session;", 20) is None
    assert run_with(shell, "y = session", 20) is None
    assert run_with(shell, "", 20) is None
    assert shell.user_ns["y"] == 20


def test_the_name_is_given_back(shell):
    shell.user_ns.pop("session", None)
    run_with(shell, "pass", "ours")
    assert "session" not in shell.user_ns
    shell.user_ns["session"] = "theirs"
    run_with(shell, "pass", "ours")
    assert shell.user_ns["session"] == "theirs"
    with pytest.raises(ZeroDivisionError):
        run_with(shell, "1 / 0", "ours")
    assert shell.user_ns["session"] == "theirs"
    run_with(shell, "session = 'new'", "ours")
    assert shell.user_ns["session"] == "new"


def test_a_cell_that_awaits_needs_no_loop_of_asyncio(shell):
    cell = run_with(shell, "async def f():\n    return session\nawait f()", "ours")
    with pytest.raises(StopIteration) as ended:
        cell.send(None)
    assert ended.value.value == "ours"


def test_magics_and_functions_work_inside(shell):
    run_with(shell, "where = %pwd\ndef f():\n    return session\nvalue = f()", "ours")
    assert shell.user_ns["where"]
    assert shell.user_ns["value"] == "ours"
