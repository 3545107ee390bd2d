"""Addresses where a shared service asks for nothing: a cloud tells its machine's secrets there."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from jupyter_auth.core.errors import ConfigurationError

NEVER = tuple(
    map(
        ipaddress.ip_network,
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
_guarded = False


def guard() -> None:
    """From now on ``check`` refuses them, for all of this process. There is no way back."""
    global _guarded  # noqa: PLW0603 (it only ever gets stricter, and the service is a process)
    _guarded = True


def check(url: str, what: str) -> None:
    """ConfigurationError: this process is guarded, and the host of ``url`` leads to one of them."""
    if _guarded and any(address in network for address in _of(url) for network in NEVER):
        raise ConfigurationError(
            f"The {what} at {urlsplit(url).netloc} is a link-local or metadata address:"
            " a shared service asks for nothing there.",
            hint="Give the provider's own address.",
        )


def _of(url: str) -> set[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """What the system takes the host for, decimal and octal spellings included; nothing if none."""
    try:
        found = socket.getaddrinfo(urlsplit(url).hostname, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # an unknown host: the request will say so
        return set()
    addresses = {ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found}
    return {getattr(each, "ipv4_mapped", None) or each for each in addresses}
