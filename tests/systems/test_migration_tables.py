"""The tables for users of ``fourinsight-api`` and ``bitfount``, line by line: each is run,
here or by the scripts in ``ported``.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import requests

from documents import page
from jupyter_auth import UserSession
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.kernel.broker import connect
from jupyter_auth.kernel.commands import verbs
from patience import PATIENCE
from providers.presets.bitfount import Bitfount
from providers.presets.fourinsight import FourInsight
from providers.troubles import Reply
from systems.fourinsight.sign_in import sign_in
from systems.presets import bitfount_preset, preset_at

PAGE = page("how-to/migrate.md")


def rows(heading):
    """The left cells of the table under that heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    table = section.partition("|---|---|\n")[2].partition("\n\n")[0]
    return [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines()]


def ported(package, test):
    """The test of a script in ``ported`` that does what the line says."""
    scripts = Path(__file__).parent / package / "test_ported.py"
    assert f"\ndef {test}(" in scripts.read_text(encoding="utf-8")
    return test


# 4insight


@pytest.fixture
def fourinsight(broker, monkeypatch):
    """Its double, signed in to by alice."""
    monkeypatch.setattr(connect, "_chosen", [])
    with FourInsight(time.time) as server:
        moved = {
            "https://login.microsoftonline.com": server.origin,
            '"login.microsoftonline.com"': f'"{server.host}"',
            "https://api.4insight.io": server.origin,
        }
        table = preset_at("4insight", moved, client_secret=server.user_client_secret)
        engine = broker({"4insight": table})
        sign_in(engine, server)
        server.requests.clear()
        yield server


def no_name(_):
    verbs.use("4insight")
    assert UserSession().get("v1.0/Campaigns").ok
    assert UserSession().provider == "4insight"


def the_key_is_left_out(_):
    with pytest.raises(ConfigurationError, match="Leave it out"):
        UserSession("4insight", session_key=None)
    assert UserSession("4insight").session_key == "default"


def whole_and_relative_addresses(fourinsight):
    session = UserSession("4insight")
    url = f"{fourinsight.origin}/v1.0/Campaigns"
    assert session.get(url).url == session.get("v1.0/Campaigns").url == url
    for method in ("post", "put", "patch", "delete"):
        assert getattr(session, method)(url).ok
    assert all(call.bearer for call in fourinsight.requests)


def pages(fourinsight):
    found = list(UserSession("4insight").get_pages("v1.0/Campaigns", params={"$top": 1}))
    assert [answer.json()["value"] for answer in found] == [[1], [2], [3]]
    assert [call.query.get("$top") for call in fourinsight.requests] == ["1", None, None]


def the_access_token(fourinsight):
    session = UserSession("4insight")
    session.get("v1.0/Campaigns")
    assert fourinsight.requests[-1].bearer == session.access_token


def attributes(fourinsight):
    session = UserSession("4insight")
    assert session.authorized
    assert session.client_id == fourinsight.user_client_id


def a_refresh_by_itself(fourinsight):
    session = UserSession("4insight")
    fourinsight.expire()
    assert session.get("v1.0/Campaigns").ok
    session.authenticate()


def retries(fourinsight):
    session = UserSession("4insight")
    for status in (429, 502, 503, 504):
        fourinsight.troubles.append(Reply(status, headers={"Retry-After": "0"}))
        assert session.get("v1.0/Campaigns").ok
    for trouble in (Reply(413, headers={"Retry-After": "0"}), Reply(503)):
        fourinsight.troubles.append(trouble)
        assert session.get("v1.0/Campaigns").status_code == trouble.status
    busy = {"Retry-After": "0"}
    fourinsight.troubles.append(Reply(503, headers=busy))
    assert session.post("v1.0/Campaigns").status_code == 503
    session.allowed_methods |= {"POST"}
    fourinsight.troubles.append(Reply(503, headers=busy))
    assert session.post("v1.0/Campaigns").ok


def timeouts(fourinsight):
    session = UserSession("4insight")
    seen = []
    adapter = session.get_adapter(fourinsight.origin)
    send = adapter.send
    adapter.send = lambda *args, **kwargs: seen.append(kwargs["timeout"]) or send(*args, **kwargs)
    session.get("v1.0/Campaigns")
    session.get("v1.0/Campaigns", timeout=100)
    assert seen == [(10.0, 60.0), 100]


def what_the_api_answers(_):
    assert UserSession("4insight").get("v1.0/internal/x").status_code == 200


def its_own_origins(_):
    with FourInsight() as other:
        url = f"{other.origin}/x"
        with pytest.warns(UserWarning, match="did not get the token"):
            UserSession("4insight").get(url)
        UserSession("4insight", api_origins=[other.origin]).get(url)
        assert not other.requests[0].bearer
        assert other.requests[-1].bearer


