"""A server that asks which notebooks may use an account: its page, and whose word counts."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from environments.servers.server_kernel import api
from jupyter_auth.core.consent.consents import SESSION
from patience import PATIENCE, until
from server.jupyter_process import JupyterProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.oidc import OidcProvider
    from server.jupyter_process import Browser, Kernel

CONSENTS = "jupyter-auth/api/v1/consents"
SIGN_IN = {"provider": "idp", "grant": "consent"}


@pytest.fixture(scope="module")
def server(
    oidc: OidcProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[JupyterProcess]:
    """One that several people share."""
    idp = {"issuer": oidc.issuer, "client_id": oidc.client_id, "title": "Example ID"}
    idp["scopes"] = "openid profile offline_access"
    home = tmp_path_factory.mktemp("asking")
    with JupyterProcess(home, providers={"idp": idp}, shared_server=True) as made:
        yield made


@pytest.fixture(scope="module")
def notebooks(server: JupyterProcess) -> tuple[dict[str, Any], ...]:
    """What two open notebooks say of themselves; only the ids of their kernels are true."""
    made = []
    for path in ("first.ipynb", "deep/second.ipynb"):
        (server.home / "root" / "deep").mkdir(exist_ok=True)
        session = api(
            server, "POST", "sessions", path=path, type="notebook", kernel={"name": "python3"}
        )
        made.append({"kernel": session["kernel"]["id"], "notebook": "first.ipynb"})
    return tuple(made)


@pytest.fixture
def kernel(server: JupyterProcess) -> Kernel:
    return server.kernel()


@pytest.fixture
def browser(server: JupyterProcess) -> Browser:
    return server.browser()


@pytest.fixture
def signed_in(
    browser: Browser, kernel: Kernel, oidc: OidcProvider, notebooks: Any
) -> Iterator[None]:
    """By the button in the first notebook."""
    login = kernel.begin(**notebooks[0])
    assert login["notebook"] == "first.ipynb"
    browser.arrive(oidc.login(browser.open(login)))
    yield
    kernel.call("DELETE", "accounts?provider=idp&revoke=0")


def page_of(browser: Browser, login: dict[str, Any], **headers: str) -> Any:
    return browser.get(browser.origin + login["path"], headers=headers)


def press(browser: Browser, login: dict[str, Any], **body: str) -> Any:
    """What the page's script sends."""
    (yes,) = re.findall(r'name="yes" value="([0-9a-f]{64})"', page_of(browser, login).text)
    return browser.send("POST", browser.origin + login["path"], {"yes": yes, **body})


@pytest.mark.usefixtures("signed_in")
def test_the_second_notebook_asks_and_the_first_does_not(
    kernel: Kernel, browser: Browser, notebooks: Any
) -> None:
    first, second = notebooks
    assert kernel.token(**first)["access_token"]
    status, error = kernel.ask("POST", "token", {"provider": "idp", **second})
    assert (status, error["code"]) == (401, "consent_required")
    assert "second.ipynb may not use your account at idp yet." in error["message"]
    login = kernel.begin(**SIGN_IN, **second, scopes=error["scopes"])
    assert (login["grant"], login["notebook"]) == ("consent", "deep/second.ipynb")
    page = browser.page(login["path"])
    for shown in ("deep/second.ipynb", "alice", "localhost", "profile", "This session", "30 days"):
        assert shown in page
    assert press(browser, login, lasts="month").status_code == 200
    assert kernel.call("GET", f"logins/{login['id']}")["status"] == "complete"
    assert "second.ipynb may use your account at Example ID now" in browser.page(login["path"])
    assert kernel.token(**second)["access_token"]
    assert kernel.token(**second, id_token=True)["id_token"]
    listed = {x["notebook"]: x for x in browser.send("GET", CONSENTS).json()["consents"]}
    assert listed.keys() == {"first.ipynb", "deep/second.ipynb"}
    assert "profile" in listed["deep/second.ipynb"]["scope"]
    since = kernel.call("GET", "changes")["sequence"]
    gone = browser.send("DELETE", f"{CONSENTS}?provider=idp&notebook=deep/second.ipynb")
    assert gone.json() == {"removed": True}
    (change,) = kernel.call("GET", f"changes?since={since}&wait=5")["changes"]
    assert (change["kind"], change["provider"]) == ("account", "idp")
    assert kernel.ask("POST", "token", {"provider": "idp", **second})[0] == 401
    assert kernel.token(**first)["access_token"]


