"""``TokenAuth``: where the token goes, where it never goes, and one other token where it must."""

from __future__ import annotations

import io
import os
import pickle
import warnings

import pytest
import requests

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError, LoginRequired
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.kernel.broker.connect import connect
from jupyter_auth.kernel.http.requests_auth import TokenAuth
from jupyter_auth.kernel.http.token_cache import CachedTokens
from jupyter_auth.kernel.http.warnings import AuthWarning
from kernel.http.planted_token import API, LOOK_ALIKES, PLANTED, Fixed
from kernel.sign_in import sign_in
from kernel.traceback_locals import local_variables
from memory_store import MemoryStore
from patience import PATIENCE
from providers import certificates
from providers.rogue import RogueProvider
from providers.troubles import Gate, Reply, close, status


def prepared(url, auth, **kwargs):
    return requests.Request("GET", url, auth=auth, **kwargs).prepare()


@pytest.fixture
def auth():
    return TokenAuth(Fixed(), origins=[API])


# Where the token goes


@pytest.mark.parametrize("url", [f"{API}/x", f"{API}:443/x", f"{API}/", f"{API}?a=b", API])
def test_the_token_goes_to_its_origin(auth, url):
    assert prepared(url, auth).headers["Authorization"] == f"Bearer {PLANTED}"


def test_one_label_of_an_origin_may_be_open():
    auth = TokenAuth(Fixed(), origins=["https://*.example.com"])
    sent = {}
    for host in ("na1.example.com", "na2.example.com", "a.na1.example.com", "example.com"):
        sent[host] = "Authorization" in prepared(f"https://{host}/x", auth).headers
    assert [*sent.values()] == [True, True, False, False]


@pytest.mark.parametrize("url", LOOK_ALIKES)
def test_it_goes_to_no_look_alike(auth, url):
    request = prepared(f"{API}/x", None)
    request.url = url  # as a redirect or an adapter may have left it
    assert "Authorization" not in auth(request).headers


@pytest.mark.parametrize("url", LOOK_ALIKES)
def test_nor_where_requests_makes_something_of_a_look_alike(auth, url):
    try:
        request = prepared(url, auth)
    except requests.RequestException:
        return
    sent_to = requests.utils.urlparse(request.url)
    same = (sent_to.scheme, sent_to.netloc) == ("https", "api.example.com")
    assert same == ("Authorization" in request.headers)


@pytest.mark.parametrize(
    "port", ["https://[::1]:8443", "http://127.0.0.1:8080", "http://localhost"]
)
def test_loopback_and_other_ports(port):
    auth = TokenAuth(Fixed(), origins=[port])
    assert "Authorization" in prepared(f"{port}/x", auth).headers
    assert "Authorization" not in prepared(f"{API}/x", auth).headers


@pytest.mark.parametrize(
    "origin", ["http://api.example.com", "https://me@api.example.com", "api.example.com", "*"]
)
def test_origins_that_no_token_should_go_to_are_refused(origin):
    with pytest.raises(ConfigurationError):
        TokenAuth(Fixed(), origins=[origin])


def test_origins_are_a_list():
    for origins in (None, API):
        with pytest.raises(TypeError):
            TokenAuth(Fixed(), origins=origins)


def test_the_callers_headers_stay_as_they_were(auth):
    mine = {"Accept": "text/plain", "authorization": "mine"}
    request = prepared(f"{API}/x", auth, headers=mine)
    assert mine == {"Accept": "text/plain", "authorization": "mine"}
    assert request.headers["Authorization"] == f"Bearer {PLANTED}"
    elsewhere = prepared("https://elsewhere.example/x", auth, headers=mine)
    assert elsewhere.headers["Authorization"] == "mine"


# Nothing shows it


def test_headers_show_and_pickle_no_token(auth):
    request = prepared(f"{API}/x", auth)
    value = request.headers["Authorization"]
    shown = [
        repr(value),
        str(value),
        f"{value}",
        repr(request.headers),
        repr(dict(request.headers)),
    ]
    shown += [repr(vars(auth)), str(vars(request))]
    assert not any(PLANTED in each for each in shown)
    assert PLANTED.encode() not in pickle.dumps(request.headers)
    assert value.encode() == f"Bearer {PLANTED}".encode()  # and yet it is what is sent


