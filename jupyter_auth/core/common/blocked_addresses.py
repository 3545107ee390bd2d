"""Addresses where nothing is asked for: those of this machine itself, and where clouds tell its
secrets.

A configuration may name a host of this machine; an issuer's document, a redirect or a name server
may not lead there. A service that many people share never asks a link-local or metadata address.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, TypeAlias

from jupyter_auth.core.common.urls import LOOPBACK_HOSTS, hostname_of
from jupyter_auth.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Address: TypeAlias = IPv4Address | IPv6Address

METADATA = tuple(
    map(
        ip_network,
        (
            "169.254.0.0/16",  # link-local, RFC 3927; most clouds' metadata are at 169.254.169.254
            "fe80::/10",  # link-local, RFC 4291 2.5.6
            "fd00:ec2::254/128",  # Amazon
            "fd20:ce::254/128",  # Google
            "168.63.129.16/32",  # Azure
            "100.100.100.200/32",  # Alibaba
            "192.0.0.192/32",  # Oracle
        ),
    )
)
# Loopback, and "this host", which Linux takes for it (RFC 1122 3.2.1.3, RFC 4291 2.5.2 and 2.5.3).
HERE = tuple(map(ip_network, ("127.0.0.0/8", "0.0.0.0/32", "::1/128", "::/128")))
# IPv6 addresses that end in an IPv4 address: compatible and mapped (RFC 4291 2.5.5), translated
# (RFC 2765 2.1), NAT64 (RFC 6052 2.1).
ENDING_IN_IPV4 = tuple(
    map(ip_network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96"))
)
LOCAL_NAT64 = ip_network("64:ff9b:1::/48")  # RFC 8215
_guarded = False


def guard() -> None:
    """From now on this process is a shared service. There is no way back."""
    global _guarded  # noqa: PLW0603 (it only ever gets stricter, and the service is a process)
    _guarded = True


def guarded() -> bool:
    """Whether this process is a service that many people share."""
    return _guarded


@dataclass(frozen=True)
class RequestRules:
    """What a provider's configuration says may be believed, wherever a request for it goes.

    ``ca_bundle``: a file with the certificates to trust instead of the usual ones. ``hosts``: those
    that it names itself, and which may therefore be of this machine.
    """

    ca_bundle: str | None = None
    hosts: frozenset[str] = frozenset()

    def check(self, what: str, host: str, found: Iterable[str]) -> None:
        """ConfigurationError: ``host`` leads to an address where nothing is asked for.

        ``found``: what it leads to. ``what`` names the request.
        """
        named = host in self.hosts
        for face in (face for each in found for face in _faces(ip_address(each.split("%")[0]))):
            if (_guarded or not named) and any(face in network for network in METADATA):
                raise ConfigurationError(
                    f"The {what} at {host} is a link-local or metadata address:"
                    " nothing is asked for there.",
                    hint="Give the provider's own address.",
                )
            if not (named or self.hosts & LOOPBACK_HOSTS) and any(face in net for net in HERE):
                raise ConfigurationError(
                    f"The {what} at {host} is on this machine, and its provider is not.",
                    hint="If that is right, name it in `endpoints` of the provider.",
                )

    def check_spelled(self, what: str, url: str) -> None:
        """As ``check``, without asking a name server: of a host that is an address itself."""
        host = hostname_of(url)
        self.check(what, host, _spelled(host))


def _spelled(host: str) -> list[str]:
    """What the system takes an address for, decimal and octal spellings too. None: it is a name."""
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761 6.3
        return ["127.0.0.1"]
    try:
        found = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return []
    return [str(each[4][0]) for each in found]


def _faces(address: Address) -> Iterator[Address]:
    """The address, and each IPv4 address that a router or a tunnel may make of it."""
    yield address
    if isinstance(address, IPv4Address):
        return
    octets = address.packed
    embedded: list[bytes] = []
    if any(address in network for network in ENDING_IN_IPV4):
        embedded.append(octets[12:])
    if address in LOCAL_NAT64:  # RFC 6052 2.2, by the length of its prefix; octet 8 is not used
        embedded += [octets[6:8] + octets[9:11], octets[7:8] + octets[9:12]]
        embedded += [octets[9:13], octets[12:]]
    yield from (IPv4Address(each) for each in embedded if any(each))
    if address.sixtofour:  # RFC 3056 2
        yield address.sixtofour
    if address.teredo:  # RFC 4380 4: its server, and its client
        yield from address.teredo
