"""Who did what, when and from where: on one line each, which no name forges, without a token."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from core.sign_in import sign_in
from hub.service_client import hub_token, people_of, serving
from hub.storage.databases import ALICE
from jupyter_auth.core.errors import ConsentRequired, RefreshRejected
from jupyter_auth.core.models import AccountKey
from jupyter_auth.server.hub import audit
from jupyter_auth.server.hub.storage.sql_store import USE
from jupyter_auth.server.hub.users.lookup_turns import TrustedProxies
from patience import PATIENCE

if TYPE_CHECKING:
    from clock import Clock
    from hub.hub_process import Hub
    from jupyter_auth.server.hub.audited_broker import AuditedBroker
    from jupyter_auth.server.hub.brokers import HubBrokers
    from providers.rogue import RogueProvider

DOCS = Path(__file__).parents[2] / "docs"
LINE = re.compile(r'(\S+Z) ([^"]+):((?: [a-z_]+="(?:[^"\\\n]|\\.)*")+)')


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "jupyter_auth.audit")
    return caplog


def heard(log: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The fields of all lines, each of which can be read back."""
    found = []
    for record in log.records:
        if record.name == "jupyter_auth.audit":
            time, event, said = LINE.fullmatch(record.getMessage()).groups()
            pairs = re.findall(r' ([a-z_]+)=("(?:[^"\\]|\\.)*")', said)
            read = {"time": time, "event": event} | {k: json.loads(v) for k, v in pairs}
            assert read == record.audit == json.loads(audit.JSONLines().format(record))
            found.append(read)
    return found


def test_a_name_forges_no_line_and_no_field(log: pytest.LogCaptureFixture) -> None:
    evil = 'x" user="root\n2026-01-01T00:00:00Z signed out: user="root"\u2028\u202e\x1b[2K\\'
    audit.log("signed out", evil, AccountKey("idp", evil), notebook=evil, note=evil)
    (said,) = heard(log)
    assert {said[name] for name in ("user", "session_key", "notebook", "note")} == {evil}
    assert log.messages[0].isascii()
    assert log.messages[0].isprintable()
    written = datetime.fromisoformat(said["time"])
    assert abs((datetime.now(UTC) - written).total_seconds()) < PATIENCE


def test_the_first_use_in_each_hour_by_each_notebook(
    replica: HubBrokers, rogue: RogueProvider, clock: Clock, log: pytest.LogCaptureFixture
) -> None:
    sign_in(replica.engine(ALICE), rogue)
    broker: AuditedBroker = replica.of_owner(ALICE)
    handed: list[str] = []

    async def use(*notebooks: str) -> None:
        for _ in range(3):
            for each in notebooks:
                answer = await broker.token({"provider": "idp", "notebook": each})
                handed.append(answer["access_token"])
        await asyncio.gather(*broker._noting)

    async def hours() -> None:
        await use("a.ipynb", "b.ipynb", "")
        clock.advance(USE - 1)
        await use("a.ipynb", "b.ipynb")
        clock.advance(2)
        await use("a.ipynb")

    asyncio.run(hours())
    uses = [each for each in heard(log) if each["event"] == "token used"]
    named = [each.get("notebook", "") for each in uses]
    assert (sorted(named[:3]), named[3:]) == (["", "a.ipynb", "b.ipynb"], ["a.ipynb"])
    assert {each["subject"] for each in uses} == {rogue.sub}
    assert broker._store.used_at(AccountKey("idp")) == clock()
    assert not [each for each in handed if each[:12] in log.text]


def test_a_kernel_that_keeps_its_token_uses_the_account(
    replica: HubBrokers, rogue: RogueProvider, clock: Clock, log: pytest.LogCaptureFixture
) -> None:
    sign_in(replica.engine(ALICE), rogue)
    broker = replica.of_owner(ALICE)

    async def report(**more: str) -> None:
        await broker.usage({"provider": "idp", **more})
        await asyncio.gather(*broker._noting)

    asyncio.run(report())
    then = broker._store.used_at(AccountKey("idp"))
    assert then == clock()
    clock.advance(2 * USE)
    asyncio.run(report(client_id="of a service"))
    assert broker._store.used_at(AccountKey("idp")) == then
    assert heard(log) == []