def test_the_header_arrives(rogue):
    auth = TokenAuth(Fixed(), origins=[rogue.issuer])
    requests.get(f"{rogue.issuer}/api/x", auth=auth)
    assert rogue.seen("api")[0].bearer == PLANTED


# A refused token. ``idp`` is the real engine before a provider over a socket.


BODIES = {
    "bytes": lambda: b"content of the body",
    "text": lambda: "content of the body",
    "form": lambda: {"a": "content of the body"},
    "file": lambda: io.BytesIO(b"content of the body"),
}


@pytest.mark.parametrize("make", BODIES.values(), ids=BODIES)
def test_one_refresh_and_one_retry_with_the_whole_body(idp, rogue, http, make):
    expected = http.post(f"{rogue.issuer}/api/x", data=make(), auth=idp).json()
    rogue.expire()
    answer = http.post(f"{rogue.issuer}/api/x", data=make(), auth=idp)
    assert answer.status_code == 200
    assert answer.json() == expected
    assert [each.status_code for each in answer.history] == [401]
    assert rogue.refreshes == 1


def test_a_file_is_sent_from_where_it_stood(idp, rogue, http):
    rogue.expire()
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    assert http.post(f"{rogue.issuer}/api/x", data=file, auth=idp).json()["length"] == 6


def test_a_body_that_is_gone_brings_the_401_and_a_fresh_token(idp, rogue, http):
    rogue.expire()

    def body():
        yield b"only once"

    url = f"{rogue.issuer}/api/x"
    assert http.post(url, data=body(), auth=idp).status_code == 401
    assert len(rogue.seen("api")) == 1
    assert http.get(url, auth=idp).status_code == 200
    assert rogue.refreshes == 1


def test_a_file_that_cannot_go_back_brings_the_401(idp, rogue, http):
    class Stream(io.BytesIO):
        def seek(self, *_):
            raise OSError

        def tell(self):
            return 0

    rogue.expire()
    stream = Stream(b"only once")
    assert http.post(f"{rogue.issuer}/api/x", data=stream, auth=idp).status_code == 401


def test_it_never_loops(idp, rogue, http):
    rogue.script("api", status(401))
    assert http.get(f"{rogue.issuer}/api/x", auth=idp).status_code == 401
    assert len(rogue.seen("api")) == 2
    assert rogue.refreshes == 1
    for _ in range(5):  # nor does it refresh each time an API says no
        http.get(f"{rogue.issuer}/api/x", auth=idp)
    assert rogue.refreshes == 1


@pytest.mark.parametrize(("refresh_on", "refreshes"), [((401,), 0), ((401, 403), 1)])
def test_which_answers_bring_a_refresh(idp, rogue, http, refresh_on, refreshes):
    rogue.script("api", status(403), times=1)
    auth = TokenAuth(idp._source, origins=idp.origins, refresh_on=refresh_on)
    answer = http.get(f"{rogue.issuer}/api/x", auth=auth)
    assert (answer.status_code, rogue.refreshes) == ((200, 1) if refreshes else (403, 0))


def test_cookies_and_streams_survive_the_retry(idp, rogue, http):
    rogue.expire()
    http.cookies.set("mine", "kept")
    answer = http.get(f"{rogue.issuer}/api/x", auth=idp, stream=True)
    assert answer.json()["path"] == "/api/x"
    assert rogue.seen("api")[-1].headers["cookie"] == "mine=kept"
    assert answer.elapsed.total_seconds() > 0


def test_an_account_that_ended_is_said(idp, rogue, http):
    rogue.expire()
    rogue._families.clear()
    with pytest.raises(LoginRequired):
        http.get(f"{rogue.issuer}/api/x", auth=idp)


def test_a_request_near_the_end_of_a_token_does_not_wait(rogue, http, configured, clock):
    rogue.clock = clock
    engine = Engine(Providers(configured), MemoryStore(), clock=clock)
    sign_in(engine, rogue, engine.begin(LoginRequest("idp")))
    auth = TokenAuth(CachedTokens(engine, "idp", clock=clock), origins=[rogue.issuer])
    assert http.get(f"{rogue.issuer}/api/x", auth=auth).ok
    clock.advance(3600 - 59)
    gate = rogue.script("refresh", Gate())
    assert http.get(f"{rogue.issuer}/api/x", auth=auth).ok
    assert gate.arrived.wait(PATIENCE)
    assert http.get(f"{rogue.issuer}/api/x", auth=auth).ok
    gate.release()
    engine.close()


