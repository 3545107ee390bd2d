"""``UserSession()``: each request is signed by the account of its origin."""

from __future__ import annotations

import copy
import pickle
import threading

import pytest

from jupyter_auth.core.errors import ConfigurationError, LoginRequired
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.kernel.broker import connect
from jupyter_auth.kernel.http.warnings import AuthWarning
from jupyter_auth.kernel.session.by_origin import ByOrigin
from jupyter_auth.kernel.session.sign_in import UserAccountOptions
from jupyter_auth.kernel.session.user_session import UserSession
from kernel.broker_socket import BrokerSocket
from kernel.echo_api import Api
from kernel.forks_and_interrupts import child
from kernel.kernel_process import Kernel
from kernel.sign_in import person, sign_in
from patience import PATIENCE, eventually
from providers.rogue import RogueProvider
from providers.troubles import Reply


@pytest.fixture
def acme():
    with Api() as made:
        yield made


@pytest.fixture
def bank():
    with Api() as made:
        yield made


@pytest.fixture
def strange():
    with Api() as made:
        yield made


@pytest.fixture
def rogue():
    with RogueProvider() as made:
        yield made


@pytest.fixture
def configured(rogue, acme, bank):
    common = {
        "issuer": rogue.issuer,
        "client_id": rogue.client_id,
        "scopes": ["openid"],
        "username_claim": "preferred_username",
    }
    return {
        "acme": common | {"title": "Acme", "base_url": acme.origin},
        "bank": common | {"title": "Bank", "base_url": bank.origin},
    }


@pytest.fixture(autouse=True)
def kernel_api(engine, tmp_path, monkeypatch):
    monkeypatch.setattr("jupyter_auth.kernel.broker.connect._chosen", [])
    with BrokerSocket(engine, tmp_path / "runtime") as opened:
        monkeypatch.setenv("JUPYTER_AUTH_CONNECTION", str(opened.path))
        yield opened


@pytest.fixture
def enter(engine, rogue):
    """Signs in to each of those providers."""

    def sign(*names, key="default"):
        for name in names:
            login = engine.begin(LoginRequest(name, key))
            assert sign_in(engine, rogue, login).status == "complete"

    return sign


def bearer(engine, name, key="default"):
    return f"Bearer {engine.token(name, key).access_token.reveal()}"


def test_each_request_gets_the_token_of_its_origin(enter, engine, acme, bank, strange):
    enter("acme", "bank")
    session = UserSession(interactive=False)
    for _ in range(2):
        assert session.get(f"{acme.origin}/x").json() == {"bearer": bearer(engine, "acme")}
        assert session.get(f"{bank.origin}/x").json() == {"bearer": bearer(engine, "bank")}
        assert session.get(f"{strange.origin}/x").json() == {"bearer": ""}
    assert bearer(engine, "acme") != bearer(engine, "bank")


def test_a_stream_and_pages_too(enter, engine, acme, bank):
    enter("acme", "bank")
    session = UserSession(interactive=False)
    acme.replies = [Reply.json({"next": f"{bank.origin}/2"})]
    first, second = session.get_pages(f"{acme.origin}/1", stream=True)
    assert first.url.startswith(acme.origin)
    assert second.json() == {"bearer": bearer(engine, "bank")}


def test_a_refused_token_is_renewed_by_its_own_account(enter, engine, bank):
    enter("acme", "bank")
    session = UserSession(interactive=False)
    before = bearer(engine, "acme"), bearer(engine, "bank")
    bank.replies = [Reply(401)]
    assert session.get(f"{bank.origin}/x").ok
    assert bearer(engine, "acme") == before[0]
    assert bearer(engine, "bank") != before[1]


def test_each_hop_is_signed_by_its_own_account(enter, engine, acme, bank, strange):
    enter("acme", "bank")
    session = UserSession(interactive=False)
    acme.replies = [Reply(302, headers={"Location": f"{strange.origin}/2"})]
    strange.replies = [Reply(302, headers={"Location": f"{bank.origin}/3"})]
    assert session.get(f"{acme.origin}/1").json() == {"bearer": bearer(engine, "bank")}
    assert acme.seen[0].headers["authorization"] == bearer(engine, "acme")
    assert "authorization" not in strange.seen[0].headers


def test_an_api_does_not_act_in_the_name_of_another_account(enter, acme, bank):
    enter("acme", "bank")
    session = UserSession(interactive=False)
    acme.replies = [Reply(307, headers={"Location": f"{bank.origin}/transfer"})]
    bank.replies = [Reply(401)]
    with pytest.warns(AuthWarning, match="since an API's response led there"):
        session.post(f"{acme.origin}/1", data={"amount": "5"})
    assert "authorization" not in bank.seen[0].headers


