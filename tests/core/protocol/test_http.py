"""A provider is heard for a bounded time and size, and nobody else hears what is said to it."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import ssl
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from core.sign_in import HERE
from jupyter_auth.core import __version__
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.errors import ConfigurationError, ProviderError
from jupyter_auth.core.protocol import http
from providers import certificates, troubles
from providers.rogue import RogueProvider
from providers.troubles import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.certificates import Certificate


def fetch(server) -> tuple[int, http.Json]:
    return http.get_json(f"{server.issuer}/jwks", "key set", HERE)


@contextmanager
def raw_server(*answer: bytes):
    """Sends these bytes to whoever connects, whatever they ask, and hangs up. Yields the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                for part in answer:
                    connection.sendall(part)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join()


def test_an_honest_answer_is_read(rogue):
    status, keys = fetch(rogue)
    assert status == 200
    assert keys == rogue.id_token.jwks()


def test_json_is_asked_for_by_our_own_name(rogue):
    """Some answer HTML or a form otherwise, and some refuse `python-requests`."""
    fetch(rogue)
    http.send("POST", f"{rogue.issuer}/revoke", "revocation endpoint", HERE, data={"token": "t"})
    for asked in rogue.requests:
        assert asked.headers["accept"] == "application/json"
        assert asked.headers["user-agent"] == f"jupyter-auth-session/{__version__}"


# -- time and size -------------------------------------------------------------------------------


def test_no_listener_is_unavailable(rogue):
    rogue.offline()
    with pytest.raises(ProviderUnavailable, match="cannot be reached"):
        fetch(rogue)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_trouble_over_there_is_unavailable(rogue, status):
    rogue.script("jwks", troubles.status(status, '{"error": "invalid_grant"}'))
    with pytest.raises(ProviderUnavailable, match=str(status)):
        fetch(rogue)


def test_hanging_up_is_unavailable(rogue):
    rogue.script("jwks", troubles.close())
    with pytest.raises(ProviderUnavailable):
        fetch(rogue)


def test_silence_ends(rogue, impatient):
    rogue.script("jwks", troubles.Gate())
    with impatient(), pytest.raises(ProviderUnavailable, match="in time"):
        fetch(rogue)


def test_dribble_ends(rogue, impatient):
    rogue.script("jwks", troubles.Gate(dribble=True))
    with impatient(), pytest.raises(ProviderUnavailable, match="in time"):
        fetch(rogue)


def test_silence_in_the_midst_of_a_body_ends(rogue, monkeypatch):
    monkeypatch.setattr(http, "READ_TIMEOUT", 0.5)
    gate = threading.Event()

    def body():
        yield b"{"
        gate.wait()

    rogue.script("jwks", lambda _: Reply(200, body()))
    with pytest.raises(ProviderUnavailable, match="in time"):
        fetch(rogue)
    gate.set()


def test_a_huge_body_is_not_read(rogue):
    rogue.script("jwks", troubles.huge())
    with pytest.raises(ProviderError, match="more than 1 MiB"):
        fetch(rogue)


def test_nor_is_a_small_one_that_grows_when_unpacked(rogue):
    bomb = gzip.compress(b" " * (8 << 20))
    rogue.script("jwks", lambda _: Reply(200, bomb, {"Content-Encoding": "gzip"}))
    with pytest.raises(ProviderError, match="more than 1 MiB"):
        fetch(rogue)


def test_a_packed_answer_is_unpacked(rogue):
    packed = gzip.compress(b'{"keys": []}')
    rogue.script("jwks", lambda _: Reply(200, packed, {"Content-Encoding": "gzip"}))
    assert fetch(rogue) == (200, {"keys": []})


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 200 + b"\r\n{}",
    ],
    ids=lambda answer: repr(answer[15:60]),
)
def test_broken_http_is_an_error_of_ours(answer):
    with raw_server(answer) as url, pytest.raises((ProviderUnavailable, ProviderError)):
        http.get_json(url, "key set", HERE)


# -- redirects, netrc, proxies -------------------------------------------------------------------


REDIRECTS = pytest.mark.parametrize("code", [301, 302, 303, 307, 308])


@REDIRECTS
def test_a_redirect_is_told_and_not_followed_with_a_secret(rogue, code):
    with RogueProvider() as other:
        rogue.script("userinfo", troubles.redirect(f"{other.issuer}/userinfo", code))
        with pytest.raises(ConfigurationError, match="redirect") as caught:
            http.send("GET", f"{rogue.issuer}/userinfo", "userinfo endpoint", HERE)
        assert "slash" in caught.value.hint
        assert other.requests == []


