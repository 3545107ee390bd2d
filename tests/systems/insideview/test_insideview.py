"""InsideView, row by row of what is known of it: not OAuth on the wire, and service accounts alone.

The server is ``providers.presets.insideview``; the provider is the preset, moved to this machine.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta

import pytest

from jupyter_auth import AuthWarning, ClientSession, provider
from jupyter_auth.core.common.request_errors import Throttled
from jupyter_auth.core.errors import ConfigurationError, LoginRequired
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.field_types import Throttle
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.kernel.commands import verbs
from kernel.forks_and_interrupts import child
from kernel.traceback_locals import local_variables
from providers.presets.insideview import TOKEN_PATH, Credential, InsideView
from systems.at_home import write_down

SECOND = timedelta(seconds=1)  # what their dates are exact to
SECRET = InsideView.client_secret
CLIENT = {"client_id": InsideView.client_id}
ENVIRON = {
    "JUPYTER_AUTH_INSIDEVIEW_CLIENT_ID": InsideView.client_id,
    "JUPYTER_AUTH_INSIDEVIEW_CLIENT_SECRET": SECRET,
}


@pytest.fixture
def session(broker, table):
    broker({"insideview": table}, ENVIRON)
    with ClientSession(provider="insideview") as made:
        yield made


def test_flow_an_exchange_of_their_own(session, insideview):
    (asked,) = insideview.seen("/Auth")
    assert asked.method == "POST"
    assert asked.query["grantType"] == "cred"
    assert session.get("companies").json()["path"] == "/api/v1/companies"


def test_client_auth_camel_case_query_parameters(session, insideview):  # noqa: ARG001
    (asked,) = insideview.seen("/Auth")
    assert asked.query == {
        "clientId": InsideView.client_id,
        "clientSecret": SECRET,
        "grantType": "cred",
    }
    assert asked.body == b""
    assert "authorization" not in asked.headers


def test_token_url_fixed(session, insideview):  # noqa: ARG001
    assert [each.path for each in insideview.requests] == [TOKEN_PATH]


def test_extra_params_none(session, insideview):  # noqa: ARG001
    assert len(insideview.requests[0].query) == 3


def test_api_header_access_token(session, insideview):
    session.get("companies")
    (call,) = insideview.seen("/api")
    assert call.headers["accesstoken"] == session.access_token
    assert "authorization" not in call.headers
    assert call.headers["accept"] == "application/json"  # XML otherwise


def test_refresh_none_but_another_is_issued(session, insideview):
    before = str(session.access_token)
    insideview.expire()
    assert session.get("companies").status_code == 200
    assert str(session.access_token) != before
    assert len(insideview.seen("/Auth")) == 2


def test_revoke_not_offered(session, insideview):
    outcome = session.logout()
    assert outcome.removed
    assert not outcome.revoked
    assert "InsideView does not support revocation" in outcome.note
    assert len(insideview.requests) == 1  # nothing was sent
    with pytest.raises(LoginRequired, match="signed out"):
        session.get("companies")
    session.authenticate()
    assert session.get("companies").ok


def test_kept_under_ours_and_never_on_disk(session, tmp_path):
    token = str(session.access_token).encode()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if token in path.read_bytes()]


def test_independent_tokens_for_several_session_keys(session, insideview):
    other = ClientSession(provider="insideview", session_key="second")
    assert other.access_token != session.access_token
    same = ClientSession(provider="insideview", session_key="second")
    assert same.access_token == other.access_token  # the broker has it already
    assert len(insideview.seen("/Auth")) == 2
    other.logout()
    assert session.get("companies").ok
    assert len(insideview.seen("/Auth")) == 2


def test_leeway_ours_a_tenth_of_a_short_life(broker, table, insideview):
    insideview.lifetime = 3600
    broker({"insideview": table}, ENVIRON)
    before = datetime.now(UTC)
    session = ClientSession(provider="insideview")
    ends = session.access_token_expires_at
    assert ends.tzinfo is UTC
    assert before - SECOND <= ends - 3600 * SECOND <= datetime.now(UTC)
    assert session._account.tokens.held.refresh_at == ends.timestamp() - 60


def test_throttle_five_minutes_lockout_of_the_whole_account(session, insideview):
    other = ClientSession(provider="insideview", session_key="second")
    own = ClientSession(InsideView.client_id, SECRET, provider="insideview", session_key="third")
    assert other.get("companies").ok
    insideview.limit = 3
    before = time.time()
    answers = [session.get("companies") for _ in range(4)]
    after = time.time()
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert answers[-1].json()["errorType"] == "THROTTLED"
    sent = len(insideview.requests)
    for each in (session, other, own):  # theirs are locked out too: nothing is sent
        with pytest.raises(Throttled) as caught:
            each.get("companies")
        assert before + 300 <= caught.value.retry_at <= after + 300
    assert child(lambda: own.get("companies")).startswith("Throttled")
    assert len(insideview.requests) == sent


def test_throttle_another_credential_is_not_locked_out(session, insideview):
    insideview.credentials["iv-other"] = Credential("other-secret")
    other = ClientSession("iv-other", "other-secret", provider="insideview")
    insideview.limit = 1
    assert [session.get("companies").status_code for _ in range(2)] == [200, 429]
    assert other.get("companies").ok


def test_throttle_an_api_that_is_warned_of_in_time(broker, table, insideview):
    """Their limit is not published; who knows it configures it, and the rest stays the preset's."""
    insideview.limit = 10
    table["throttle"] |= {"limit": 10}
    broker({"insideview": table}, ENVIRON)
    session = ClientSession(provider="insideview")
    for _ in range(7):
        session.get("companies")
    with pytest.warns(AuthWarning, match="8 of 10 calls to InsideView"):
        session.get("companies")
    assert Providers({"insideview": {"throttle": {"limit": 10}}}).get("insideview").throttle == (
        Throttle(statuses=(429,), lockout=300, scope="client", limit=10, window=300)
    )


