"""The client of the broker socket: every call, its connections, and watching for changes."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.errors import (
    ConfigurationError,
    LoginExpired,
    LoginRequired,
    ProviderNotFound,
    RefreshRejected,
)
from jupyter_auth.core.models import AccountKey, LoginRequest
from jupyter_auth.core.provider.field_types import Header
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.tokens.need import Need
from jupyter_auth.kernel.broker.broker_client import BrokerClient, this_kernel
from jupyter_auth.kernel.broker.connect import default_provider
from jupyter_auth.kernel.broker.watcher import watch
from jupyter_auth.server.broker.broker import MAX_WAIT
from kernel.broker_socket import BrokerSocket, TcpBrokerSocket
from kernel.forks_and_interrupts import child, interrupted
from kernel.kernel_process import Kernel
from kernel.sign_in import sign_in
from patience import PATIENCE
from providers.troubles import Reply, error

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
    login = client.begin(LoginRequest("idp", "work", username="rosa", scopes=("openid",)))
    assert login.path == f"/base/jupyter-auth/login/{login.id}"
    assert client.logins() == [login] == [client.login(login.id)]
    sign_in(engine, rogue, login)
    assert client.login(login.id).status == "complete"
    assert [account.key for account in client.accounts()] == [AccountKey("idp", "work")]
    token = client.token("idp", "work")
    assert rogue.active(token.access_token.reveal())
    assert client.id_token("idp", "work").reveal().count(".") == 2
    fresh = client.token("idp", "work", Need(rejected=token.digest))
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
def test_what_is_the_matter_with_a_refresh(client, rogue):
    token = client.token("idp")
    rogue.script("refresh", lambda _: Reply(429, b"", {"Retry-After": "60"}), times=1)
    with pytest.raises(ProviderUnavailable, match="takes no requests until") as caught:
        client.token("idp", need=Need(rejected=token.digest))
    assert 0 < caught.value.retry_at - time.time() <= 60
    assert client.token("idp").digest == token.digest  # others may still use it
    (account,) = client.accounts()
    assert (account.trouble, account.renewable) == ("", True)


def test_a_refusal_reaches_kernels_in_the_providers_words(client, signed_in, rogue):
    token = client.token("idp")
    rogue.script("refresh", error("login_required", description="Too old."))
    with pytest.raises(RefreshRejected, match=r"\(login_required: Too old\)"):
        client.token("idp", need=Need(rejected=token.digest))
    with pytest.raises(RefreshRejected):
        client.token("idp")
    (account,) = client.accounts()
    assert account.trouble == signed_in.accounts()[0].trouble
    assert "login_required: Too old" in account.trouble
    assert account.over(time.time())


@pytest.mark.usefixtures("signed_in")
def test_logging_out_without_revoking(client, rogue):
    outcome = client.logout("idp", revoke=False)
    assert (outcome.removed, outcome.revoked) == (True, False)
    assert not rogue.revoked


def test_cancel_and_leave(client):
    assert client.cancel(client.begin(LoginRequest("idp")).id).status == "cancelled"
    first, second = client.begin(LoginRequest("idp")), client.begin(LoginRequest("idp"))
    assert first.id == second.id
    assert client.leave(first.id).status == "pending"
    assert client.leave(second.id).status == "cancelled"
    with pytest.raises(LoginExpired):
        client.login("unknown/../id")


def test_who_asks_is_said(client, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "work/a folder/report.ipynb")
    login = client.begin(LoginRequest("idp"))
    assert (login.notebook, login.kernel) == ("report.ipynb", None)


def test_a_kernel_knows_its_id(tmp_path):
    with Kernel(tmp_path) as kernel:
        ran = kernel.ok(
            "import ipykernel, jupyter_auth.kernel.broker.broker_client as b\n"
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
    handle = client.register(mine).name
    assert client.provider(handle) == engine.provider(handle)
    assert engine.configured(handle) == mine
    assert "planted-secret" not in repr(client.providers())
    with pytest.raises(ConfigurationError):
        client.register(Provider(name="idp", issuer="https://elsewhere.example"))


# Keeping and leaving connections


def test_a_connection_is_kept_and_a_closed_one_replaced(kernel_api, client):
    client.providers()
    kept = client._transport.idle[0]
    client.providers()
    assert list(client._transport.idle) == [kept]
    kernel_api.close_connections()
    client.providers()
    assert list(client._transport.idle) != [kept]


@pytest.mark.usefixtures("signed_in")
def test_many_threads(client):
    with ThreadPoolExecutor(64) as pool:
        tokens = list(pool.map(lambda _: client.token("idp").digest, range(256)))
    assert len(set(tokens)) == 1
    assert len(client._transport.idle) <= 8


@pytest.mark.usefixtures("signed_in")
def test_a_child_does_not_speak_on_its_parents_connections(client):
    ours = client.token("idp").digest
    (kept,) = client._transport.idle

    def use():
        return client.token("idp").digest, kept in client._transport.idle

    assert child(use) == (ours, False)
    assert list(client._transport.idle) == [kept]
    # Nobody read or wrote on it meanwhile: the answer that comes is the one to this question.
    assert client.provider("idp").name == "idp"


@pytest.mark.usefixtures("signed_in")
def test_an_interrupted_poll_leaves_no_answer_behind(client, kernel_api):
    since = client.changes().sequence
    with pytest.raises(KeyboardInterrupt), interrupted(lambda: kernel_api.waiting > 0):
        client.changes(since, MAX_WAIT)
    assert not client._transport.idle  # its answer is still to come
    assert client.provider("idp").name == "idp"


def test_news_end_a_poll(client, signed_in):
    since = client.changes().sequence
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.changes, since, MAX_WAIT)
        signed_in.logout("idp")
        assert waiting.result(MAX_WAIT - 5).changes[0].kind == "removed"


# Proxies and netrc


def test_no_setting_of_the_environment_touches_the_broker_socket(
    signed_in, tmp_path, home, proxied
):
    (home / ".netrc").write_text("default login mallory password planted\n")
    (home / ".netrc").chmod(0o600)
    for kind in (BrokerSocket, TcpBrokerSocket):
        with kind(signed_in, tmp_path / kind.__name__) as kernel_api:
            client = BrokerClient(kernel_api.path)
            assert client.token("idp").kind == "bearer"
            client.close()
    assert not proxied


# Watching


def test_watching_until_it_is_ended(client, signed_in):
    told = threading.Event()
    end = watch(client, told.set)
    signed_in.logout("idp")
    assert told.wait(PATIENCE)
    end()
    told.clear()
    signed_in.begin(LoginRequest("idp"))
    assert not told.wait(0.3)


def test_a_watcher_outlives_a_broker_and_its_own_listeners(
    signed_in, kernel_api, tmp_path, monkeypatch
):
    monkeypatch.setattr("jupyter_auth.core.common.backoff.Backoff.pause", lambda *_: 0.01)
    monkeypatch.setattr("logging.Logger.exception", lambda *_: None)
    client = BrokerClient(kernel_api.path)
    told = threading.Event()
    watch(client, lambda: 1 / 0)
    watch(client, told.set)
    kernel_api.__exit__()
    assert not told.wait(0.2)
    with BrokerSocket(signed_in, tmp_path / "runtime") as second:
        second.path.rename(kernel_api.path)
        assert told.wait(PATIENCE)  # whatever happened meanwhile
        second.path = kernel_api.path
    client.close()


@pytest.mark.usefixtures("kernel_api")
def test_watching_does_not_keep_a_process_alive_nor_ends_it_noisily():
    code = (
        "from jupyter_auth.kernel.broker.connect import connect\n"
        "from jupyter_auth.kernel.broker.watcher import watch\n"
        "watch(connect(), print)\n"
        "print(len(connect().providers()) > 0)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (ran.stdout, ran.stderr) == ("True\n", "")


@pytest.mark.usefixtures("signed_in")
def test_secrets_are_never_in_what_a_client_shows(client):
    token = client.token("idp")
    assert isinstance(token.access_token, Secret)
    shown = repr((client, vars(client), vars(client._transport), token))
    assert token.access_token.reveal() not in shown
