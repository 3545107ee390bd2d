"""A stranger has one half of ``localhost``, and gets nothing (SECURITY 8)."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import socket
from typing import TYPE_CHECKING

import pytest
import requests

from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.login.loopback import server as loopback_server
from jupyter_auth.core.login.loopback.server import LOOPBACK, Listener, Page
from patience import PATIENCE
from processes import free_port
from server.jupyter_process import JupyterProcess

if TYPE_CHECKING:
    from collections.abc import Iterator


def held(address: str, port: int, *options: int) -> socket.socket:
    """A stranger's socket there. OSError: it is not to be had."""
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    try:
        for option in options:
            made.setsockopt(socket.SOL_SOCKET, option, 1)
        made.bind((address, port))
        made.listen()
    except OSError:
        made.close()
        raise
    return made


@contextlib.contextmanager
def listening(redirect_uri: str = "") -> Iterator[Listener]:
    found = Listener(redirect_uri, lambda *_: Page("Ours"), lambda: True)
    try:
        yield found
    finally:
        found.close()


def ours(address: str, port: int) -> bool:
    host = f"[{address}]" if ":" in address else address
    with requests.Session() as session:
        session.trust_env = False
        return "Ours" in session.get(f"http://{host}:{port}/", timeout=PATIENCE).text


def test_both_are_ours():
    with listening() as found:
        assert all(ours(address, found.port) for address in LOOPBACK)


def test_another_port_is_found_where_a_stranger_has_the_other_half(monkeypatch):
    """Who watches for a listener on 127.0.0.1 is faster than we are, at the first port."""
    strangers = []
    bind = loopback_server._Server.server_bind

    def raced(server):
        bind(server)
        if server.address_family == socket.AF_INET and not strangers:
            strangers.append(held("::1", server.socket.getsockname()[1]))

    monkeypatch.setattr(loopback_server._Server, "server_bind", raced)
    with listening() as found, strangers[0] as stranger:
        assert found.port != stranger.getsockname()[1]
        assert all(ours(address, found.port) for address in LOOPBACK)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_another_port_is_found_where_the_system_keeps_the_other_half(monkeypatch, number):
    """As Windows does, which says so in these words; only its refusal is made up here."""
    kept = []
    bind = loopback_server._Server.server_bind

    def refused(server):
        if server.address_family == socket.AF_INET6 and not kept:
            kept.append(server.server_address[1])
            raise OSError(number, os.strerror(number))
        bind(server)

    monkeypatch.setattr(loopback_server._Server, "server_bind", refused)
    with listening() as found:
        assert kept
        assert all(ours(address, found.port) for address in LOOPBACK)


def test_it_is_said_why_no_port_is_to_be_had():
    """Where this process may open no file more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))  # which stdin, stdout and stderr are
    try:
        with pytest.raises(ConfigurationError, match="Too many open files") as caught:
            Listener("", lambda *_: Page(), lambda: True)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert caught.value.hint


@pytest.mark.parametrize("stranger", LOOPBACK)
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_a_fixed_port_with_a_stranger_is_said(stranger, host):
    port = free_port()
    with held(stranger, port), pytest.raises(ConfigurationError, match=f"port {port}") as caught:
        Listener(f"http://{host}:{port}/callback", lambda *_: Page(), lambda: True)
    assert "Close that program" in caught.value.hint
    for address in LOOPBACK:  # nothing of ours stays behind
        held(address, port).close()


@pytest.mark.parametrize("redirect_uri", ["", "http://localhost:{port}/x"])
def test_a_machine_without_ipv6(monkeypatch, redirect_uri):
    """What the system says of an address that this machine does not have."""
    monkeypatch.setattr(loopback_server, "LOOPBACK", ("127.0.0.1", "2001:db8::1"))
    with listening(redirect_uri.format(port=free_port())) as found:
        assert ours("127.0.0.1", found.port)


@pytest.mark.parametrize("option", ["SO_REUSEADDR", "SO_REUSEPORT"])
@pytest.mark.parametrize("address", [*LOOPBACK, "0.0.0.0", "::"])  # noqa: S104
def test_nobody_comes_in_beside_us(option, address):
    with listening() as found, pytest.raises(OSError, match="in use"):
        held(address, found.port, getattr(socket, option)).close()


def test_doctor_says_who_is_beside_a_jupyter_server(tmp_path):
    """Which listens where its configuration says: at 127.0.0.1 alone, and a browser goes on."""
    with JupyterProcess(tmp_path / "home") as server:
        kernel = server.kernel()
        assert "Address" not in subjects(kernel)
        with held("::1", server.port):
            found = subjects(kernel)["Address"]
            assert (found["state"], f"[::1]:{server.port}" in found["says"]) == ("wrong", True)
            assert f"Open this server at {server.origin}" in found["fix"]
            with requests.Session() as browser:  # the remedy
                browser.trust_env = False
                assert browser.get(f"{server.origin}/base/api", timeout=PATIENCE).ok
        assert "Address" not in subjects(kernel)


def subjects(kernel):
    return {each["about"]: each for each in kernel.call("GET", "doctor")["findings"]}


def test_what_is_fixed_is_listened_at_by_that_name():
    port = free_port()
    with listening(f"http://localhost:{port}/callback") as found:
        assert found.hosts >= {f"localhost:{port}", f"127.0.0.1:{port}"}
        assert all(ours(address, port) for address in LOOPBACK)
