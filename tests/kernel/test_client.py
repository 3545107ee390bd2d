"""The broker through the real kernel door: every call, and every way in which it can be gone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kernel.doors import OpenDoor, TcpDoor, child, sign_in
from kernel.kernels import Kernel
from kernel.secrets_in import local_variables
from providers.sockets import SocketServer
from providers.troubles import Reply

from jupyter_auth.core import wire
from jupyter_auth.core.errors import (
    BrokerUnavailable,
    ConfigurationError,
    LoginExpired,
    LoginRequired,
    ProviderNotFound,
)
from jupyter_auth.core.models import AccountKey, Provider
from jupyter_auth.core.parts import Header
from jupyter_auth.core.secret import Secret
from jupyter_auth.kernel.broker import BrokerClient, this_kernel
from jupyter_auth.kernel.client import connect, default_provider, watch

KEY = "planted-key-0123456789-0123456789-0123456789"


@pytest.fixture
def client(door):
    made = BrokerClient(door.path)
    yield made
    made.close()


# Every call


def test_providers(client, rogue):
    info = client.provider("idp")
    assert (info.name, info.title, info.api_origins) == ("idp", "The IdP", (rogue.issuer,))
    assert info in client.providers()
    assert client.default() == default_provider(client) == "idp"
    with pytest.raises(ProviderNotFound, match="idp"):
        client.provider("ipd")


def test_a_login_from_begin_to_sign_out(client, engine, rogue):
    before = client.changes().sequence
    login = client.begin("idp", "work", username="rosa", scopes=("openid",))
    assert login.path == f"/base/jupyter-auth/login/{login.id}"
    assert client.logins() == [login] == [client.login(login.id)]
    sign_in(engine, rogue, login)
    assert client.login(login.id).status == "complete"
    assert [account.key for account in client.accounts()] == [AccountKey("idp", "work")]
    token = client.token("idp", "work")
    assert rogue.active(token.access_token.reveal())
    assert client.id_token("idp", "work").reveal().count(".") == 2
    fresh = client.token("idp", "work", rejected=token.digest)
    assert fresh.digest != token.digest
    kinds = [change.kind for change in client.changes(before).changes]
    assert kinds[0] == "login"
    assert "account" in kinds
    outcome = client.logout("idp", "work")
    assert (outcome.removed, outcome.revoked) == (True, True)
    assert client.changes(before).changes[-1].kind == "removed"
    with pytest.raises(LoginRequired):
        client.token("idp", "work")


@pytest.mark.usefixtures("signed_in")
def test_logging_out_without_revoking(client, rogue):
    outcome = client.logout("idp", revoke=False)
    assert (outcome.removed, outcome.revoked) == (True, False)
    assert not rogue.revoked


def test_cancel_and_leave(client):
    assert client.cancel(client.begin("idp").id).status == "cancelled"
    first, second = client.begin("idp"), client.begin("idp")
    assert first.id == second.id
    assert client.leave(first.id).status == "pending"
    assert client.leave(second.id).status == "cancelled"
    with pytest.raises(LoginExpired):
        client.login("unknown/../id")


def test_who_asks_is_said(client, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "work/a folder/report.ipynb")
    login = client.begin("idp")
    assert (login.notebook, login.kernel) == ("report.ipynb", None)


def test_a_kernel_knows_its_id(tmp_path):
    with Kernel(tmp_path) as kernel:
        ran = kernel.ok(
            "import ipykernel, jupyter_auth.kernel.broker as b\n"
            "print(b.this_kernel() in ipykernel.get_connection_file(), bool(b.this_kernel()))"
        )
    assert ran.text() == "True True\n"
    assert this_kernel() is None


def test_a_provider_of_ones_own_is_registered_with_its_secret(client, engine, rogue):
    mine = Provider(
        name="mine",
        issuer=rogue.issuer,
        client_id="notebook",
        client_secret="planted-secret",
        scopes="openid email",
        header=Header(name="x-api-key", template="{token}"),
        authorize_params={"prompt": "consent"},
        refresh_on=(401, 403),
    )
    assert client.register(mine) == engine.provider("mine")
    assert engine.configured("mine") == mine
    assert "planted-secret" not in repr(client.providers())
    with pytest.raises(ConfigurationError):
        client.register(Provider(name="idp", issuer="https://elsewhere.example"))


# Keeping and leaving connections


def test_a_connection_is_kept_and_a_closed_one_replaced(door, client):
    client.providers()
    kept = client._door._idle[0]
    client.providers()
    assert list(client._door._idle) == [kept]
    door.close_connections()
    client.providers()
    assert list(client._door._idle) != [kept]


@pytest.mark.usefixtures("signed_in")
def test_many_threads(client):
    with ThreadPoolExecutor(64) as pool:
        tokens = list(pool.map(lambda _: client.token("idp").digest, range(256)))
    assert len(set(tokens)) == 1
    assert len(client._door._idle) <= 8


@pytest.mark.usefixtures("signed_in")
def test_a_child_does_not_speak_on_its_parents_connections(client):
    ours = client.token("idp").digest
    (kept,) = client._door._idle

    def use():
        return client.token("idp").digest, kept in client._door._idle

    assert child(use) == (ours, False)
    assert list(client._door._idle) == [kept]
    # Nobody read or wrote on it meanwhile: the answer that comes is the one to this question.
    assert client.provider("idp").name == "idp"


@pytest.mark.usefixtures("signed_in")
def test_an_interrupted_poll_leaves_no_answer_behind(client):
    since = client.changes().sequence
    threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        client.changes(since, 20)
    assert not client._door._idle  # its answer is still to come
    assert client.provider("idp").name == "idp"


def test_news_end_a_poll(client, signed_in):
    since = client.changes().sequence
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.changes, since, 20)
        signed_in.logout("idp")
        assert waiting.result(5).changes[0].kind == "removed"


# Proxies and netrc


def test_no_setting_of_the_environment_touches_the_door(signed_in, tmp_path, home, monkeypatch):
    seen = []
    proxy = SocketServer(lambda request: seen.append(request) or Reply(502))
    proxy.start()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")

    (home / ".netrc").write_text("default login mallory password planted\n")
    (home / ".netrc").chmod(0o600)
    try:
        for kind in (OpenDoor, TcpDoor):
            with kind(signed_in, tmp_path / kind.__name__) as door:
                client = BrokerClient(door.path)
                assert client.token("idp").kind == "bearer"
                client.close()
    finally:
        proxy.stop()
    assert not seen


# Refused connection files


def written(path, mode=0o600, **changes):
    content = {"version": 1, "address": "unix:/nowhere/door.sock", "key": KEY} | changes
    path.write_text(json.dumps(content))
    path.chmod(mode)
    return path


def refusal(path):
    with pytest.raises(BrokerUnavailable) as caught:
        BrokerClient(path).accounts()
    assert KEY not in local_variables(caught.value)
    assert "Restart" in caught.value.hint or "Upgrade" in caught.value.hint
    return caught.value.message


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602])
def test_a_file_that_others_can_reach_is_refused(door, mode):
    door.path.chmod(mode)
    assert "others have access" in refusal(door.path)


def test_a_link_is_refused(door, tmp_path):
    link = tmp_path / "link.json"
    link.symlink_to(door.path)
    assert "symbolic link" in refusal(link)


def test_a_link_put_there_after_the_first_look_is_refused(door, tmp_path, monkeypatch):
    link = tmp_path / "link.json"
    link.symlink_to(door.path)
    monkeypatch.setattr(Path, "is_symlink", lambda _: False)
    assert "symbolic link" in refusal(link)


def test_a_link_is_refused_where_the_system_cannot_refuse_it(door, tmp_path, monkeypatch):
    link = tmp_path / "link.json"
    link.symlink_to(door.path)
    monkeypatch.delattr(os, "O_NOFOLLOW")
    assert "symbolic link" in refusal(link)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_somebody_elses_file_is_refused(door):
    os.chown(door.path, 65534, 65534)
    assert "somebody else" in refusal(door.path)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
def test_a_socket_in_somebody_elses_directory_gets_no_key(door):
    directory = Path(door.address.removeprefix("unix:")).parent
    os.chown(directory, 65534, 65534)
    try:
        assert "somebody else" in refusal(door.path)
    finally:
        os.chown(directory, 0, 0)


def test_a_socket_where_others_could_put_theirs_gets_no_key(door):
    Path(door.address.removeprefix("unix:")).parent.chmod(0o770)
    assert "others have access" in refusal(door.path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo", 0o600)
    assert "not a file" in refusal(tmp_path / "fifo")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1, "key": "' + KEY + '"', '"x"'])
def test_nonsense_is_refused(tmp_path, text):
    path = written(tmp_path / "file.json")
    path.write_text(text)
    assert "not one of ours" in refusal(path)


def test_another_version_of_the_file_says_what_to_upgrade(tmp_path):
    assert "version 2" in refusal(written(tmp_path / "file.json", version=2))


def test_an_address_of_another_machine_is_refused(tmp_path):
    with pytest.raises(BrokerUnavailable, match="cannot be used"):
        BrokerClient(written(tmp_path / "file.json", address="tcp:192.0.2.1:80")).accounts()


# Doors that are gone, moved or strange


def test_no_door(tmp_path):
    with pytest.raises(BrokerUnavailable, match="does not answer") as caught:
        BrokerClient(tmp_path / "none.json").accounts()
    assert "Restart" in caught.value.hint
    assert not BrokerClient(tmp_path / "none.json").answers()


def test_a_door_that_was_opened_anew_is_found(client, signed_in, door, tmp_path):
    assert client.token("idp")
    door.__exit__()
    with pytest.raises(BrokerUnavailable):
        client.accounts()
    with OpenDoor(signed_in, tmp_path / "runtime") as second:
        second.path.rename(door.path)
        assert client.token("idp")
        second.path = door.path


@pytest.mark.usefixtures("signed_in")
def test_a_new_key_is_found(door, tmp_path):
    data = json.loads(door.path.read_text())
    client = BrokerClient(written(tmp_path / "file.json", **data | {"key": KEY}))
    with pytest.raises(BrokerUnavailable, match="key"):
        client.accounts()
    written(tmp_path / "file.json", **data)
    assert len(client.accounts()) == 1
    client.close()


@pytest.fixture
def stub(tmp_path):
    """A door that answers whatever ``stub.reply`` is."""

    class Stub:
        reply = Reply()

    server = SocketServer(lambda _: Stub.reply)
    server.start()
    address = f"tcp:127.0.0.1:{server.port}"
    client = Stub.client = BrokerClient(written(tmp_path / "stub.json", address=address))
    yield Stub
    client.close()
    server.stop()


def answer(body, status=200, version="1"):
    given = {wire.VERSION_HEADER: version} if version else {}
    return Reply(status, body if isinstance(body, bytes) else json.dumps(body).encode(), given)


@pytest.mark.parametrize("version", ["2", "0", None, "x"])
def test_another_version_names_what_to_upgrade(stub, version):
    stub.reply = answer({"accounts": []}, version=version)
    with pytest.raises(BrokerUnavailable) as caught:
        stub.client.accounts()
    assert "Upgrade jupyter-auth-session in" in caught.value.hint


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>planted-token",
        b"[]",
        b"null",
        b'{"access_token": "planted-token"',
        b'"x"',
        b'{"headers": {"Authorization": "Bearer planted-token"}, "access_token": "planted-token", ',
    ],
)
def test_nonsense_shows_no_token(stub, body):
    stub.reply = answer(body)
    with pytest.raises(BrokerUnavailable, match="nobody understands") as caught:
        stub.client.token("idp")
    shown = local_variables(caught.value)
    assert "planted-token" not in shown
    assert KEY not in shown


def test_an_incomplete_token_shows_no_token(stub):
    stub.reply = answer({"headers": {}, "accesstoken": "planted-token"})
    with pytest.raises(BrokerUnavailable) as caught:
        stub.client.token("idp")
    assert "planted-token" not in local_variables(caught.value)


def test_an_unknown_error_is_an_error(stub):
    stub.reply = answer(b"<html>", 500)
    with pytest.raises(Exception, match="without saying why"):
        stub.client.accounts()


def test_a_door_that_hangs_up_shows_no_key(stub):
    stub.reply = Reply(closed=True)
    with pytest.raises(BrokerUnavailable, match="does not answer") as caught:
        stub.client.register(
            Provider(name="x", issuer="https://x.example", client_secret="planted-secret")
        )
    shown = local_variables(caught.value)
    assert KEY not in shown
    assert "planted-secret" not in shown


def test_an_interrupt_shows_no_key(door, client):
    key = json.loads(door.path.read_text())["key"]
    threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt) as caught:
        client.changes(client.changes().sequence, 20)
    assert key not in local_variables(caught.value)


def test_a_door_that_says_nothing_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("jupyter_auth.kernel.door.ANSWER_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp:127.0.0.1:{silent.getsockname()[1]}"
        client = BrokerClient(written(tmp_path / "file.json", address=address))
        with pytest.raises(BrokerUnavailable, match="in time"):
            client.accounts()


# Broker or engine


@pytest.mark.usefixtures("signed_in")
def test_connect_finds_the_broker(door):
    assert connect() is connect()
    assert len(connect().accounts()) == 1
    assert str(door.path) in repr(connect())


@pytest.mark.usefixtures("home")
def test_without_a_broker_there_is_an_engine(rogue):
    accounts = connect()
    accounts.register(Provider(name="own", issuer=rogue.issuer, client_id="notebook"))
    login = accounts.begin("own")
    assert login.url.startswith("http://127.0.0.1:")
    accounts.cancel(login.id)
    assert accounts.accounts() == []
    with pytest.raises(AttributeError):
        accounts._no_such_name  # noqa: B018


@pytest.mark.usefixtures("home", "engine")
def test_the_environment_is_read_when_it_is_asked(door):
    before = connect({})
    assert connect({"JUPYTER_AUTH_CONNECTION": str(door.path)}) is connect()
    assert before is not connect()


@pytest.mark.usefixtures("engine")
def test_a_broker_that_has_gone_is_replaced_and_said_once(door, rogue, capfd):
    accounts = connect()
    mine = Provider(name="own", issuer=rogue.issuer, client_id="notebook")
    accounts.register(mine)
    since = accounts.changes().sequence
    door.__exit__()
    with pytest.raises(BrokerUnavailable):  # who waits learns it; nothing is said for them
        accounts.changes(since)
    assert capfd.readouterr().err == ""
    assert accounts.accounts() == []
    assert accounts.provider("own") == mine.info("code")
    assert accounts.changes(since).reset
    assert capfd.readouterr().err.count("broker is gone") == 1


def test_a_broker_that_went_before_we_came_is_said_too(door, capfd):
    door.__exit__()
    assert connect({"JUPYTER_AUTH_CONNECTION": str(door.path)}).accounts() == []
    assert "broker is gone" in capfd.readouterr().err


def test_under_a_hub_service_there_is_no_second_choice(door):
    environ = {"JUPYTER_AUTH_CONNECTION": str(door.path), "JUPYTER_AUTH_URL": "https://hub.example"}
    assert connect(environ).accounts() == []
    door.__exit__()
    with pytest.raises(BrokerUnavailable) as caught:
        connect(environ).accounts()
    assert caught.value.hint
    with pytest.raises(BrokerUnavailable, match="no door"):
        connect({"JUPYTER_AUTH_URL": "https://hub.example"})


def test_a_refused_broker_is_not_replaced(door):
    door.path.chmod(0o644)
    with pytest.raises(BrokerUnavailable, match="others have access"):
        connect().accounts()


@pytest.mark.usefixtures("home")
def test_a_child_has_an_engine_of_its_own(rogue):
    accounts = connect()
    accounts.register(Provider(name="own", issuer=rogue.issuer, client_id="notebook"))
    lock = accounts._lock
    with lock:  # as if another thread were in the midst of it
        name = child(lambda: accounts.provider("own").name)
    assert name == "own"


@pytest.mark.usefixtures("door", "home")
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


# Watching


def test_watching_until_it_is_ended(client, signed_in):
    told = threading.Event()
    end = watch(client, told.set)
    signed_in.logout("idp")
    assert told.wait(5)
    told.clear()
    end()
    signed_in.begin("idp")
    assert not told.wait(0.3)


def test_a_watcher_outlives_a_broker_and_its_own_listeners(signed_in, door, tmp_path, monkeypatch):
    monkeypatch.setattr("jupyter_auth.kernel.watcher.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("logging.Logger.exception", lambda *_: None)
    client = BrokerClient(door.path)
    told = threading.Event()
    watch(client, lambda: 1 / 0)
    watch(client, told.set)
    door.__exit__()
    assert not told.wait(0.2)
    with OpenDoor(signed_in, tmp_path / "runtime") as second:
        second.path.rename(door.path)
        assert told.wait(5)  # whatever happened meanwhile
        second.path = door.path
    client.close()


@pytest.mark.usefixtures("door")
def test_watching_does_not_keep_a_process_alive_nor_ends_it_noisily():
    code = (
        "from jupyter_auth.kernel.client import connect, watch\n"
        "watch(connect(), print)\n"
        "print(len(connect().providers()) > 0)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False
    )
    assert (ran.stdout, ran.stderr) == ("True\n", "")


@pytest.mark.usefixtures("signed_in")
def test_secrets_are_never_in_what_a_client_shows(client):
    token = client.token("idp")
    assert isinstance(token.access_token, Secret)
    shown = repr((client, vars(client), vars(client._door), token))
    assert token.access_token.reveal() not in shown