# Elsewhere


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_request_elsewhere_says_how_to_allow_it(auth, http, elsewhere, code):
    elsewhere.reply = Reply(code)
    with pytest.warns(AuthWarning, match="api_origins") as caught:
        assert http.get(f"{elsewhere.origin}/x?secret=1", auth=auth).status_code == code
    assert elsewhere.origin in str(caught[0].message)
    assert "secret" not in str(caught[0].message)
    assert caught[0].filename == __file__
    assert "authorization" not in elsewhere.seen[0].headers


def test_other_answers_from_elsewhere_are_nobodys_business(auth, http, elsewhere):
    for code in (200, 404, 500):
        elsewhere.reply = Reply(code)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            http.get(f"{elsewhere.origin}/x", auth=auth)


def test_netrc_does_not_replace_the_token(rogue, home, idp):

    (home / ".netrc").write_text("default login mallory password planted\n")
    (home / ".netrc").chmod(0o600)
    with requests.Session() as session:
        assert requests.utils.get_netrc_auth(rogue.issuer)
        assert session.get(f"{rogue.issuer}/api/x", auth=idp).ok


# Proxies: http is for this machine alone, where nobody sees it; one of the environment would


def test_a_proxy_never_sees_the_token(idp, rogue, proxied, monkeypatch):
    url = f"{rogue.issuer}/api/x"
    with pytest.raises(ConfigurationError, match="HTTP_PROXY would see the token") as caught:
        requests.get(url, auth=idp)
    assert "NO_PROXY" in caught.value.hint
    assert not proxied
    monkeypatch.setenv("NO_PROXY", "example.org, 127.0.0.0/8")
    assert requests.get(url, auth=idp).ok
    assert not proxied


def test_nor_does_it_see_one_that_a_session_was_given_for(session, rogue, proxied):
    url = f"{rogue.issuer}/api/x"
    assert session.get(url).ok  # by itself it passes none
    assert session.get(url, auth=TokenAuth("idp")).ok
    with pytest.raises(ConfigurationError):
        requests.get(url, auth=session.auth)
    session.proxies = {"http": os.environ["HTTP_PROXY"]}  # nor one of its own
    assert session.get(url).ok
    assert not proxied


def test_nor_where_a_redirect_leads_to_this_machine(rogue, tmp_path, proxied, monkeypatch):
    """The redirect itself is followed, and the proxy sees it. The key stays here."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name)
    certificate = certificates.make(tmp_path)
    with RogueProvider(certificate=certificate) as api:
        auth = TokenAuth(Fixed("x-api-key", PLANTED), origins=[api.issuer, rogue.issuer])
        api.script("api", lambda _: Reply(302, headers={"Location": f"{rogue.issuer}/api/x"}))
        requests.get(f"{api.issuer}/api/x", auth=auth, verify=str(certificate.ca_bundle))
        assert api.seen("api")[0].headers["x-api-key"] == PLANTED
    assert len(proxied) == 1
    assert PLANTED not in repr(proxied)


def test_requests_elsewhere_are_the_callers_business(auth, elsewhere, proxied):
    assert requests.get(f"{elsewhere.origin}/x", auth=auth).status_code == 502
    assert len(proxied) == 1


# By name


@pytest.mark.usefixtures("kernel_api", "signed_in")
def test_by_name(rogue, http):
    auth = TokenAuth("idp")
    assert auth.origins == (rogue.issuer,)
    assert http.get(f"{rogue.issuer}/api/x", auth=auth).json()["sub"] == "u-2001"


@pytest.mark.usefixtures("kernel_api", "signed_in")
def test_answers_pickle_without_the_token(rogue, http):
    secret = connect().token("idp").access_token.reveal()
    answer = http.get(f"{rogue.issuer}/api/x", auth=TokenAuth("idp"))
    pickled = pickle.dumps(answer)
    assert secret.encode() not in pickled
    again = pickle.loads(pickled)  # noqa: S301
    assert again.json() == answer.json()
    assert PLANTED not in local_variables(ValueError(again))


def test_a_connection_that_breaks_is_an_error_of_requests(idp, rogue, http):
    rogue.script("api", close())
    with pytest.raises(requests.ConnectionError):
        http.get(f"{rogue.issuer}/api/x", auth=idp)