@pytest.mark.usefixtures("signed_in")
def test_a_real_notebooks_cell_waits_for_the_answer(
    server: JupyterProcess, kernel: Kernel, browser: Browser, notebooks: Any
) -> None:
    file = server.runtime / f"kernel-{notebooks[1]['kernel']}.json"
    until(file.exists)
    client = BlockingKernelClient(connection_file=str(file))
    client.load_connection_file()
    client.hb_channel.time_to_dead = PATIENCE
    client.start_channels()
    client.wait_for_ready(timeout=PATIENCE)
    said: list[str] = []
    call = "from jupyter_auth import UserSession\nprint(UserSession('idp').username)"

    def answer() -> None:
        until(lambda: kernel.call("GET", "logins")["logins"])
        (login,) = kernel.call("GET", "logins")["logins"]
        asked.append((login["grant"], login["notebook"]))
        press(browser, login, lasts="session")

    asked: list[tuple[str, str]] = []
    person = threading.Thread(target=answer)
    person.start()
    client.execute_interactive(call, output_hook=lambda each: said.append(str(each["content"])))
    person.join(PATIENCE)
    client.stop_channels()
    assert asked == [("consent", "deep/second.ipynb")]
    assert "Allow this notebook to use Example ID" in "".join(said)
    assert "alice" in "".join(said)
    kept = kernel.call("GET", "consents")["consents"][-1]
    assert kept["until"] - kept["given_at"] == SESSION


@pytest.mark.usefixtures("signed_in")
def test_no_name_is_believed_that_jupyter_does_not_know(kernel: Kernel) -> None:
    for told in ({"kernel": "unknown"}, {}, {"kernel": ""}):
        asked = {"provider": "idp", "notebook": "first.ipynb", **told}
        status, error = kernel.ask("POST", "token", asked)
        assert (status, error["code"]) == (401, "consent_required")
        assert error["message"].startswith("A program without a notebook")


@pytest.mark.usefixtures("signed_in")
def test_the_yes_comes_from_the_page_alone(
    kernel: Kernel, browser: Browser, notebooks: Any, server: JupyterProcess
) -> None:
    login = kernel.begin(**SIGN_IN, **notebooks[1], scopes=["openid"])
    place = browser.origin + login["path"]
    assert page_of(browser, login, **{"Sec-Fetch-Dest": "empty"}).status_code == 403
    guess = {"yes": "0" * 64, "lasts": "always"}
    assert browser.send("POST", place, guess).status_code == 409
    assert browser.send("POST", place, guess, Origin="http://evil.example").status_code == 403
    assert browser.send("POST", place, guess, X_XSRFToken="").status_code == 403
    assert page_of(server.browser(token=None), login).status_code in {302, 403}
    assert press(browser, login, lasts="a century").status_code == 400
    assert press(browser, login, yes=press.__name__, lasts="day").status_code == 409
    assert kernel.call("GET", f"logins/{login['id']}")["status"] == "pending"
    assert press(browser, login, yes="").status_code == 200  # "Don't allow"
    ended = kernel.call("GET", f"logins/{login['id']}")
    assert (ended["status"], ended["error"]["code"]) == ("denied", "consent_required")
    assert "Not allowed" in browser.page(login["path"])
    assert kernel.ask("POST", "token", {"provider": "idp", **notebooks[1]})[0] == 401


@pytest.mark.usefixtures("signed_in")
def test_each_notebook_has_its_own_question_and_a_program_no_session(
    kernel: Kernel, browser: Browser, notebooks: Any
) -> None:
    mine, other, program = (kernel.begin(**SIGN_IN, **x) for x in (*notebooks, {}))
    assert len({each["id"] for each in (mine, other, program)}) == 3
    assert kernel.begin(**SIGN_IN, **notebooks[1])["id"] == other["id"]
    assert press(browser, program, lasts="session").status_code == 400
    page = browser.page(program["path"])
    assert "a program without a notebook" in page
    assert "This session" not in page
    for each in (mine, other, program):
        kernel.call("DELETE", f"logins/{each['id']}")
    assert "Not answered" in browser.page(program["path"])


def test_a_single_persons_server_asks_nothing_and_keeps_nothing(
    jupyter: JupyterProcess, oidc: OidcProvider
) -> None:
    kernel, browser = jupyter.kernel(), jupyter.browser()
    browser.arrive(oidc.login(browser.open(kernel.begin(notebook="first.ipynb"))))
    for told in ({"notebook": "second.ipynb", "kernel": "k"}, {}):
        assert kernel.token(**told)["access_token"]
    assert kernel.call("GET", "consents") == {"consents": []}
    assert kernel.ask("POST", "logins", SIGN_IN)[0] == 400
    kernel.call("DELETE", "accounts?provider=idp&revoke=0")
    assert not list(jupyter.home.rglob("consents"))
