"""The preset ``github`` without a client secret: from the button to the API by a device code."""

from __future__ import annotations

import threading

import pytest

from clock import Clock
from core.login.device_login import Waiting
from environments.terminal import Terminal
from jupyter_auth import UserSession
from jupyter_auth.core.doctor.provider_checks import checkup
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.definitions import provider_from_mapping
from jupyter_auth.core.provider.registry import Providers
from kernel.kernel_process import environment
from memory_store import MemoryStore
from patience import PATIENCE, until
from providers.presets.github import USER_CODE, GitHub
from server.browser.login_form import Form
from server.jupyter_process import JupyterProcess
from systems.presets import preset_at

POLLS = "/login/oauth/access_token"


@pytest.fixture
def github():
    with GitHub() as server:
        yield server


@pytest.fixture
def jupyter(home, tmp_path):  # noqa: ARG001 (whose variables this process then has)
    """Makes Jupyter servers with these providers."""
    return lambda **providers: JupyterProcess(tmp_path / "jupyter", providers=providers)


@pytest.fixture
def table(github):
    return preset_at("github", github.moved, client_id=github.client_id)


@pytest.fixture
def device(github, table):
    """A device login whose code is shown."""
    clock = github.clock = Clock()
    engine = Engine(Providers({"github": table}), MemoryStore(), clock=clock)
    login = engine.begin(LoginRequest("github", grant="device_code"))
    yield Waiting(engine, clock, engine.device.start(login.id, confirm_by=None))
    engine.close()


@pytest.mark.parametrize("asked", [{"grant": "device_code"}, {}])
def test_from_the_button_to_the_api(jupyter, github, table, monkeypatch, asked):
    """On a real server. Without a client secret it is the only grant that can work."""
    github.interval = 0.1
    with jupyter(github=table) as server:
        monkeypatch.setenv("JUPYTER_AUTH_CONNECTION", str(server.connection_file))
        kernel, browser = server.kernel(), server.browser()

        def person() -> None:
            until(lambda: kernel.call("GET", "logins")["logins"])
            (login,) = kernel.call("GET", "logins")["logins"]
            pages.append(browser.get(browser.origin + login["path"]).text)
            browser.open(login)
            pages.append(browser.page(login["path"]))
            github.approve()

        pages: list[str] = []
        visit = threading.Thread(target=person)
        visit.start()
        session = UserSession("github", interactive=True, timeout=PATIENCE, **asked)
        visit.join(PATIENCE)
        assert session.get("repos").json() == {"login": "octocat", "id": 583231}
        assert (session.username, session.scopes) == ("octocat", ("read:user", "repo"))
    assert USER_CODE in pages[1]
    assert not any("ecret" in page for page in pages)
    (asked_for,) = github.seen("/login/device/code")
    assert asked_for.form.items() >= {"client_id": github.client_id, "scope": "read:user"}.items()
    for request in github.requests:
        assert "client_secret" not in request.form
        assert not request.headers.get("authorization", "").startswith("Basic")


def test_the_page_asks_for_the_client_id_alone(jupyter):
    with jupyter() as server:
        kernel, browser = server.kernel(), server.browser()
        form = Form(browser, kernel.begin("github", grant="device_code"))
        assert "enter its client ID" in form.page
        assert "registration.client_secret" not in form.page
        assert "Redirect URI" not in form.page
        assert form.send(registration={"client_id": "Iv1.mine"}).status_code == 200
        assert "Set up GitHub" not in form.page


def test_so_does_a_terminal(tmp_path):
    env = environment(tmp_path)
    words = ("login", "github", "--grant", "device_code")
    with Terminal(env, "-m", "jupyter_auth.cli", *words) as terminal:
        terminal.read("Client ID of your registration at GitHub")
        terminal.type("Iv1.mine")
        shown = terminal.read(r"[\s\S]*jupyter auth: ")[0]  # github.com is not to be had here
    assert "ecret" not in shown


def test_doctor_misses_no_secret(table):
    found = {each.about: each for each in checkup(provider_from_mapping("github", table), Clock())}
    assert found["Client"].state == "ok"
    assert "People sign in by device_code" in found["Client"].says


@pytest.mark.parametrize(
    ("own", "grant"),
    [
        ({"client_id": "me"}, "device_code"),
        ({"client_id": "me", "client_secret": "s"}, "authorization_code"),
    ],
)
def test_the_preferred_grant_is_one_that_can_work(own, grant):
    engine = Engine(Providers({"github": own}), MemoryStore())
    assert engine.begin(LoginRequest("github")).grant == grant
    engine.close()


def test_the_pace_is_what_it_says(github, device):
    github.interval = 30.0  # more than it said at first
    assert device.poll().status == "pending"
    assert device.pause == 35
    assert device.poll().status == "pending"
    assert device.pause == 35
    github.approve()
    assert device.poll().status == "complete"
    assert device.engine.token("github").expires_at is None


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("access_denied", "denied"),
        ("expired_token", "expired"),
        ("incorrect_device_code", "failed"),
        ("device_flow_disabled", "failed"),
        ("incorrect_client_credentials", "failed"),
    ],
)
def test_errors_come_with_200(github, device, said, status):
    github.said = said
    ended = device.poll()
    assert ended.status == status
    if status == "failed":
        assert said in ended.error["message"]
    assert len(github.seen(POLLS)) == 1