def test_a_redirect_asks_nobody_to_sign_in(enter, engine, acme, bank):
    enter("acme")
    session = UserSession(interactive=True)
    acme.replies = [Reply(302, headers={"Location": f"{bank.origin}/2"})]
    assert session.get(f"{acme.origin}/1").json() == {"bearer": ""}
    assert engine.logins() == []


def test_a_configured_provider_is_signed_in_to(engine, rogue, acme):
    session = UserSession(timeout=PATIENCE, interactive=True)
    with person(engine, rogue):
        assert session.get(f"{acme.origin}/x").json() == {"bearer": bearer(engine, "acme")}
    assert session.username == "rosa"


def test_or_it_says_that_a_sign_in_is_needed(acme):
    session = UserSession(interactive=False)
    with pytest.raises(LoginRequired, match="not signed in to acme"):
        session.get(f"{acme.origin}/x")
    assert acme.seen == []


def test_several_accounts_are_a_sentence_with_the_lines_to_write(enter, engine, acme):
    enter("acme")
    enter("acme", key="work")
    with pytest.raises(ConfigurationError) as caught:
        UserSession(interactive=False).get(f"{acme.origin}/x")
    said = str(caught.value)
    assert f"Several accounts are signed in for {acme.origin}: acme, acme (work)." in said
    assert acme.seen == []
    lines = said.split("`")[1::2]
    assert lines == ["UserSession('acme')", "UserSession('acme', session_key='work')"]
    for line, key in zip(lines, ("default", "work"), strict=True):
        session = eval(line)  # noqa: S307 (what it tells people to write)
        assert session.get("x").json() == {"bearer": bearer(engine, "acme", key)}
    named = UserSession(session_key="work", interactive=False)
    assert named.get(f"{acme.origin}/x").json() == {"bearer": bearer(engine, "acme", "work")}


class TestOneAddress:
    """Two providers for one API."""

    @pytest.fixture
    def configured(self, configured, acme):
        configured["bank"]["base_url"] = acme.origin
        return configured

    def test_several_providers_are_a_sentence(self, engine, acme):
        with pytest.raises(ConfigurationError) as caught:
            UserSession(interactive=True).get(f"{acme.origin}/x")
        assert f"Several providers are configured for {acme.origin}: acme, bank." in str(
            caught.value
        )
        assert "`UserSession('acme')` or `UserSession('bank')`" in str(caught.value)
        assert engine.logins() == []

    def test_one_that_is_signed_in_is_enough(self, enter, engine, acme):
        enter("bank")
        got = UserSession(interactive=False).get(f"{acme.origin}/x")
        assert got.json() == {"bearer": bearer(engine, "bank")}


@pytest.mark.parametrize("status", [401, 403])
def test_an_unknown_api_is_a_sentence(enter, strange, status):
    session = UserSession(interactive=False)
    strange.replies = [Reply(status)] * 2
    host = strange.origin.partition("//")[2]
    with pytest.warns(AuthWarning) as heard:
        session.get(f"{strange.origin}/x?secret=1")
    said = str(heard[0].message)
    assert said.startswith(
        f"{host} answered {status}. It did not get a token: you're not signed in."
    )
    assert f"`UserSession('{strange.origin}')` signs in from the API's address alone" in said
    enter("acme", "bank")
    with pytest.warns(AuthWarning, match=r"none of your accounts \(acme, bank\) is for it"):
        session.get(f"{strange.origin}/x")


def test_accounts_that_come_and_go_are_noticed(enter, engine, acme):
    enter("acme")
    session = UserSession(interactive=False)
    assert session.get(f"{acme.origin}/x").json() == {"bearer": bearer(engine, "acme")}
    engine.logout("acme")
    enter("acme", key="work")
    work = {"bearer": bearer(engine, "acme", "work")}

    def moved():
        try:
            return session.get(f"{acme.origin}/x").json() == work
        except LoginRequired:
            return False

    assert eventually(moved)


def test_a_deliberate_sign_out_is_not_undone(enter, acme):
    enter("acme")
    session = UserSession(interactive=True)
    assert session.get(f"{acme.origin}/x").ok
    session.logout()
    with pytest.raises(LoginRequired, match="You signed out of Acme"):
        session.get(f"{acme.origin}/x")


def test_a_provider_made_in_code_is_not_found_by_origin(engine, rogue, strange):
    made = Provider(
        name="made", issuer=rogue.issuer, client_id="notebook", api_origins=(strange.origin,)
    )
    with person(engine, rogue):
        UserSession(made, interactive=True, timeout=PATIENCE)
    assert [each.provider.partition("~")[0] for each in engine.accounts()] == ["made"]
    assert UserSession(interactive=False).get(f"{strange.origin}/x").json() == {"bearer": ""}


# What it says of itself


