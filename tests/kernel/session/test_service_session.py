"""``ClientSession``: who holds the secret of a service account, and what its session does."""

from __future__ import annotations

import copy
import json
import logging
import os
import pickle
import warnings

import httpx
import pytest

import jupyter_auth
from jupyter_auth import AuthWarning, ClientSession, Provider, UserSession
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError, LoginRequired, ProviderNotFound
from jupyter_auth.core.provider.field_types import Service
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.tokens.store import FileStore
from jupyter_auth.kernel.broker.connect import connect
from jupyter_auth.kernel.broker.transport import BrokerTransport
from jupyter_auth.kernel.session import service_session
from kernel.broker_socket import BrokerSocket
from kernel.forks_and_interrupts import child
from kernel.kernel_process import Kernel
from kernel.traceback_locals import local_variables
from patience import eventually
from providers import troubles
from providers.rogue import RogueProvider
from providers.troubles import Reply

SECRET = "planted-service-secret-5c0ffee"
ENVIRON = {"JUPYTER_AUTH_IDP_CLIENT_ID": "notebook", "JUPYTER_AUTH_IDP_CLIENT_SECRET": SECRET}


@pytest.fixture(autouse=True)
def _warn_again(monkeypatch):
    monkeypatch.setattr(service_session, "_warned", [])


@pytest.fixture
def configured(rogue, configured):
    rogue.client_secret = SECRET
    configured["idp"] |= {"service": {"client_auth": "post", "scopes": ["jobs"]}}
    return configured


@pytest.fixture
def engine(home, configured, tmp_path):  # noqa: ARG001
    """The broker's, whose server took the secret out of its environment."""
    made = Engine(Providers(configured, environ=ENVIRON), FileStore(tmp_path / "store"))
    yield made
    made.close()


@pytest.fixture
def session(kernel_api):  # noqa: ARG001
    with ClientSession(provider="idp") as made:
        yield made


# -- the broker holds the secret -----------------------------------------------------------------


@pytest.mark.parametrize(
    "refusal",
    [
        Reply(403, headers={"WWW-Authenticate": 'Basic, Bearer error="invalid_token"'}),
        Reply.json({"error": {"code": 498}}),
    ],
)
def test_a_token_that_the_api_calls_dead_is_replaced(session, rogue, refusal):
    before = str(session.access_token)
    rogue.script("api", lambda _: refusal, times=1)
    assert session.get("api/x").json()["scope"] == "jobs"
    assert [each.bearer == before for each in rogue.seen("api")] == [True, False]


def test_other_clients_get_its_token_too(session, rogue):
    answer = httpx.get(f"{rogue.issuer}/api/x", auth=jupyter_auth.httpx_auth(session.auth))
    assert answer.json()["scope"] == "jobs"
    assert rogue.seen("api")[0].bearer == session.access_token


def test_the_broker_issues_the_token_and_the_secret_stays_there(session, rogue):
    assert session.get("/api/x").json()["scope"] == "jobs"
    assert (session.provider, session.session_key, session.scopes) == ("idp", "default", ("jobs",))
    assert session.authenticated
    assert not session.expired
    assert session.access_token_expires_at is not None
    assert session.username is None
    assert session.id_token is None
    assert len(rogue.seen("token")) == 1


def test_nothing_that_the_broker_says_holds_the_secret(client, engine, home):  # noqa: ARG001
    accounts = connect()
    assert SECRET not in json.dumps(client._transport.call("GET", "providers"))
    said = client._transport.call("GET", "providers/idp/configuration")
    assert SECRET not in json.dumps(said)
    assert accounts.configuration("idp").service.client_secret is None
    assert engine.configured("idp").service.client_secret.reveal() == SECRET


def test_all_kernels_share_the_brokers_token(session, rogue):
    other = ClientSession(provider="idp")
    assert other.access_token == session.access_token
    assert len(rogue.seen("token")) == 1