FOURINSIGHT = {
    "`from fourinsight.api import UserSession, ClientSession`": ported(
        "fourinsight", "test_nightly"
    ),
    "`UserSession()`": no_name,
    "`UserSession(auth_force=True)`, `UserSession(True)`": ported("fourinsight", "test_two_people"),
    '`UserSession(session_key="my_unique_session_0")`': ported("fourinsight", "test_two_people"),
    "`UserSession(session_key=None)`": the_key_is_left_out,
    "the client secret in the package": (
        ported("fourinsight", "test_without_the_package_a_registration_of_ones_own_will_do")
    ),
    '"Paste code here:" in a cell': ported("fourinsight", "test_campaigns"),
    '`ClientSession("my_client_id", "my_client_secret")`': ported("fourinsight", "test_nightly"),
    '`session.get("https://api.4insight.io/…")`, `.post` and the others': (
        whole_and_relative_addresses
    ),
    "`session.get_pages(url, **kwargs)`": pages,
    '`session.token["access_token"]`': the_access_token,
    "`session.authorized`, `session.client_id`": attributes,
    "`session.fetch_token()`, `session.refresh_token()`": a_refresh_by_itself,
    "retries of 413, 429, 502, 503, 504, of a POST too": retries,
    "a timeout of 100 seconds": timeouts,
    "`ValueError` for an address with `internal` in it": what_the_api_answers,
    "the token goes along to any host": its_own_origins,
    "`~/.fourinsight/api/token`": (
        ported("fourinsight", "test_their_package_signs_in_and_ours_goes_on_from_there")
    ),
}


@pytest.mark.parametrize("there", rows("`fourinsight-api`"))
def test_fourinsight(there, fourinsight):
    check = FOURINSIGHT[there]
    if callable(check):
        check(fourinsight)


# Bitfount


@pytest.fixture
def bitfount():
    with Bitfount() as server:
        server.username, server.devices.interval = "alice", 0.1
        yield server


@pytest.fixture
def signed_in(broker, bitfount):
    """Its double, signed in to by alice."""
    engine = broker({"bitfount": bitfount_preset(bitfount)})
    login = engine.device.start(engine.begin(LoginRequest("bitfount")).id, confirm_by=None)
    bitfount.devices.approve(login.user_code)
    engine.changes(engine.changes().sequence, wait=PATIENCE)
    return bitfount


def as_alice():
    return UserSession("bitfount", username="alice", interactive=False)


def properties(bitfount):
    session = as_alice()
    assert (session.authenticated, session.expired, session.username) == (True, False, "alice")
    assert bitfount.active(session.access_token)
    assert session.access_token_expires_at.timestamp() > time.time()
    assert session.id_token.count(".") == 2
    assert session.api_keys is None


def what_is_not_here(_):
    session = as_alice()
    for name in ("refresh_token", "device_code", "token_file", "user_storage_path"):
        assert not hasattr(session, name)


def headers_by_itself(bitfount):
    session = as_alice()
    for name in ("hub_request_headers", "am_request_headers", "authentication_handler"):
        assert not hasattr(session, name)
    session.get("api/me")
    session.get(f"{bitfount.access_manager}/api/me")
    assert [call.bearer for call in bitfount.calls] == [session.access_token] * 2


def bitfount_retries(bitfount):
    session = as_alice()
    real = bitfount._serve
    for status, waits in ((429, True), (503, True), (404, False), (500, False), (504, False)):
        replies = [Reply(status, headers={"Retry-After": "0"})]
        bitfount._serve = lambda *args, left=replies: left.pop() if left else real(*args)
        assert session.get("api/me").ok is waits, status
    bitfount._serve = lambda *_: Reply(503, headers={"Retry-After": "0"})
    assert session.post("api/me").status_code == 503


def any_verb(bitfount):
    session = as_alice()
    assert isinstance(session, requests.Session)
    url = f"{bitfount.hub}/api/me"
    assert session.request("GET", url).url == session.get("api/me").url == url


BITFOUNT = {
    '`BitfountSession(username="alice")`': (
        ported("bitfount", "test_whoami_and_two_people_who_alternate")
    ),
    "`session.authenticate()`": ported("bitfount", "test_whoami_and_two_people_who_alternate"),
    "`session.authenticated`, `.expired`, `.access_token`, `.access_token_expires_at`,"
    " `.id_token`, `.username`, `.api_keys`": properties,
    "`session.refresh_token`, `.device_code`, `.token_file` and their like": what_is_not_here,
    "`session.hub_request_headers`, `.am_request_headers`, `.authentication_handler` of later"
    " versions": headers_by_itself,
    "retries of 404, 500, 502, 503 and 504": bitfount_retries,
    "`session.request(…)`, `.get(…)`": any_verb,
    "`BITFOUNT_API_KEY_ID`, `BITFOUNT_API_KEY`": ported("bitfount", "test_keys"),
    "`session.api_keys.access_key_id`, `.access_key`": ported("bitfount", "test_keys"),
    "`BitfountSession(client_id=…, scopes=…, audience=…)`": ported("bitfount", "test_scopes"),
    "`BitfountSession(auth_domain=…)`, `BITFOUNT_ENVIRONMENT=staging`": (
        ported("bitfount", "test_staging")
    ),
    "`AssertionError`: somebody else signed in": ported("bitfount", "test_errors"),
    "`ConnectionError`: denied, or too late": ported("bitfount", "test_errors"),
    "`~/.bitfount/<username>/.token`": (
        ported("bitfount", "test_whoami_and_two_people_who_alternate")
    ),
}


@pytest.mark.parametrize("there", rows("`bitfount`"))
def test_bitfount(there, signed_in):
    check = BITFOUNT[there]
    if callable(check):
        check(signed_in)


def test_no_line_is_checked_that_is_not_there():
    assert FOURINSIGHT.keys() == set(rows("`fourinsight-api`"))
    assert BITFOUNT.keys() == set(rows("`bitfount`"))