def test_a_new_sign_in_is_used_for_the_first_time(
    replica: HubBrokers, rogue: RogueProvider, log: pytest.LogCaptureFixture
) -> None:
    engine, broker = replica.engine(ALICE), replica.of_owner(ALICE)

    async def twice() -> None:
        for _ in range(2):
            await asyncio.to_thread(sign_in, engine, rogue)
            await broker.token({"provider": "idp"})
            await asyncio.gather(*broker._noting)
            assert (await broker.logout({"provider": "idp"}))["removed"]

    asyncio.run(twice())
    events = [each["event"] for each in heard(log)]
    assert [each for each in events if "revoked" not in each] == ["token used", "signed out"] * 2


def test_a_refusal_is_told_once(
    replica: HubBrokers, rogue: RogueProvider, clock: Clock, log: pytest.LogCaptureFixture
) -> None:
    sign_in(replica.engine(ALICE), rogue)
    rogue._families.clear()
    clock.advance(10 * USE)

    async def ask() -> None:
        for _ in range(3):
            with pytest.raises(RefreshRejected):
                await replica.of_owner(ALICE).token({"provider": "idp"})

    asyncio.run(ask())
    (refused,) = (each for each in heard(log) if "refused" in each["event"])
    assert (refused["user"], refused["subject"]) == (ALICE.name, rogue.sub)


def test_the_address_is_that_before_the_trusted_proxies(
    served: Hub, rogue: RogueProvider, tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    served.session(served.api_token).post(served.url("hub/api/users/zoe"), timeout=PATIENCE)
    (tmp_path / "behind").mkdir()
    token, asked = hub_token(served, "zoe"), {"provider": "idp", "notebook": "n.ipynb"}

    async def ask(home: Path, *trusted: str) -> None:
        people = people_of(served, downstream=TrustedProxies(trusted))
        with serving(people, home, rogue.issuer) as origin:
            headers = {
                "Authorization": f"token {token}",
                "Jupyter-Auth-Version": "1",
                "X-Forwarded-For": "8.8.8.8, 2001:db8::7",
            }
            url = f"{origin}/services/jupyter-auth/api/v1/logins"
            given: dict[str, Any] = {"json": asked, "headers": headers, "timeout": PATIENCE}
            answer = await asyncio.to_thread(requests.post, url, **given)
            assert answer.status_code == 201, answer.text

    asyncio.run(ask(tmp_path))
    asyncio.run(ask(tmp_path / "behind", "127.0.0.1"))
    for each, address in zip(heard(log), ("127.0.0.1", "2001:db8::7"), strict=True):
        assert (each["event"], each["user"]) == ("sign-in asked for", "zoe")
        assert (each["notebook"], each["address"]) == ("n.ipynb", address)


def test_what_a_person_agrees_to_refuses_and_revokes(
    replica: HubBrokers, rogue: RogueProvider, log: pytest.LogCaptureFixture
) -> None:
    replica._settings = dataclasses.replace(replica._settings, consent=True)
    broker = replica.of_owner(ALICE)
    sign_in(broker.engine, rogue)
    asked = {"provider": "idp", "notebook": "n.ipynb", "kernel": "k"}

    async def asks(answer: str) -> None:
        login = await broker.begin(asked | {"grant": "consent", "scopes": ["openid"]})
        await broker.agree(await broker.login_info(login["id"]), answer)

    async def use() -> None:
        await asks("")
        with pytest.raises(ConsentRequired):
            await broker.token(asked)
        await asks("always")
        assert await broker.token(asked)
        await asyncio.gather(*broker._noting)
        assert (await broker.revoke_consent(asked))["removed"]

    asyncio.run(use())
    found = heard(log)
    assert [each["event"] for each in found] == [
        "consent asked for",
        "consent denied",
        "consent asked for",
        "consent given",
        "token used",
        "consent revoked",
    ]
    assert {each["notebook"] for each in found} == {"n.ipynb"}


def test_the_configuration_of_the_documentation_writes_json(tmp_path: Path) -> None:
    _, _, after = (DOCS / "hub/operate.md").read_text().partition("from logging.config import")
    recipe = "from logging.config import" + after.partition("```")[0]
    recipe = recipe.replace("/var/log/jupyter-auth", str(tmp_path))
    script = f"""
import logging
from jupyter_auth.server.hub import audit
logging.basicConfig(level=logging.INFO)
{recipe}{recipe}
audit.log("signed out", "alice\\n")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], stderr=subprocess.PIPE, text=True, check=True
    )
    (line,) = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert json.loads(line) | {"time": ""} == {"time": "", "event": "signed out", "user": "alice\n"}
    assert done.stderr.count('signed out: user="alice\\n"\n') == 1