@pytest.mark.parametrize("own", [True, False])
def test_throttle_is_given_in_python_as_in_a_file(home, broker, table, insideview, own):
    """``provider("insideview", throttle={"limit": 10})``, with a secret of one's own or none."""
    write_down(home, {"insideview": table})
    insideview.limit = 10
    broker({}, ENVIRON)
    made = provider("insideview", throttle={"limit": 10})
    if not own:
        made = provider("insideview", throttle={"limit": 10}, client_secret=SECRET, **CLIENT)
    who = (InsideView.client_id, SECRET) if own else ()
    session = ClientSession(*who, provider=made, session_key="web")
    for _ in range(7):
        session.get("companies")
    with pytest.warns(AuthWarning, match=r"8 of 10 calls to InsideView \(web\) are used in 300 s"):
        session.get("companies")


def test_a_window_given_in_python_counts(home, broker, table, insideview):  # noqa: ARG001
    write_down(home, {"insideview": table})
    broker({}, ENVIRON)
    made = provider("insideview", throttle={"limit": 10, "window": 1e-3})
    session = ClientSession(InsideView.client_id, SECRET, provider=made)
    for _ in range(12):
        session.get("companies")  # a warning would be an error here


def test_a_credential_goes_by_the_name_that_a_person_gave_it(session, insideview):
    """``session_key``: in the table, in warnings and in errors, and no client ID."""
    web = ClientSession(provider="insideview", session_key="web")
    insideview.limit = 0
    web.get("companies")
    with pytest.raises(Throttled, match=r"^InsideView \(web\) takes no calls until"):
        web.get("companies")
    with pytest.raises(Throttled, match=r"^InsideView takes no calls until"):
        session.get("companies")
    table = verbs.status()
    rows = {row[1]: row[2] for row in table.rows}
    assert rows == {"default": "service account", "web": "service account"}
    insideview.credentials["iv-other"] = Credential("other-secret")
    other = ClientSession("iv-other", "other-secret", provider="insideview", session_key="web")
    other.get("companies")
    rows = {row[2] for row in verbs.status().rows if row[1] == "web"}
    assert rows == {"service account iv-4711", "service account iv-other"}


def test_a_person_is_told_that_there_is_nothing_to_sign_in_to(broker, table, insideview):
    engine = broker({"insideview": table}, ENVIRON)
    with pytest.raises(
        ConfigurationError, match="service accounts only: people cannot sign in"
    ) as caught:
        engine.begin(LoginRequest("insideview"))
    assert "ClientSession(provider='insideview')" in caught.value.hint
    assert insideview.requests == []


def test_the_expiry_is_read_with_its_half_of_the_day(broker, table, insideview):
    """``email.utils`` would drop the PM, and ``strptime`` go by the locale."""
    insideview.clock = lambda: datetime(2040, 7, 21, 21, 8, 17, tzinfo=UTC).timestamp()
    broker({"insideview": table}, ENVIRON)
    ends = ClientSession(provider="insideview").access_token_expires_at
    assert ends == datetime(2041, 7, 21, 21, 8, 17, tzinfo=UTC)


def test_a_wrong_secret_is_told_in_their_words(broker, table):
    broker({"insideview": table}, ENVIRON | {"JUPYTER_AUTH_INSIDEVIEW_CLIENT_SECRET": "wrong"})
    with pytest.raises(ConfigurationError, match="Invalid client credentials"):
        ClientSession(provider="insideview")


def test_a_date_in_another_spelling_costs_no_token(broker, table):
    broker({"insideview": table | {"expires_format": "%Y-%m-%d"}}, ENVIRON)
    session = ClientSession(provider="insideview")
    assert session.get("companies").ok
    assert session.access_token_expires_at is None


def test_the_secret_in_the_query_is_shown_nowhere(broker, table, insideview, caplog, capsys):
    """SECURITY 13: urllib3 logs the addresses of requests at debug, and errors tell them."""
    caplog.set_level(logging.DEBUG)
    broker({"insideview": table}, ENVIRON)
    ClientSession(provider="insideview").get("companies")
    insideview.__exit__()
    with pytest.raises(Exception, match="cannot be reached") as caught:
        ClientSession(InsideView.client_id, SECRET, provider="insideview", session_key="x")
    shown = caplog.text + "".join(capsys.readouterr()) + local_variables(caught.value)
    for secret in (SECRET, "5c0ffee"):
        assert secret not in shown