def test_properties_are_those_of_the_only_account(enter, acme, bank):
    session = UserSession(interactive=False)
    with pytest.raises(ConfigurationError, match="no account yet, and you're not signed in"):
        _ = session.username
    assert repr(session) == "<UserSession>"
    enter("acme")
    assert (session.provider, session.username, session.scopes) == ("acme", "rosa", ("openid",))
    assert session.access_token
    assert session.get("/x").url == f"{acme.origin}/x"
    enter("bank")
    assert session.provider == "acme"
    session.get(f"{bank.origin}/x")
    with pytest.raises(ConfigurationError) as caught:
        _ = session.username
    assert "several accounts: acme, bank" in str(caught.value)
    assert "`UserSession('acme')` or `UserSession('bank')`" in str(caught.value)


def test_a_wrong_attribute_is_one(enter):
    enter("acme")
    session = UserSession(interactive=False)
    assert not hasattr(session, "usrname")
    assert not hasattr(UserSession("acme", interactive=False), "usrname")


def repickled(session):
    return pickle.loads(pickle.dumps(session))  # noqa: S301


@pytest.mark.parametrize("through", [copy.copy, copy.deepcopy, repickled])
def test_copies(enter, engine, acme, bank, through):
    enter("acme", "bank")
    session = UserSession(interactive=False)
    session.get(f"{acme.origin}/x")
    copied = through(session)
    for api, name in ((acme, "acme"), (bank, "bank")):
        assert copied.get(f"{api.origin}/x").json() == {"bearer": bearer(engine, name)}
    secret = engine.token("acme").access_token.reveal()
    assert secret.encode() not in pickle.dumps(session)


def test_in_threads_and_in_a_fork(enter, engine, acme, bank):
    enter("acme", "bank")
    session = UserSession(interactive=False)
    wanted = {acme.origin: bearer(engine, "acme"), bank.origin: bearer(engine, "bank")}
    wrong = []

    def ask(origin):
        got = [session.get(f"{origin}/x").json()["bearer"] for _ in range(5)]
        wrong.extend(each for each in got if each != wanted[origin])

    threads = [threading.Thread(target=ask, args=(each,)) for each in [*wanted] * 3]
    for each in threads:
        each.start()
    for each in threads:
        each.join(PATIENCE)
    assert wrong == []

    def in_child():
        for origin in wanted:
            ask(origin)
        return wrong

    assert child(in_child) == []


# With a default provider


def test_a_default_provider_goes_first(enter, engine, bank):
    enter("acme", "bank")
    connect.use(connect.connect(), "acme")
    session = UserSession(interactive=False)
    assert session.get("x").json() == {"bearer": bearer(engine, "acme")}
    assert session.get(f"{bank.origin}/x").json() == {"bearer": bearer(engine, "bank")}
    assert (session.provider, session.username) == ("acme", "rosa")
    assert repr(session).startswith("<UserSession 'acme' as rosa")
    copied = copy.copy(session)
    assert copied.get(f"{bank.origin}/x").json() == {"bearer": bearer(engine, "bank")}


@pytest.mark.parametrize("named", ["name", "option"])
def test_a_session_of_one_account_sends_no_other_ones_token(enter, acme, bank, named):
    enter("acme", "bank")
    connect.use(connect.connect(), "acme")
    if named == "name":
        session = UserSession("acme", interactive=False)
    else:
        session = UserSession(scopes=["openid"], interactive=False)
    session.get(f"{acme.origin}/x")
    session.get(f"{bank.origin}/x")
    assert "authorization" not in bank.seen[0].headers


class TestHeadersOfTheApi:
    """What an API wants in each request, unless the caller says something else."""

    @pytest.fixture
    def configured(self, configured):
        configured["bank"]["api_headers"] = {"Accept": "application/bank", "X-Version": "2"}
        return configured

    def test_they_go_to_it_alone(self, enter, acme, bank):
        enter("acme", "bank")
        session = UserSession(interactive=False)
        session.get(f"{acme.origin}/x")
        session.get(f"{bank.origin}/x")
        session.get(f"{bank.origin}/x", headers={"X-Version": "3"})
        assert "x-version" not in acme.seen[0].headers
        sent = [(each.headers["accept"], each.headers["x-version"]) for each in bank.seen]
        assert sent == [("application/bank", "2"), ("application/bank", "3")]


def test_a_preset_that_would_do_is_named():
    said = ByOrigin(UserAccountOptions()).no_account_at("https://hub.bitfount.com/x")
    assert said.endswith("you're not signed in. `UserSession('bitfount')` signs in.")


def test_a_cell_needs_no_name(enter, kernel_api, acme, bank, tmp_path):
    enter("acme", "bank")
    with Kernel(tmp_path, kernel_api.path) as kernel:
        kernel.ok("%load_ext jupyter_auth")
        urls = [acme.origin, bank.origin]
        kernel.ok(f"%%auth\nfor url in {urls}: assert session.get(url).json()['bearer'], url")
