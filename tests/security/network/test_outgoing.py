"""What this asks of providers ends in time, and goes to nobody whom it must not ask."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from core.sign_in import HERE, arrive, provider_at
from jupyter_auth.core.common import blocked_addresses
from jupyter_auth.core.common.blocked_addresses import RequestRules
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.common.urls import LOOPBACK_HOSTS
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import AuthError, ConfigurationError, ProviderError
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.protocol import http
from jupyter_auth.core.protocol.discovery import Discovery
from jupyter_auth.core.provider.field_types import URLS
from jupyter_auth.core.provider.registry import Providers
from memory_store import MemoryStore
from patience import PATIENCE, until
from providers import certificates, troubles
from providers.internet import Internet
from providers.rogue import RogueProvider
from providers.troubles import Reply
from security.network.names import Names
from security.network.slow_server import Dripping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_auth.core.provider.provider import Provider

HONEST, EVIL = "idp.example.com", "evil.example.com"
METADATA = "169.254.169.254"


# -- names ---------------------------------------------------------------------------------------


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    found = Names(monkeypatch)
    found.answers = {HONEST: ["127.0.0.1"], EVIL: ["127.0.0.1"]}
    return found


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process serves many people, until the test ends."""
    monkeypatch.setattr(blocked_addresses, "_shared", False)
    blocked_addresses.set_shared()


@pytest.fixture
def honest(names: Names, tmp_path: Any) -> Iterator[RogueProvider]:
    """A provider at https://idp.example.com, whose certificate is good for evil.example.com too."""
    assert names.answers
    certificate = certificates.make(tmp_path, HONEST, EVIL)
    with RogueProvider(host=HONEST, certificate=certificate) as provider:
        yield provider


@pytest.fixture
def provider(honest: RogueProvider, tmp_path: Any) -> Provider:
    return provider_at(honest, ca_bundle=str(tmp_path / "ca.pem"))


def port_of(provider: RogueProvider) -> int | None:
    return urlsplit(provider.issuer).port


# -- time ----------------------------------------------------------------------------------------

