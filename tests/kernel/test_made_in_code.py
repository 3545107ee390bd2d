"""A provider made in code: in its own process its name means it, and nowhere else."""

from __future__ import annotations

import pickle

import pytest
import requests

import jupyter_auth
from jupyter_auth import ClientSession, LoginWidget, Provider, TokenAuth, UserSession
from jupyter_auth.core.common.handles import MARK
from jupyter_auth.core.errors import LoginRequired, ProviderNotFound
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider import made_in_code
from jupyter_auth.core.provider.field_types import Service
from jupyter_auth.kernel.broker import connect as clients
from jupyter_auth.kernel.broker.connect import connect, default_provider
from jupyter_auth.kernel.commands import doctor, verbs
from kernel.forks_and_interrupts import child
from kernel.sign_in import person
from patience import PATIENCE


@pytest.fixture
def own(rogue):
    """A preset's name, and another server."""
    return Provider(
        name="bitfount",
        issuer=rogue.issuer,
        client_id=rogue.client_id,
        scopes="openid",
        base_url=rogue.issuer,
    )


@pytest.fixture
def own_session(kernel_api, engine, rogue, own, capfd):  # noqa: ARG001
    """Rosa's, who has signed in to it."""
    with person(engine, rogue):
        session = UserSession(own, interactive=True, timeout=PATIENCE)
    yield session
    session.close()
    captured = capfd.readouterr()
    assert MARK not in captured.out + captured.err


def known(client):
    """What names mean to that kernel."""
    return client.provider("bitfount"), client.providers(), client.default()


def test_in_other_kernels_names_mean_what_they_meant(client, own_session, own):
    """``client`` is another kernel of this server."""
    clean = connect({})  # and a process that has nothing to do with it
    assert client.provider("bitfount").host != connect().provider("bitfount").host
    assert client.provider("bitfount") == clean.provider("bitfount")
    before = known(client)
    connect().register(own)
    assert own_session.get("/api/x").ok
    assert known(client) == before
    assert client.default() == "idp"
    with pytest.raises(LoginRequired):
        client.token("bitfount")


def test_here_its_name_means_it_everywhere(own_session, rogue):
    api = f"{rogue.issuer}/api/x"
    assert own_session.provider == "bitfount"
    assert jupyter_auth.token("bitfount") == own_session.access_token
    assert requests.get(api, auth=TokenAuth("bitfount"), timeout=PATIENCE).ok
    assert UserSession("bitfount", interactive=False).get("/api/x").ok
    assert LoginWidget("bitfount")._info.host == rogue.issuer.removeprefix("http://")
    verbs.use("bitfount")
    assert default_provider(connect()) == "bitfount"
    assert UserSession(interactive=False).get("/api/x").ok
    clients._chosen.clear()
    assert default_provider(connect()) == "idp"
    said = verbs.logout("bitfount")
    assert said == "Signed out of bitfount. The provider has revoked the tokens."
    with pytest.raises(LoginRequired):
        jupyter_auth.token("bitfount")


def test_people_see_its_name_and_that_a_notebook_defines_it(own_session, client):
    shown = [
        *map(repr, (own_session, LoginWidget("bitfount"), own_session._account.tokens)),
        str(verbs.status("bitfount")),
        str(verbs.status()),
        str(verbs.status(accounts=client)),  # in another kernel
        str(verbs.providers()),
        str(doctor.examine()),
        *verbs.provider_names(),
    ]
    assert [text for text in shown if MARK in text] == []
    assert all("bitfount (defined in a notebook)" in text for text in shown[3:6])
    assert verbs.provider_names().count("bitfount") == 1
    assert str(verbs.status("bitfount", client)) == "You're not signed in to bitfount."
    said = verbs.logout("bitfount", accounts=client)
    assert said.startswith("You're not signed in to Bitfount. Sign out in the notebook that")


def test_a_token_of_ours_is_dropped_when_its_account_goes(own_session, rogue):
    """Changes are told by handle."""
    auth = TokenAuth("bitfount")
    assert requests.get(f"{rogue.issuer}/api/x", auth=auth, timeout=PATIENCE).ok
    own_session.logout()
    with pytest.raises(LoginRequired):
        requests.get(f"{rogue.issuer}/api/x", auth=auth, timeout=PATIENCE)


