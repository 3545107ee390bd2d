"""``connect``: the broker of this Jupyter server, or an engine of this process."""

from __future__ import annotations

import socket

import pytest

from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.errors import (
    BrokerUnavailable,
    ConfigurationError,
    ProviderNotFound,
)
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.kernel.broker.connect import connect, default_provider
from kernel.broker_socket import written
from kernel.forks_and_interrupts import child

# Broker or engine


@pytest.mark.usefixtures("signed_in")
def test_connect_finds_the_broker(kernel_api):
    assert connect() is connect()
    assert len(connect().accounts()) == 1
    assert str(kernel_api.path) in repr(connect())


@pytest.mark.usefixtures("home")
def test_without_a_broker_there_is_an_engine(rogue):
    accounts = connect()
    accounts.register(Provider(name="own", issuer=rogue.issuer, client_id="notebook"))
    login = accounts.begin(LoginRequest("own"))
    assert login.url.startswith("http://127.0.0.1:")
    accounts.cancel(login.id)
    assert accounts.accounts() == []
    with pytest.raises(AttributeError):
        accounts._no_such_name  # noqa: B018


@pytest.mark.usefixtures("home", "engine")
def test_the_environment_is_read_when_it_is_asked(kernel_api):
    before = connect({})
    assert connect({"JUPYTER_AUTH_CONNECTION": str(kernel_api.path)}) is connect()
    assert before is not connect()


@pytest.mark.usefixtures("home")
def test_a_broker_on_another_machine_is_said_to_be_there(tmp_path, capfd):
    """As on a cluster: the connection file is in a home that both share, the socket is not."""
    file = written(tmp_path / "broker.json", machine="login-1")
    accounts = connect({"JUPYTER_AUTH_CONNECTION": str(file)})
    assert accounts.accounts() == []
    said = capfd.readouterr().err
    assert f"This program runs on {socket.gethostname()}, its Jupyter server on login-1" in said
    assert "sign in here, or in Jupyter if both share your home directory" in said
    with pytest.raises(ProviderNotFound, match="It may be configured on login-1") as caught:
        accounts.provider("campus")
    assert "`jupyter auth add`" in caught.value.hint


@pytest.mark.usefixtures("engine")
def test_a_broker_that_has_gone_is_replaced_and_said_once(kernel_api, rogue, capfd):
    accounts = connect()
    mine = Provider(name="own", issuer=rogue.issuer, client_id="notebook")
    info = accounts.register(mine)
    since = accounts.changes().sequence
    assert default_provider(accounts) == "idp"
    kernel_api.__exit__()
    with pytest.raises(BrokerUnavailable):  # who waits learns it; nothing is said for them
        accounts.changes(since)
    assert capfd.readouterr().err == ""
    assert default_provider(accounts) == "own"
    assert accounts.accounts() == []
    assert accounts.provider("own") == info
    assert accounts.changes(since).reset
    assert capfd.readouterr().err.count("Lost the connection to the Jupyter server") == 1


def test_a_broker_that_went_before_we_came_is_said_too(kernel_api, capfd):
    kernel_api.__exit__()
    assert connect({"JUPYTER_AUTH_CONNECTION": str(kernel_api.path)}).accounts() == []
    assert "Lost the connection to the Jupyter server" in capfd.readouterr().err


def test_under_a_hub_service_there_is_no_second_choice(kernel_api):
    environ = {
        "JUPYTER_AUTH_CONNECTION": str(kernel_api.path),
        "JUPYTER_AUTH_URL": "https://hub.example",
    }
    assert connect(environ).accounts() == []
    kernel_api.__exit__()
    with pytest.raises(BrokerUnavailable) as caught:
        connect(environ).accounts()
    assert caught.value.hint


@pytest.mark.parametrize(
    "environ",
    [
        {"JUPYTER_AUTH_URL": "https://hub.example"},
        {"JUPYTER_AUTH_URL": "ftp://hub.example", "JUPYTERHUB_API_TOKEN": "t"},
        {"JUPYTER_AUTH_URL": "hub.example", "JUPYTERHUB_API_TOKEN": "t"},
    ],
)
def test_a_service_that_cannot_be_asked_is_not_replaced(environ):
    with pytest.raises(BrokerUnavailable, match="cannot be reached from here") as caught:
        connect(environ)
    assert "Enable the jupyter_auth extension" in caught.value.hint


def test_a_refused_broker_is_not_replaced(kernel_api):
    kernel_api.path.chmod(0o644)
    with pytest.raises(BrokerUnavailable, match="others have access"):
        connect().accounts()


@pytest.mark.usefixtures("home")
def test_a_child_has_an_engine_of_its_own(rogue):
    accounts = connect()
    accounts.register(Provider(name="own", issuer=rogue.issuer, client_id="notebook"))
    lock = accounts._lock
    with lock:  # as if another thread were in the midst of it
        name = child(lambda: accounts.provider("own").name)
    assert plain(name) == "own"


@pytest.mark.usefixtures("kernel_api", "home")
def test_the_default_provider(rogue):
    assert default_provider(connect()) == "idp"
    with pytest.raises(ConfigurationError, match="No provider") as caught:
        default_provider(connect({}))
    assert "UserSession(" in caught.value.hint
    for name in ("one", "two"):
        connect({}).register(Provider(name=name, issuer=rogue.issuer, client_id="notebook"))
    with pytest.raises(ConfigurationError, match="Several") as caught:
        default_provider(connect({}))
    assert "UserSession('one')" in caught.value.hint
