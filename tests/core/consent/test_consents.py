"""Which notebook may use which account, for how long, and with which scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from clock import Clock
from jupyter_auth.core.consent import consents
from jupyter_auth.core.consent.consents import DAY, SESSION, Asker, Consents
from jupyter_auth.core.consent.store import FileConsents
from jupyter_auth.core.errors import ConsentRequired
from jupyter_auth.core.models import Account, AccountKey, ApiKeyAccount, Token
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path

ACME, WORK = AccountKey("acme"), AccountKey("acme", "work")
ALICE, BOB = "of alice", "of bob"
ANALYSIS, REPORT = Asker("a/analysis.ipynb", "k1"), Asker("report.ipynb", "k2")
PROGRAM = Asker()


class Kept(Consents):
    """With a clock of its own, and the accounts that were reported."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self.reported: list[AccountKey] = []
        super().__init__(FileConsents(directory), clock, self.reported.append)

    def allows(
        self, asker: Asker, *scopes: str, key: AccountKey = ACME, person: str = ALICE, api: str = ""
    ) -> bool:
        token = Token(
            access_token=Secret("x"), headers={}, scopes=scopes, person=person, resource=api
        )
        try:
            self.require(key, token, asker)
        except ConsentRequired:
            return False
        return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(tmp_path: Path, clock: Clock) -> Kept:
    return Kept(tmp_path, clock)


def test_one_notebook_one_account_one_person(kept: Kept) -> None:
    assert not kept.allows(ANALYSIS)
    kept.give(ACME, ALICE, ANALYSIS, (), "always")
    assert kept.allows(ANALYSIS)
    assert kept.allows(ANALYSIS._replace(kernel="another"))
    assert not kept.allows(REPORT)
    assert not kept.allows(PROGRAM)
    assert not kept.allows(Asker("analysis.ipynb", "k1"))  # elsewhere
    assert not kept.allows(ANALYSIS, key=WORK)
    assert not kept.allows(ANALYSIS, person=BOB)


def test_more_scopes_or_another_api_are_asked_for_again_and_what_was_agreed_stays(
    kept: Kept,
) -> None:
    kept.give(ACME, ALICE, ANALYSIS, ["read", "write"], "always")
    assert kept.allows(ANALYSIS, "read")
    assert not kept.allows(ANALYSIS, "read", "admin")
    assert not kept.allows(ANALYSIS, "read", api="https://vault")
    kept.give(ACME, ALICE, ANALYSIS, ["read", "https://vault"], "day")
    assert kept.allows(ANALYSIS, "read", api="https://vault")
    assert kept.allows(ANALYSIS, "write")


@pytest.mark.parametrize(("lasts", "seconds"), [("day", DAY), ("month", 30 * DAY)])
def test_it_ends_by_itself(kept: Kept, clock: Clock, lasts: str, seconds: float) -> None:
    kept.give(ACME, ALICE, PROGRAM, (), lasts)
    clock.now += seconds - 1
    assert kept.allows(PROGRAM)
    assert kept.all()[0].until == clock.now + 1
    clock.now += 1
    assert not kept.allows(PROGRAM)
    assert kept.all() == []


def test_a_session_is_one_kernel(kept: Kept, clock: Clock) -> None:
    kept.give(ACME, ALICE, ANALYSIS, (), "session")
    assert kept.allows(ANALYSIS)
    assert not kept.allows(ANALYSIS._replace(kernel="the next"))
    clock.now += SESSION
    assert not kept.allows(ANALYSIS)


def account(person: str) -> Account:
    return Account(
        provider="acme",
        session_key="default",
        fingerprint="x",
        access_token=Secret("y"),
        scopes=("read",),
        issued_at=0,
        signed_in_at=0,
        issuer="https://acme.example",
        subject=person,
    )


def test_a_sign_in_for_a_notebook_is_an_agreement_and_another_persons_ends_all(kept: Kept) -> None:
    alice, bob = account("alice"), account("bob")
    kept.give(ACME, alice.person, REPORT, ["read"], "always")
    kept.signed_in(alice, ANALYSIS.notebook, "k1")
    for asker in (ANALYSIS, REPORT):
        assert kept.allows(asker, "read", person=alice.person)
    kept.signed_in(alice, None, None)  # from the panel
    assert not kept.allows(PROGRAM, "read", person=alice.person)
    kept.signed_in(bob, ANALYSIS.notebook, "k1")
    assert kept.allows(ANALYSIS, "read", person=bob.person)
    assert [each.person for each in kept.all()] == [bob.person]


def test_nobody_inherits_what_an_unknown_person_agreed_to(kept: Kept) -> None:
    key = {"provider": "acme", "session_key": "default", "fingerprint": "x", "signed_in_at": 0}
    unknown = ApiKeyAccount(parts={"key": Secret("y")}, scopes=("read",), issued_at=0, **key)
    kept.signed_in(unknown, REPORT.notebook, "k2")
    assert kept.allows(REPORT, "read", person=unknown.person)
    kept.signed_in(unknown, ANALYSIS.notebook, "k1")
    assert kept.allows(ANALYSIS, "read", person=unknown.person)
    assert not kept.allows(REPORT, "read", person=unknown.person)


def test_a_revoked_one_is_reported_here_and_to_other_processes(
    kept: Kept, tmp_path: Path, clock: Clock
) -> None:
    there = Kept(tmp_path, clock)
    kept.give(ACME, ALICE, ANALYSIS, (), "always")
    kept.give(WORK, ALICE, ANALYSIS, (), "always")
    there.poll()
    assert there.reported == []
    assert kept.revoke(ACME, ANALYSIS.notebook)
    assert not kept.revoke(ACME, ANALYSIS.notebook)
    assert not kept.allows(ANALYSIS)
    assert kept.allows(ANALYSIS, key=WORK)
    there.poll()
    assert kept.reported == there.reported == [ACME]
    assert kept.revoke(WORK)
    assert kept.all() == []


def test_a_damaged_file_is_asked_for_again(kept: Kept, tmp_path: Path) -> None:
    kept.give(ACME, ALICE, ANALYSIS, (), "always")
    (file,) = (tmp_path / "consents").glob("*.json")
    assert file.stat().st_mode & 0o077 == 0
    file.write_text('[{"provider": 5}]')
    assert not kept.allows(ANALYSIS)
    kept.give(ACME, ALICE, ANALYSIS, (), "always")
    assert kept.allows(ANALYSIS)


def test_the_oldest_are_forgotten(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consents, "MOST", 3)
    for number in range(4):
        kept.give(ACME, ALICE, Asker(f"{number}.ipynb"), (), "always")
    assert [each.notebook for each in kept.all()] == ["1.ipynb", "2.ipynb", "3.ipynb"]