@pytest.fixture
def forgotten(own_session, client, monkeypatch):
    """So many were made since that the server has forgotten it; as when it was started anew."""
    handle = own_session._account.key.provider
    monkeypatch.setattr(made_in_code, "MOST", 20)
    for number in range(20):
        client.register(Provider(name="other", issuer="https://x.example", client_id=str(number)))
    with pytest.raises(ProviderNotFound, match="'bitfount'"):
        client.token(handle)
    own_session._account.tokens.drop()
    return own_session


def test_a_forgotten_definition_is_told_again(forgotten, client):
    assert forgotten.get("/api/x").ok
    assert jupyter_auth.token("bitfount") == forgotten.access_token
    assert client.token(forgotten._account.key.provider)


def test_and_before_a_sign_out_so_that_it_is_revoked(forgotten, rogue):
    outcome = forgotten.logout()
    assert (outcome.removed, outcome.revoked, outcome.note) == (True, True, "")
    assert rogue.revoked


def test_a_pickle_works_elsewhere_and_changes_no_name_there(own_session, monkeypatch):
    pickled = pickle.dumps(own_session)
    monkeypatch.setattr(clients, "_made", {})  # as in another process
    before = connect().provider("bitfount")
    copy = pickle.loads(pickled)  # noqa: S301
    assert copy.get("/api/x").ok
    assert copy.provider == "bitfount"
    assert connect().provider("bitfount") == before


def test_a_forked_child_knows_it(own_session):
    assert child(lambda: own_session.get("/api/x").status_code) == 200
    assert child(lambda: jupyter_auth.token("bitfount")) == str(own_session.access_token)


def test_the_last_one_of_a_name_counts_and_sessions_keep_theirs(own_session, own, rogue):
    other = jupyter_auth.core.provider.registry.replace_provider(own, client_id="other")
    with pytest.raises(LoginRequired):
        UserSession(other, interactive=False)
    assert connect().configuration("bitfount").client_id == "other"
    assert own_session.get("/api/x").ok
    assert own_session.authenticated
    connect().register(jupyter_auth.provider("bitfount"))  # the preset as it is
    assert connect().configuration("bitfount").client_id not in {"other", rogue.client_id}


# Without a server


@pytest.mark.usefixtures("home")
def test_what_is_written_down_is_what_the_name_means(rogue):
    accounts = connect()
    made = Provider(name="acme", issuer=rogue.issuer, client_id="made")
    accounts.register(made)
    assert accounts.provider("acme").source == "code"
    accounts.add("acme", {"issuer": rogue.issuer, "client_id": "written"})
    assert accounts.configuration("acme").client_id == "written"
    assert [each.source for each in accounts.providers() if each.name == "acme"] == ["user"]


@pytest.mark.usefixtures("home")
def test_two_scripts_with_one_name_have_accounts_of_their_own(rogue, monkeypatch):
    monkeypatch.setenv("BROWSER", "true")
    one, two = (
        Provider(name="acme", issuer=rogue.issuer, client_id=rogue.client_id, title=title)
        for title in ("One", "Two")
    )
    accounts = connect()
    accounts.register(one)
    login = accounts.begin(LoginRequest("acme"))
    assert requests.get(login.url, timeout=PATIENCE).ok
    assert accounts.login(login.id).status == "complete"
    monkeypatch.setattr(clients, "_made", {})  # another process
    connect().register(two)
    with pytest.raises(LoginRequired):
        jupyter_auth.token("acme")
    connect().register(one)
    assert jupyter_auth.token("acme")


@pytest.mark.usefixtures("kernel_api")
def test_a_service_account_of_ones_own_changes_no_name(client, rogue):
    rogue.client_secret = "planted-secret"
    before = known(client)
    own = Provider(name="bitfount", issuer=rogue.issuer, client_id="x", service=Service())
    session = ClientSession(rogue.client_id, "planted-secret", provider=own)
    assert session.provider == "bitfount"
    assert known(client) == before
    assert connect().provider("bitfount") == before[0]
    assert "planted-secret" not in repr(connect()._registered)