def test_a_provider_made_of_plain_mappings(rogue, home):  # noqa: ARG001
    rogue.client_secret = SECRET
    provider = Provider(
        name="mine",
        endpoints={"token_endpoint": f"{rogue.issuer}/token"},
        base_url=rogue.issuer,
        service={"client_id": "notebook", "client_secret": SECRET, "scopes": ["jobs"]},
        client_auth="post",
        header={"template": "bearer {token}"},
        throttle={"limit": 5},
    )
    with ClientSession(provider=provider) as made:
        for _ in range(3):
            made.get("/api/x")
        with pytest.warns(AuthWarning, match="4 of 5 calls"):
            made.get("/api/x")
        sent = rogue.seen("api")[0].headers["authorization"]
        assert sent == f"bearer {made.access_token}"
    assert rogue.seen("token")[0].form["scope"] == "jobs"


def test_its_own_scopes(session, rogue):
    other = ClientSession(provider="idp", scopes="a b")
    assert other.scopes == ("a", "b")
    assert rogue.seen("token")[-1].form["scope"] == "a b"
    assert session.scopes == ("jobs",)


def test_a_service_account_has_nothing_of_a_persons(session, engine):
    assert engine.accounts() == []
    with pytest.raises(LoginRequired):
        UserSession("idp", interactive=False)
    assert "ClientSession 'idp'" in repr(session)


def test_the_token_is_nowhere_on_disk(session, tmp_path):
    token = str(session.access_token).encode()
    held = [path for path in tmp_path.rglob("*") if path.is_file() and token in path.read_bytes()]
    assert held == []


