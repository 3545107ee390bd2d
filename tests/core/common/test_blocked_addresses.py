"""A process that serves many people asks for nothing where its own machine's secrets are told."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

import pytest

from core.sign_in import arrive, table
from jupyter_auth.core.common import blocked_addresses
from jupyter_auth.core.common.blocked_addresses import RequestRules
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError, ProviderError
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.protocol import http
from jupyter_auth.core.provider.registry import Providers
from memory_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_auth.core.models import Login

METADATA = "https://169.254.169.254/latest/meta-data"
SAID = "169.254.169.254 is a link-local or metadata address"

attempts: list[Any] = []
"""Every address that this process tried to connect to."""


@functools.cache
def watch() -> None:
    """Python tells before it connects; nobody can stop it from telling."""
    sys.addaudithook(lambda event, args: event == "socket.connect" and attempts.append(args[1]))


@pytest.fixture(autouse=True)
def _nobody_else_is_asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(blocked_addresses, "_shared", False)
    blocked_addresses.set_shared()
    watch()
    attempts.clear()
    yield
    assert {host for host, *_ in attempts} <= {"127.0.0.1"}


def login_at(rogue, clock, **fields: Any) -> Login:
    """How a sign-in there ends."""
    rogue.clock = clock
    engine = Engine(Providers({"idp": table(rogue, **fields)}), MemoryStore(), clock=clock)
    login = arrive(engine, engine.begin(LoginRequest("idp")), rogue).finish(engine)
    engine.close()
    return login


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "2852039166",  # the same
        "0xa9fea9fe",
        "[::ffff:169.254.169.254]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "168.63.129.16",
    ],
)
def test_such_an_address_is_refused_however_it_is_spelled(host: str) -> None:
    with pytest.raises(ConfigurationError, match="is a link-local or metadata address"):
        http.get_json(f"https://{host}/latest", "metadata", RequestRules(hosts=frozenset({host})))


def test_an_issuer_there_has_no_metadata_for_us(rogue, clock) -> None:
    with pytest.raises(ConfigurationError, match=SAID):
        login_at(rogue, clock, issuer=METADATA)


@pytest.mark.parametrize("name", ["jwks_uri", "token_endpoint", "userinfo_endpoint"])
def test_an_honest_looking_issuer_cannot_send_us_there(rogue, clock, name: str) -> None:
    rogue.metadata = {name: METADATA}
    with pytest.raises(ProviderError, match=SAID):
        login_at(rogue, clock)


def test_nobody_has_a_name_from_there(rogue, clock) -> None:
    login = login_at(rogue, clock, username_claim="mail", username_url=METADATA)
    assert login.status == "complete"


def test_another_address_is_as_good_as_ever(rogue, clock) -> None:
    assert login_at(rogue, clock).status == "complete"
    assert attempts


def test_a_host_that_nobody_knows_is_one_that_cannot_be_reached() -> None:
    with pytest.raises(ProviderUnavailable, match="cannot be reached"):
        http.get_json("https://nowhere.invalid/", "metadata", RequestRules())
