"""Addresses that no request goes to: this machine, and the metadata services of clouds.

A configuration may name a host of this machine; an issuer's document, a redirect or a name server
may not lead there. A service that many people share never uses a link-local or metadata address,
and for a provider that a user found by an address it uses public addresses only.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, TypeAlias

from jupyter_auth.core.common.urls import LOOPBACK_HOSTS, hostname_of, is_among
from jupyter_auth.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

Address: TypeAlias = IPv4Address | IPv6Address

METADATA = [
    ip_network("169.254.0.0/16"),  # link-local, RFC 3927; most clouds have 169.254.169.254
    ip_network("fe80::/10"),  # link-local, RFC 4291 2.5.6
    ip_network("fd00:ec2::254/128"),  # Amazon
    ip_network("fd20:ce::254/128"),  # Google
    ip_network("168.63.129.16/32"),  # Azure
    ip_network("100.100.100.200/32"),  # Alibaba
    ip_network("192.0.0.192/32"),  # Oracle
]
# Loopback, and "this host", which Linux takes for it (RFC 1122 3.2.1.3, RFC 4291 2.5.2 and 2.5.3).
THIS_MACHINE = tuple(map(ip_network, ("127.0.0.0/8", "0.0.0.0/32", "::1/128", "::/128")))
# IPv6 addresses that end in an IPv4 address: compatible and mapped (RFC 4291 2.5.5), translated
# (RFC 2765 2.1), NAT64 (RFC 6052 2.1).
ENDING_IN_IPV4 = tuple(
    map(ip_network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96"))
)
LOCAL_NAT64 = ip_network("64:ff9b:1::/48")  # RFC 8215
_shared = False
_inside: Collection[str] = ()  # hosts of the service's own network that users may find


def set_shared(inside: Collection[str] = ()) -> None:
    """Mark this process as a service that many people share, for good.

    ``inside``: the hosts of its own network that its administrator lets users find (``is_among``).
    """
    global _shared, _inside  # it only ever gets stricter, and the service is a process
    _shared, _inside = True, inside


def shared() -> bool:
    """Whether this process is a service that many people share."""
    return _shared


@dataclass(frozen=True)
class RequestRules:
    """What holds for every request to one provider.

    ``ca_bundle``: a file with the certificates to trust instead of the usual ones. ``hosts``: those
    that its configuration names, which may therefore be of this machine. ``found``: a user found it
    by an address, so no host of a shared service's own network was named by its administrator.
    """

    ca_bundle: str | None = None
    hosts: frozenset[str] = frozenset()
    found: bool = False

    def check(self, what: str, host: str, found: Iterable[str]) -> None:
        """Refuse a request, named ``what``, to a ``host`` that resolved to the addresses ``found``.

        Raises:
            ConfigurationError: one of them is blocked.
        """
        named = host in self.hosts
        # An API of the internet leads to none of these hosts: what it names, its owner has chosen.
        inside = all(is_among(each, _inside) for each in {host, *self.hosts})
        public = self.found and _shared and not inside
        for each in (each for text in found for each in _readings(ip_address(text.split("%")[0]))):
            if (_shared or not named) and any(each in network for network in METADATA):
                raise ConfigurationError(
                    f"The {what} at {host} is a link-local or metadata address, which is blocked.",
                    hint="Give the provider's own address.",
                )
            if public and (not each.is_global or each.is_multicast):
                raise ConfigurationError(
                    f"The {what} at {host} is not on the public internet, where this service looks"
                    " for what its users name.",
                    hint="Ask its administrator to name the host in c.JupyterAuth.discover.",
                )
            if not (named or self.hosts & LOOPBACK_HOSTS) and any(
                each in network for network in THIS_MACHINE
            ):
                raise ConfigurationError(
                    f"The {what} at {host} is on this machine, but the provider is not.",
                    hint="If that is right, name it in `endpoints` of the provider.",
                )

    def check_spelled(self, what: str, url: str) -> None:
        """As ``check``, of a host that is itself an address: no name server is asked."""
        host = hostname_of(url)
        self.check(what, host, _spelled(host))


def _spelled(host: str) -> list[str]:
    """The address that ``host`` is, in decimal and octal spellings too; none if it is a name."""
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761 6.3
        return ["127.0.0.1"]
    try:
        found = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return []
    return [str(each[4][0]) for each in found]


def _readings(address: Address) -> Iterator[Address]:
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