@REDIRECTS
def test_that_of_a_public_document_is_followed(rogue, code):
    with RogueProvider() as other:
        rogue.script("jwks", troubles.redirect(f"{other.issuer}/jwks", code))
        assert fetch(rogue) == (200, other.id_token.jwks())


def test_but_not_for_ever(rogue):
    rogue.script("jwks", troubles.redirect("/jwks"))
    with pytest.raises(ConfigurationError, match="redirect"):
        fetch(rogue)
    assert len(rogue.requests) == 1 + 3


def test_nor_to_what_is_no_address(rogue):
    rogue.script("jwks", troubles.redirect("http://[bad"))
    with pytest.raises(ProviderError, match="redirects to an invalid URL") as caught:
        fetch(rogue)
    assert rogue.issuer.partition("://")[2] in caught.value.hint


@pytest.fixture
def netrc(tmp_path, monkeypatch) -> None:
    path = tmp_path / "netrc"
    path.write_text("default login netrc-user password netrc-password\n")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))


@pytest.mark.usefixtures("netrc")
def test_netrc_adds_nothing(rogue):
    fetch(rogue)
    assert "authorization" not in rogue.requests[-1].headers


@pytest.mark.usefixtures("netrc")
def test_nor_over_https_where_the_environment_is_heard(tmp_path, monkeypatch):
    certificate = certificates.make(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.ca_bundle))
    with tls_server(certificate) as (url, heard):
        assert http.get_json(url, "key set", HERE) == (200, {})
    assert b"GET / " in heard[0]
    assert b"uthorization" not in heard[0]


def test_what_is_meant_for_this_machine_passes_no_proxy(rogue, proxied):
    """http is for loopback alone, as nobody sees it there; a proxy would."""
    assert fetch(rogue)[0] == 200
    assert proxied == []


def test_a_certificate_that_nobody_knows_is_said(tmp_path):
    with tls_server(certificates.make(tmp_path)) as (url, heard):
        with pytest.raises(ProviderUnavailable, match="certificate") as caught:
            http.get_json(url, "key set", HERE)
        assert "REQUESTS_CA_BUNDLE" in caught.value.hint
    assert heard == []


@contextmanager
def tls_server(certificate: Certificate) -> Iterator[tuple[str, list[bytes]]]:
    """Answers one request with an empty object; yields its URL, and what it hears."""
    context = certificate.context()
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(ssl.SSLError):
                tls = context.wrap_socket(connection, server_side=True)
                heard.append(tls.recv(65536))
                tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                tls.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/", heard
        thread.join()


# -- JSON ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        "5",
        '"text"',
        "<!DOCTYPE html>",
        "{",
        '{"keys": 1, "keys": 2}',
        '{"x": {"a": 1, "a": 2}}',
        "[" * 100_000,
        '{"x":' * 100_000,
        "9" * 5000,
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_is_no_json_object_is_an_error(rogue, body):
    rogue.script("jwks", troubles.status(200, body, "application/json"))
    with pytest.raises(ProviderError, match="not a JSON object"):
        fetch(rogue)


def test_bytes_that_are_no_text_are_an_error(rogue):
    rogue.script("jwks", lambda _: Reply(200, b'{"x": "\xff\xfe"}'))
    with pytest.raises(ProviderError, match="not a JSON object"):
        fetch(rogue)


def test_an_error_shows_what_kind_of_thing_came_and_none_of_it(rogue):
    rogue.script("jwks", troubles.status(200, "planted-secret", "text/html; charset=x"))
    with pytest.raises(ProviderError, match="text/html, 14 bytes") as caught:
        fetch(rogue)
    assert "planted-secret" not in str(caught.value)


def test_not_found_is_no_document(rogue):
    rogue.script("jwks", troubles.status(404, json.dumps({"keys": []})))
    assert fetch(rogue) == (404, {})


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_that_are_not_where_the_environment_says_are_said(name, monkeypatch):
    for each in http.BUNDLES:
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(name, "/nowhere/ca.pem")
    with pytest.raises(ConfigurationError, match=f"{name} names /nowhere/ca.pem") as caught:
        http.get_json("https://127.0.0.1:1/jwks", "key set", HERE)
    assert f"set {name} to your" in caught.value.hint