DRIPS = {
    "status line": (b"HTTP/1.1 200 ", b"x"),
    "header": (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X"),
    "interim answers": (b"HTTP/1.1 100 Continue\r\n", b"x"),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" "),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "handshake": (b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03", b"x"),
}


@contextmanager
def hurried() -> Iterator[None]:
    """All of a request may take half a second; no single wait in it would ever time out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http, "TOTAL_TIMEOUT", 0.5)
        yield


@pytest.mark.parametrize("place", DRIPS)
def test_whatever_drips_there_is_an_end(place: str) -> None:
    with Dripping(*DRIPS[place]) as server, hurried():
        url = server.url.replace("http:", "https:") if place == "handshake" else server.url
        with pytest.raises(ProviderUnavailable, match="did not answer in time"):
            http.send("GET", url, "token endpoint", HERE)
        until(server.left.is_set)


def test_nor_is_a_name_server_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()

    def look_up(*_: Any, **__: Any) -> list[Any]:
        never.wait(10.0)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with hurried(), pytest.raises(ProviderUnavailable, match="did not answer in time"):
        http.send("GET", f"https://{HONEST}/", "token endpoint", RequestRules())
    never.set()


NEVER = """
import socket, threading
from jupyter_auth.core.protocol import http
from jupyter_auth.core.common.blocked_addresses import RequestRules
never = threading.Event()
socket.getaddrinfo = lambda *_, **__: never.wait()
http.TOTAL_TIMEOUT = 0.1
http.send("GET", "https://idp.example.com/", "token endpoint", RequestRules())
"""


def test_a_process_ends_though_a_name_server_never_answers() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", NEVER], capture_output=True, timeout=PATIENCE, check=False
    )
    assert b"did not answer in time" in ended.stderr


def test_the_body_of_a_redirect_is_not_read_either_if_it_is_large(rogue: RogueProvider) -> None:
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(256):
            yield troubles.CHUNK
            sent += len(troubles.CHUNK)

    rogue.script("token", lambda _: Reply(307, body(), {"Location": "/elsewhere"}))
    with pytest.raises(ProviderError, match="more than 1 MiB"):
        http.send("POST", f"{rogue.issuer}/token", "token endpoint", HERE)
    assert sent < 256 * len(troubles.CHUNK)


# -- addresses -----------------------------------------------------------------------------------


def inside(ipv4: str) -> list[str]:
    """Every IPv6 address that ends up at this IPv4 address, somewhere on its way."""
    a, b, c, d = (int(part) for part in ipv4.split("."))
    high, low = f"{a:02x}{b:02x}", f"{c:02x}{d:02x}"
    return [
        f"::ffff:{ipv4}",  # mapped
        f"::{ipv4}",  # compatible
        f"::ffff:0:{ipv4}",  # translated
        f"64:ff9b::{ipv4}",  # NAT64
        f"64:ff9b:1::{ipv4}",  # NAT64 with a local prefix, of 96, 64, 56 and 48 bits
        f"64:ff9b:1:2:{a:x}:{b:02x}{c:02x}:{d:02x}00:0",
        f"64:ff9b:1:22{a:02x}:{b:x}:{low}::",
        f"64:ff9b:1:{high}:{c:x}:{d:02x}00::",
        f"2002:{high}:{low}::1",  # 6to4
        f"2001:0:{high}:{low}::1",  # Teredo: its server, and its client
        f"2001:0:102:304:0:0:{0xFFFF ^ int(high, 16):x}:{0xFFFF ^ int(low, 16):x}",
    ]


@pytest.mark.parametrize("ipv4", [METADATA, "127.0.0.1", "127.8.9.10", "100.100.100.200"])
def test_an_address_is_seen_through(ipv4: str) -> None:
    unseen = []
    for each in [ipv4, *inside(ipv4)]:
        with contextlib.suppress(ConfigurationError):
            RequestRules().check("metadata", EVIL, [each])
            unseen.append(each)
    assert unseen == []


def test_but_nothing_is_seen_where_nothing_is() -> None:
    for each in ["93.184.216.34", *inside("93.184.216.34"), "2606:4700::1111"]:
        RequestRules().check("metadata", EVIL, [each])


@pytest.mark.parametrize("host", ["0", "[::]", "[::1]", "127.1", "0x7f000001", "017700000001"])
def test_this_machine_is_recognised_in_other_spellings(host: str) -> None:
    with pytest.raises(ConfigurationError, match="is on this machine"):
        http.send("GET", f"https://{host}/", "token endpoint", RequestRules())


def test_a_name_is_looked_up_once_and_what_was_looked_at_is_asked(
    honest: RogueProvider, names: Names, provider: Provider
) -> None:
    """A second answer, to another address, is never asked for."""
    names.answers[HONEST] = ["127.0.0.1", "127.0.0.2"]
    assert http.get_json(f"{honest.issuer}/jwks", "key set", provider.request_rules)[0] == 200
    assert names.asked == [HONEST]
    assert honest.requests[-1].headers["host"] == f"{HONEST}:{port_of(honest)}"


def test_a_name_that_leads_here_is_not_asked(honest: RogueProvider, provider: Provider) -> None:
    rules = dataclasses.replace(provider.request_rules, hosts=frozenset({EVIL}))
    with pytest.raises(ConfigurationError, match="is on this machine"):
        http.send("POST", f"{honest.issuer}/token", "token endpoint", rules)
    assert honest.requests == []


@pytest.mark.usefixtures("shared")
def test_a_shared_service_asks_no_name_that_leads_to_metadata(names: Names) -> None:
    rules = RequestRules(hosts=frozenset({HONEST}))
    names.answers[HONEST] = [f"::ffff:{METADATA}"]
    with pytest.raises(ConfigurationError, match="link-local or metadata"):
        http.send("POST", f"https://{HONEST}/token", "token endpoint", rules)


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]", METADATA, "localhost.", "\uff4cocalhost"],
)
def test_an_issuer_elsewhere_names_nothing_here(
    honest: RogueProvider, provider: Provider, host: str
) -> None:
    scheme = "http" if host in LOOPBACK_HOSTS else "https"
    for endpoint in URLS:
        honest.metadata = {endpoint: f"{scheme}://{host}:{port_of(honest)}/x"}
        with pytest.raises(ProviderError, match=f"names an unusable {endpoint}"):
            Discovery(honest.clock).endpoints(provider)


@pytest.mark.parametrize("name", ["token", "jwks"])
def test_nor_under_a_name_that_leads_here(
    honest: RogueProvider, provider: Provider, name: str
) -> None:
    field = {"token": "token_endpoint", "jwks": "jwks_uri"}[name]
    honest.metadata = {field: f"https://{EVIL}:{port_of(honest)}/{name}"}
    table = {
        "issuer": honest.issuer,
        "client_id": honest.client_id,
        "ca_bundle": provider.ca_bundle,
    }
    engine = Engine(Providers({"idp": table}), MemoryStore())
    login = engine.begin(LoginRequest("idp"))
    binding = arrive(engine, login, honest)
    assert binding.finish(engine).status == "failed"
    assert f"at {EVIL} is on this machine" in engine.login(login.id).error["message"]
    assert not honest.seen(name)
    engine.close()


def test_what_the_configuration_names_itself_is_asked(
    honest: RogueProvider, provider: Provider
) -> None:
    """As the hint of that refusal says."""
    url = f"https://{EVIL}:{port_of(honest)}/token"
    honest.metadata = {"token_endpoint": url}
    given = {
        "issuer": honest.issuer,
        "client_id": honest.client_id,
        "ca_bundle": provider.ca_bundle,
    }
    engine = Engine(
        Providers({"idp": {**given, "endpoints": {"token_endpoint": url}}}), MemoryStore()
    )
    assert (
        arrive(engine, engine.begin(LoginRequest("idp")), honest).finish(engine).status
        == "complete"
    )
    engine.close()


@pytest.mark.parametrize("to", ["http://localhost:{port}/jwks", "https://" + EVIL + ":{port}/jwks"])
def test_each_hop_of_a_redirect_is_checked(
    honest: RogueProvider, provider: Provider, to: str
) -> None:
    honest.script("jwks", troubles.redirect(to.format(port=port_of(honest))))
    with pytest.raises(ConfigurationError, match="is on this machine"):
        http.get_json(f"{honest.issuer}/jwks", "key set", provider.request_rules)
    assert len(honest.requests) == 1


def test_a_redirect_leads_to_no_plain_http(honest: RogueProvider, provider: Provider) -> None:
    honest.script("jwks", troubles.redirect("http://keys.example.com/"))
    with pytest.raises(ConfigurationError, match="is not https"):
        http.get_json(f"{honest.issuer}/jwks", "key set", provider.request_rules)


# -- proxies -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("shared")
def test_a_proxy_looks_names_up_and_is_asked_for_no_such_address(
    rogue: RogueProvider, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a name leads to there only the proxy can know."""
    with Internet(tmp_path, {HONEST: port_of(rogue)}) as internet:
        for name, value in internet.environment().items():
            monkeypatch.setenv(name, value)
        assert http.get_json(f"https://{HONEST}/jwks", "key set", RequestRules())[0] == 200
        for host in (METADATA, "[::ffff:127.0.0.1]", "localhost."):
            with pytest.raises(ConfigurationError):
                http.get_json(f"https://{host}/latest", "metadata", RequestRules())
    assert internet.unknown == []


# -- what is believed ----------------------------------------------------------------------------


def test_what_was_learned_under_one_certificate_is_not_believed_under_another(
    honest: RogueProvider, provider: Provider
) -> None:
    discovery = Discovery(honest.clock)
    endpoints = discovery.endpoints(provider)
    discovery.keys(endpoints, provider.request_rules)
    other = dataclasses.replace(provider, ca_bundle=None)
    with pytest.raises(ProviderUnavailable, match="not trusted"):
        discovery.endpoints(other)
    with pytest.raises(ProviderUnavailable, match="not trusted"):
        discovery.keys(endpoints, other.request_rules)


@pytest.mark.usefixtures("shared")
def test_a_shared_service_tells_nothing_of_what_answers_there(rogue: RogueProvider) -> None:
    rogue.script("jwks", troubles.status(200, "planted", "text/planted"))
    with pytest.raises(AuthError) as caught:
        http.get_json(f"{rogue.issuer}/jwks", "key set", HERE)
    assert "planted" not in str(caught.value)
    assert "7 bytes" not in str(caught.value)


def test_what_a_document_says_is_told_in_one_short_line(rogue: RogueProvider) -> None:
    rogue.metadata = {"jwks_uri": "http://evil.example/\x1b[31m\u202e" + "x" * 10_000}
    with pytest.raises(ProviderError, match="names an unusable jwks_uri") as caught:
        Discovery(rogue.clock).endpoints(provider_at(rogue))
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 500
