"""A user's records are erased on request: the file of the database names nobody any more."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from sqlalchemy.engine import make_url

from core.sign_in import account_of, sign_in, table
from hub.storage.databases import ALICE, BOB, KEYS
from jupyter_auth.core.consent.store import Consent
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.server.config import Settings
from jupyter_auth.server.hub import cli
from jupyter_auth.server.hub.brokers import HubBrokers
from jupyter_auth.server.hub.storage import database as database_module
from jupyter_auth.server.hub.storage import identities
from jupyter_auth.server.hub.storage.consents import SqlConsents
from jupyter_auth.server.hub.storage.encryption import Encryption
from jupyter_auth.server.hub.storage.found_providers import SqlFoundProviders
from jupyter_auth.server.hub.storage.tables import records
from providers import troubles

if TYPE_CHECKING:
    from clock import Clock
    from jupyter_auth.core.models import Account
    from jupyter_auth.server.hub.storage.database import Database
    from providers.rogue import RogueProvider

pytestmark = pytest.mark.usefixtures("environment")


def raw(url: str) -> bytes:
    """The bytes of SQLite's files."""
    place = Path(make_url(url).database or "")
    return b"".join(each.read_bytes() for each in place.parent.glob(f"{place.name}*"))


def consent_to(account: Account) -> Consent:
    return Consent(
        provider=account.provider,
        session_key=account.session_key,
        notebook="work.ipynb",
        scopes=account.scopes,
        given_at=account.signed_in_at,
        person=account.person,
    )


@pytest.fixture
def _forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """As SQLite comes from its makers: Debian's overwrites what it deletes by itself."""
    set_up = database_module._set_up_sqlite

    def otherwise(connection: Any, record: Any) -> None:
        set_up(connection, record)
        connection.execute("PRAGMA secure_delete = OFF")

    monkeypatch.setattr(database_module, "_set_up_sqlite", otherwise)


@pytest.mark.usefixtures("_forgetful")
def test_no_row_and_no_byte_of_the_file_is_left(  # noqa: PLR0917
    database: Database,
    cipher: Encryption,
    url: str,
    rogue: RogueProvider,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    rogue.clock = clock
    known = {"idp": table(rogue)}
    monkeypatch.setenv("JUPYTER_AUTH_PROVIDERS", json.dumps(known))
    providers = Providers(known, allow_user_providers=False)
    place = {"base_url": "/services/"}
    with closing(HubBrokers(Settings(), providers, database, cipher, **place)) as brokers:
        alice, bob = brokers.engine(ALICE), brokers.engine(BOB)
        sign_in(alice, rogue)
        found = account_of(alice)
        alice.begin(LoginRequest("idp", "another"))
        SqlFoundProviders(database, cipher, ALICE).keep("found", {"issuer": rogue.issuer})
        with SqlConsents(database, cipher, ALICE).change() as consents:
            consents.append(consent_to(found))
        rogue.sub, rogue.username = "u-2002", "bob"
        sign_in(bob, rogue)
        person = identities.digests(Encryption(KEYS), found)
        traces = [ALICE.id, ALICE.name, *person]
        assert all(each.encode() in raw(url) or "postgres" in url for each in traces)

        rogue.script("revoke", troubles.status(503))
        assert cli.main(["erase", "alice"]) == 1
        said = capsys.readouterr().out
        assert "idp: not revoked yet." in said
        assert "were found: 1 (account), 1 (consents), 1 (found), 1 (logins). Left: 1." in said
        assert "Left are queued revocations, with the accounts" in said
        rogue.behave()
        assert cli.main(["erase", "alice"]) == 0
        said = capsys.readouterr().out
        assert "idp: revoked." in said
        assert "Backups and the logs of the service" in said
        assert alice.accounts() == []
        assert len(bob.accounts()) == 1

    rows = [tuple(map(str, row)) for row in database.rows(select(records))]
    assert not [each for row in rows for each in row if each in traces]
    if "sqlite" in url:
        assert not [each for each in traces if each.encode() in raw(url)]
        assert BOB.id.encode() in raw(url)
    assert [each for each in caplog.messages if 'erased by an administrator: user="alice"' in each]
    assert rogue.revoked == [found.refresh_token.reveal(), found.access_token.reveal()]
    assert cli.main(["erase", "alice"]) == 1
    assert "No records of a user 'alice' were found." in capsys.readouterr().out
