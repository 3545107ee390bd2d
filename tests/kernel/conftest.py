"""What the tests of the kernel's side share: an engine, its kernel API, and a person to sign in."""

from __future__ import annotations

import sys

import pytest
import requests
from IPython.core.interactiveshell import InteractiveShell

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.tokens.store import FileStore
from jupyter_auth.kernel.broker.broker_client import BrokerClient
from jupyter_auth.kernel.http.requests_auth import TokenAuth
from jupyter_auth.kernel.http.token_cache import CachedTokens
from jupyter_auth.kernel.session.user_session import UserSession
from kernel.broker_socket import BrokerSocket
from kernel.echo_api import Api
from kernel.sign_in import sign_in
from memory_store import MemoryStore
from providers.troubles import Reply


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An environment that knows no broker, no accounts and no proxies."""
    for name in ("JUPYTER_AUTH_CONNECTION", "JUPYTER_AUTH_URL", "JPY_SESSION_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.setattr("jupyter_auth.kernel.broker.connect._made", {})
    return tmp_path / "home"


@pytest.fixture
def configured(rogue):
    """What the administrator configured: one provider, the API at the same address."""
    return {
        "idp": {
            "title": "The IdP",
            "issuer": rogue.issuer,
            "client_id": rogue.client_id,
            "scopes": ["openid"],
            "base_url": rogue.issuer,
            "username_claim": "preferred_username",  # nobody can change their own there
        }
    }


@pytest.fixture
def engine(home, configured, tmp_path):  # noqa: ARG001 (its discovery runs in that environment)
    """The broker's engine."""
    made = Engine(Providers(configured), FileStore(tmp_path / "store"))
    yield made
    made.close()


@pytest.fixture
def kernel_api(engine, tmp_path):
    """The real kernel API in front of ``engine``; JUPYTER_AUTH_CONNECTION names it."""
    with BrokerSocket(engine, tmp_path / "runtime") as opened:
        yield opened


@pytest.fixture
def client(kernel_api):
    """What a kernel asks it with."""
    made = BrokerClient(kernel_api.path)
    yield made
    made.close()


@pytest.fixture
def signed_in(engine, rogue):
    """Rosa has signed in."""
    assert sign_in(engine, rogue, engine.begin(LoginRequest("idp"))).status == "complete"
    return engine


@pytest.fixture
def source(configured, rogue, clock):
    """Rosa's tokens, from an engine in memory before a provider over a socket."""
    rogue.clock = clock
    engine = Engine(Providers(configured), MemoryStore(), clock=clock)
    sign_in(engine, rogue, engine.begin(LoginRequest("idp")))
    yield CachedTokens(engine, "idp", clock=clock)
    engine.close()


@pytest.fixture
def idp(source, rogue):
    """Rosa's tokens for plain requests: the real engine before a provider over a socket."""
    return TokenAuth(source, origins=[rogue.issuer])


@pytest.fixture
def http():
    """A plain session, which knows nothing of the environment."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def session(kernel_api, signed_in, capsys):  # noqa: ARG001
    """Rosa's session, by the kernel API."""
    made = UserSession("idp", interactive=False)
    capsys.readouterr()
    yield made
    made.close()


@pytest.fixture
def elsewhere():
    """Another server; ``seen`` is what it got, and it answers whatever ``reply`` is."""

    class Elsewhere(Api):
        reply = Reply.json({"ok": True})

        def answer(self, _):
            return self.reply

    with Elsewhere() as made:
        yield made


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """IPython's, in the test's own process."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        hook = sys.displayhook
        made = InteractiveShell()
        made.history_manager.enabled = False
        yield made
        made.history_manager.end_session()
        sys.displayhook = hook