def test_a_client_for_people_is_not_lent_to_notebooks(home, configured, tmp_path, rogue):  # noqa: ARG001
    """Only what is configured for service accounts: else each user could act as the application."""
    configured["idp"] |= {"client_secret": SECRET}
    del configured["idp"]["service"]
    engine = Engine(Providers(configured), FileStore(tmp_path / "store"))
    with (
        BrokerSocket(engine, tmp_path / "runtime") as kernel_api,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("JUPYTER_AUTH_CONNECTION", str(kernel_api.path))
        with pytest.raises(ConfigurationError, match="not configured for service accounts"):
            ClientSession(provider="idp")
    engine.close()
    assert rogue.seen("token") == []


def test_a_provider_made_in_code_never_gets_the_environments_secret(home, rogue, tmp_path):  # noqa: ARG001
    """A notebook could have one of that name send it to itself."""
    environ = {"JUPYTER_AUTH_INSIDEVIEW_CLIENT_SECRET": SECRET}
    engine = Engine(Providers(environ=environ), FileStore(tmp_path / "store"))
    own = Provider(name="insideview", issuer=rogue.issuer, client_id="x", service=Service())
    with pytest.raises(ConfigurationError, match="No client secret"):
        engine.client_token(engine.register(own).name)
    engine.close()
    assert rogue.seen("token") == []


def test_another_client_id_than_the_brokers(session, kernel_api):  # noqa: ARG001
    assert ClientSession("notebook", provider="idp").access_token == session.access_token
    with pytest.raises(ConfigurationError, match="No client secret of other"):
        ClientSession("other", provider="idp")


# -- a secret of this process --------------------------------------------------------------------


def test_a_secret_that_is_given_stays_in_this_process(kernel_api, engine, rogue, monkeypatch):  # noqa: ARG001
    bodies, sent = [], BrokerTransport.call
    monkeypatch.setattr(
        BrokerTransport,
        "call",
        lambda self, *a, **k: (bodies.append(repr(a)), sent(self, *a, **k))[1],
    )
    asked = []
    monkeypatch.setattr(engine, "client_token", lambda *a, **k: asked.append((a, k)))
    session = ClientSession("notebook", SECRET, provider="idp")
    assert session.get("/api/x").json()["scope"] == "jobs"
    assert bodies
    assert SECRET not in "".join(bodies)
    assert asked == []
    assert rogue.seen("token")[0].form["client_secret"] == SECRET


def test_without_any_broker(home, rogue):
    provider = Provider(name="idp", issuer=rogue.issuer, base_url=rogue.issuer, client_auth="post")
    rogue.client_secret = SECRET
    session = ClientSession("notebook", SECRET, provider=provider)
    assert session.get("/api/x").ok
    assert list((home / ".local").rglob("*token*")) == []


def test_the_environment_of_a_script(home, rogue, monkeypatch):  # noqa: ARG001
    rogue.client_secret = SECRET
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    provider = Provider(name="idp", issuer=rogue.issuer, base_url=rogue.issuer, client_auth="post")
    assert ClientSession(provider=provider).get("/api/x").ok


def test_the_environment_counts_for_an_engine_of_this_process_too(home, rogue, monkeypatch):
    rogue.client_secret = SECRET
    file = home / "jupyter_auth" / "providers.toml"
    file.parent.mkdir(parents=True)
    file.write_text(f'[idp]\nissuer = "{rogue.issuer}"\nservice = {{ client_auth = "post" }}\n')
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    assert connect().client_token("idp").access_token


def test_a_secret_in_a_provider_made_in_code(home, rogue):  # noqa: ARG001
    rogue.client_secret = SECRET
    provider = Provider(
        name="idp",
        issuer=rogue.issuer,
        base_url=rogue.issuer,
        service=Service(client_id="notebook", client_secret=SECRET, client_auth="post"),
    )
    assert ClientSession(provider=provider).get("/api/x").ok


def test_nobody_has_one(home, rogue):  # noqa: ARG001
    with pytest.raises(ConfigurationError, match="No client secret of a service account") as caught:
        ClientSession(provider=Provider(name="idp", issuer=rogue.issuer))
    assert "JUPYTER_AUTH_IDP_CLIENT_SECRET" in caught.value.hint
    with pytest.raises(ProviderNotFound):
        ClientSession("x", "y", provider="nobody")


# -- what the session does -----------------------------------------------------------------------


def test_a_dead_token_is_replaced_and_the_request_repeated(session, rogue):
    before = str(session.access_token)
    rogue.expire()
    assert session.post("/api/x", data=b"body").json()["length"] == 4
    assert str(session.access_token) != before


def test_the_token_goes_to_its_own_origins_alone(session):
    with RogueProvider() as other:
        with pytest.warns(AuthWarning, match="did not get the token"):
            session.get(f"{other.issuer}/api/x")
        assert "authorization" not in other.requests[0].headers


def test_signed_out_it_asks_for_nothing_more(session, rogue):
    token = str(session.access_token)
    outcome = session.logout()
    assert (outcome.removed, outcome.revoked) == (True, True)
    assert rogue.revoked == [token]
    assert not session.authenticated
    with pytest.raises(LoginRequired, match="signed out"):
        session.get("/api/x")
    session.authenticate()
    assert session.get("/api/x").ok


def test_others_of_that_key_get_another_token(session, kernel_api):  # noqa: ARG001
    other = ClientSession(provider="idp")
    token = str(other.access_token)
    session.logout()
    assert eventually(lambda: str(other.access_token) != token)
    assert other.get("/api/x").ok


def test_logged_out_with_a_secret_of_its_own(kernel_api, rogue):  # noqa: ARG001
    session = ClientSession("notebook", SECRET, provider="idp")
    token = str(session.access_token)
    assert session.logout().revoked
    assert rogue.revoked == [token]
    with pytest.raises(LoginRequired):
        session.get("/api/x")


@pytest.mark.parametrize("key", ["../../x", "🦉" * 20, "k" * 10_000, "", "a\nb", "a/b?c=d&e#f"])
@pytest.mark.parametrize("given", [(), ("notebook", SECRET)])
def test_no_session_key_is_too_strange(kernel_api, key, given, tmp_path):  # noqa: ARG001
    files = set(tmp_path.rglob("*"))
    if len(key) > 1024 or "\n" in key:  # too long, or more than one line
        with pytest.raises(ConfigurationError, match="session_key"):
            ClientSession(*given, provider="idp", session_key=key)
        return
    session = ClientSession(*given, provider="idp", session_key=key)
    assert session.get("/api/x").ok
    assert session.logout().removed
    assert set(tmp_path.rglob("*")) == files


@pytest.mark.parametrize("given", [(), ("notebook", SECRET)])
def test_a_copy_has_no_secret_and_asks_anew(kernel_api, given, rogue):  # noqa: ARG001
    session = ClientSession(*given, provider="idp")
    session.headers["X-Mine"] = "1"
    data = pickle.dumps(session)
    assert SECRET.encode() not in data
    assert str(session.access_token).encode() not in data
    for other in (pickle.loads(data), copy.deepcopy(session)):  # noqa: S301
        assert other.get("/api/x").ok  # by the broker's
        assert other.headers["X-Mine"] == "1"
    with pytest.raises(TypeError, match="pickle their session"):
        pickle.dumps(session.auth)


@pytest.mark.parametrize("given", [(), ("notebook", SECRET)])
def test_a_copy_of_one_whose_provider_was_made_in_code(home, rogue, given, monkeypatch):  # noqa: ARG001
    rogue.client_secret = SECRET
    inside = {} if given else {"client_id": "notebook", "client_secret": SECRET}
    made = Provider(
        name="mine",
        issuer=rogue.issuer,
        base_url=rogue.issuer,
        service=Service(client_auth="post", **inside),
    )
    session = ClientSession(*given, provider=made)
    data = pickle.dumps(session)
    assert SECRET.encode() not in data
    for other in (pickle.loads(data), copy.deepcopy(session)):  # noqa: S301
        with pytest.raises(ConfigurationError, match="No client secret of"):
            other.get("/api/x")
    monkeypatch.setenv("JUPYTER_AUTH_MINE_CLIENT_ID", "notebook")
    monkeypatch.setenv("JUPYTER_AUTH_MINE_CLIENT_SECRET", SECRET)
    assert pickle.loads(data).get("/api/x").ok  # noqa: S301


def test_it_survives_a_fork(session):
    token = str(session.access_token)
    assert child(lambda: session.get("/api/x").status_code) == 200
    assert str(session.access_token) == token
    own = ClientSession("notebook", SECRET, provider="idp")
    assert child(lambda: (own._account.tokens.drop(), own.get("/api/x").status_code)[1]) == 200


def test_no_error_log_or_repr_holds_the_secret(kernel_api, rogue, caplog, capsys):  # noqa: ARG001
    caplog.set_level(logging.DEBUG)
    session = ClientSession("notebook", SECRET, provider="idp")
    shown = [repr(session), repr(vars(session)), repr(session._account.options)]
    for trouble in (troubles.status(500), troubles.error("invalid_client", 401)):
        rogue.script("token", trouble)
        with pytest.raises((ProviderUnavailable, ConfigurationError)) as caught:
            ClientSession("notebook", SECRET, provider="idp")
        shown.append(local_variables(caught.value))
    assert SECRET not in "".join(shown) + caplog.text + "".join(capsys.readouterr())


# -- a secret in a cell --------------------------------------------------------------------------


def test_a_secret_typed_into_a_cell_is_warned_of_once(kernel_api, tmp_path):
    with Kernel(tmp_path / "kernel", kernel_api.path) as kernel:
        kernel.run("from jupyter_auth import ClientSession")
        ran = kernel.run(f"s = ClientSession('notebook', {SECRET!r}, provider='idp')")
        assert ran.status == "ok", ran.text()
        assert "JUPYTER_AUTH_IDP_CLIENT_SECRET" in ran.text()
        assert "AuthWarning" in ran.text()
        assert SECRET not in ran.text()
        again = kernel.run(f"s = ClientSession('notebook', {SECRET!r}, provider='idp')")
        assert "AuthWarning" not in again.text()


def test_one_that_is_not_written_there_is_not(kernel_api, tmp_path):
    with Kernel(tmp_path / "kernel", kernel_api.path) as kernel:
        (tmp_path / "secret").write_text(SECRET)
        kernel.run("from jupyter_auth import ClientSession")
        kernel.run(f"secret = open({str(tmp_path / 'secret')!r}).read()")
        ran = kernel.run("s = ClientSession('notebook', secret, provider='idp'); print(s.scopes)")
        assert ran.text().strip() == "('jobs',)"


def test_a_script_is_not_warned(kernel_api):  # noqa: ARG001
    with warnings.catch_warnings():
        warnings.simplefilter("error", AuthWarning)
        assert ClientSession("notebook", SECRET, provider="idp").authenticated


def test_it_is_a_public_name():
    assert jupyter_auth.ClientSession is ClientSession
    assert os.environ.get("JUPYTER_AUTH_IDP_CLIENT_SECRET") is None
