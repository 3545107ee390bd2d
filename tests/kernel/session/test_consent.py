"""A second notebook asks its person once, and goes on or says why not."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from core.sign_in import table
from jupyter_auth import token
from jupyter_auth.core.consent.consents import Asker, Consents
from jupyter_auth.core.consent.store import FileConsents
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConsentRequired, LoginRequired, StoreError
from jupyter_auth.core.models import AccountKey, LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.tokens.store import FileStore
from jupyter_auth.kernel.broker.connect import connect
from jupyter_auth.kernel.commands import verbs
from jupyter_auth.kernel.commands.verb_parser import shared_parser
from jupyter_auth.kernel.session.user_session import UserSession
from kernel.sign_in import person, sign_in
from patience import PATIENCE, eventually

IDP = AccountKey("idp")


@pytest.fixture
def engine(home, configured, tmp_path):  # noqa: ARG001 (its discovery runs in that environment)
    """One that asks for consent."""
    kept = tmp_path / "store"
    made = Engine(Providers(configured), FileStore(kept), consents=FileConsents(kept))
    yield made
    made.close()


@pytest.fixture
def notebook(kernel_api, signed_in, monkeypatch):  # noqa: ARG001
    """A notebook of that name in a Jupyter server where rosa has signed in elsewhere."""
    monkeypatch.setenv("JPY_SESSION_NAME", "work/analysis.ipynb")


def answers(engine, lasts):
    """A person who answers the next question."""
    return person(engine, None, lambda login: engine.consent.agree(login.id, lasts))


def session():
    return UserSession("idp", interactive=True, timeout=PATIENCE)


@pytest.mark.usefixtures("notebook")
def test_it_asks_once_and_goes_on(engine, rogue, capsys):
    with answers(engine, "always") as done:
        first = session()
    assert first.get("/api/x").json()["sub"] == rogue.sub
    assert done[0].notebook == "analysis.ipynb"
    said = capsys.readouterr().err
    assert "Allow this notebook to use The IdP …: " in said
    assert "This notebook may use The IdP now as" in said
    session().get("/api/x").raise_for_status()  # nobody answers: nothing is asked
    assert engine.logins() == []


@pytest.mark.usefixtures("notebook")
def test_a_no_is_the_reason_and_is_not_asked_again_by_requests(engine):
    with answers(engine, "always"):
        made = session()
    assert engine.consents.revoke(IDP)
    assert eventually(lambda: made._account.tokens.held is None)  # told within a second
    with answers(engine, ""), pytest.raises(LoginRequired) as caught:
        made.get("/api/x")
    assert caught.value.message == "analysis.ipynb was not allowed to use the account at idp."
    with pytest.raises(LoginRequired, match="was not allowed"):
        made.get("/api/x")
    assert engine.logins() == []
    with answers(engine, "day"):
        made.authenticate()
    made.get("/api/x").raise_for_status()


@pytest.mark.usefixtures("home")
def test_a_sign_out_without_the_server_ends_what_it_was_told():
    store = FileStore()
    kept = Consents(FileConsents(store.directory), time.time, lambda _: None)
    for key in (IDP, AccountKey("other")):
        kept.give(key, "rosa", Asker("a.ipynb"), (), "always")
    assert not connect().logout("idp").removed
    assert [each.provider for each in kept.all()] == ["other"]
    assert [each.provider for each in connect().allowed()] == ["other"]


@pytest.mark.usefixtures("home")
def test_a_sign_out_ends_what_was_allowed_of_accounts_made_of_it(configured, rogue, tmp_path):
    api = table(rogue, exchange={"from": "idp", "audience": "api"})
    kept = FileConsents(tmp_path)
    with closing(
        Engine(Providers({**configured, "api": api}), FileStore(tmp_path), consents=kept)
    ) as made:
        for key in (AccountKey("api"), AccountKey("other")):
            made.consents.give(key, "rosa", Asker("a.ipynb"), (), "always")
        made.logout("idp")
        assert [each.key.provider for each in made.consents.all()] == ["other"]


@pytest.mark.usefixtures("signed_in")
def test_a_sign_out_reaches_the_provider_though_consents_cannot_be_written(engine, rogue, tmp_path):
    (tmp_path / "store" / "consents" / "consents.json").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"consents\.json, which cannot be used"):
        engine.logout("idp")
    assert len(rogue.revoked) == 2
    assert engine.accounts() == []


@pytest.mark.usefixtures("notebook")
def test_where_it_cannot_ask_it_says_what_to_do(engine):
    says = r"analysis\.ipynb may not use your account at idp yet\. Run `UserSession\('idp'\)` in"
    with pytest.raises(ConsentRequired, match=says):
        UserSession("idp", interactive=False)
    with pytest.raises(ConsentRequired, match=says):
        token("idp")
    assert engine.logins() == []


@pytest.mark.usefixtures("notebook")
def test_a_terminal_lists_and_ends_them(engine):
    with answers(engine, "always"):
        session()
    engine.consents.give(IDP, "somebody", Asker(), (), "day")
    table = verbs.status("idp")
    assert table.headings[-1] == "notebooks"
    assert table.rows[0][-1] == "analysis.ipynb, programs"
    parser = shared_parser("jupyter auth")[0]
    for path, did in (
        ("analysis.ipynb", "may no longer"),
        ("programs", "may no longer"),
        ("x.ipynb", "was not allowed to"),
    ):
        given = parser.parse_args(["logout", "idp", "--notebook", path])
        said = str(verbs.run(given, input))
        assert said == f"{path} {did} use your account at idp."
    assert engine.consents.all() == []
    assert verbs.status("idp").headings[-1] == "scopes"
    assert len(engine.accounts()) == 1


def test_a_program_asks_for_programs_alone(engine, kernel_api, signed_in, monkeypatch):  # noqa: ARG001
    with pytest.raises(ConsentRequired, match=r"A program .* `jupyter auth login idp` in a term"):
        token("idp")
    with answers(engine, "day"):
        session()
    assert token("idp")
    monkeypatch.setenv("JPY_SESSION_NAME", "analysis.ipynb")
    with pytest.raises(ConsentRequired, match=r"analysis\.ipynb"):
        token("idp")


@pytest.mark.usefixtures("notebook")
def test_a_sign_in_for_a_notebook_is_its_consent_and_a_sign_out_ends_all(engine, rogue):
    engine.logout("idp", revoke=False)
    with person(engine, rogue):
        made = session()
    made.get("/api/x").raise_for_status()
    (kept,) = engine.consents.all()
    assert (kept.notebook, kept.until) == ("analysis.ipynb", None)
    made.logout(revoke=False)
    assert engine.consents.all() == []
    assert sign_in(engine, rogue, engine.begin(LoginRequest("idp"))).status == "complete"
    with pytest.raises(ConsentRequired):
        token("idp")
