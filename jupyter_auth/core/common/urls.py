"""Origins, and which URLs a token may be sent to at all."""

from __future__ import annotations

import contextlib
import re
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jupyter_auth.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
HOST = re.compile(r"[0-9a-f:.]*:[0-9a-f:.]*|[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")
NAMED = re.compile(r"([a-z0-9_-]+\.)+[a-z][a-z0-9-]*")  # two labels or more, and no address
NUMERIC = re.compile(r"([^:]*\.)?(0x[0-9a-f]*|[0-9]+)\.?")  # to a browser: an IPv4 address


def origin_of(url: str) -> str:
    """Scheme, host and port of ``url``, lower case, default port left out (RFC 6454 4 and 6.1).

    A host name is in ASCII, as browsers send it (UTS 46): ``xn--bcher-kva.example``.

    Raises:
        ConfigurationError: it is not an http(s) URL, contains a user name or password, or has a
            host that programs read differently.
    """
    # urlsplit silently drops some of these: what is checked would not be what is sent.
    if " " in url or not url.isprintable():
        raise ConfigurationError(f"{url!r} contains white space or invisible characters.")
    try:
        parts = urlsplit(url)
        host, port = _ascii((parts.hostname or "").lower()), parts.port
    except (ValueError, OSError):
        raise ConfigurationError(f"{url!r} is not a URL.") from None
    if "@" in parts.netloc:
        raise ConfigurationError("A URL must not contain a user name or password.")
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigurationError(f"{url!r} is not an http or https URL.")
    if not HOST.fullmatch(host) or parts.netloc.endswith(":"):
        raise ConfigurationError(f"{url!r} has an ambiguous host or port.")
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in {None, default} else "")


def host_of(url: str) -> str:
    """Host and port of ``url``, for people to read. Raises as ``origin_of``."""
    return origin_of(url).partition("://")[2]


def written(url: str) -> str:
    """``url`` with its origin as ``origin_of`` has it: however people write an address, it is the
    same one. Raises as ``origin_of``.
    """
    return origin_of(url) + url.partition("://")[2][len(urlsplit(url).netloc) :]


def place_of(url: str) -> str:
    """The address of an API, or its identifier, to compare with others: alike for one API.

    A slash at the end makes no difference: APIs and their clients differ in it.
    """
    with contextlib.suppress(ConfigurationError):  # an identifier may be no URL
        url = written(url)
    return url.rstrip("/")


def same_origin(one: str, other: str) -> bool:
    """Whether both are URLs of one origin; what is no URL has none."""
    try:
        return origin_of(one) == origin_of(other)
    except ConfigurationError:
        return False


def hostname_of(url: str) -> str:
    """The host of ``url``, as it is looked up. Raises as ``origin_of``."""
    return (urlsplit(origin_of(url)).hostname or "").rstrip(".")


def _ascii(host: str) -> str:
    """``host`` as browsers write it. Raises ValueError or OSError."""
    if NUMERIC.fullmatch(host):
        return socket.inet_ntoa(socket.inet_aton(host.rstrip(".")))
    if host.isascii():
        return host
    import idna  # seldom needed

    return idna.encode(host, uts46=True).decode()


def is_among(host: str, patterns: Iterable[str]) -> bool:
    """Whether a host name is one of ``patterns``; ``*.acme.example`` are all hosts below it."""
    return any(
        host == each or (each.startswith("*.") and host.endswith(each[1:])) for each in patterns
    )


def is_loopback(url: str) -> bool:
    """Whether ``url`` names this machine by a loopback host."""
    return urlsplit(url).hostname in LOOPBACK_HOSTS


def takes_any_port(redirect_uri: str) -> bool:
    """Whether it names this machine and no port, which stands for any port (RFC 8252 7.3)."""
    parts = urlsplit(redirect_uri)
    return parts.scheme == "http" and is_loopback(redirect_uri) and parts.port is None


def at_port(url: str, port: int) -> str:
    """``url``, which has no port, at that one."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.netloc}:{port}").geturl()


def page_of(url: str) -> tuple[str, str, int | None, str]:
    """Scheme, host, port and path, however a URL is written: a browser leaves out the default port
    and adds an empty path.
    """
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port, parts.path or "/"


def same_place(one: str, other: str) -> bool:
    """Whether both lead a browser to the same page: all loopback hosts are one."""
    return _place(one) == _place(other)


def _place(url: str) -> tuple[str, str, int | None, str]:
    scheme, host, port, path = page_of(url)
    return scheme, "localhost" if is_loopback(url) else host, port, path


def require_secure(url: str, what: str) -> str:
    """``url`` itself, if it is https, or http to this machine.

    Raises:
        ConfigurationError: it is not; ``what`` names it.
    """
    if origin_of(url).startswith("http://") and not is_loopback(url):
        raise ConfigurationError(
            f"The {what} {url} is not https.", hint="Only 127.0.0.1 and localhost may use http."
        )
    return url


def api_origin(url: str) -> str:
    """Where tokens may be sent: an origin, or those of each host in ``https://*.acme.example``.

    Raises:
        ConfigurationError: it is not secure, or its ``*`` is not one whole label before two or more
            others: below a top-level domain are the hosts of all the world.
    """
    if "*" not in url:
        return origin_of(require_secure(url, "API origin"))
    scheme, _, host = url.partition("*.")
    if scheme == "https://" and "*" not in host:
        below = origin_of(f"https://{host}")
        if NAMED.fullmatch(hostname_of(below)):
            return below.replace("://", "://*.", 1)
    raise ConfigurationError(
        f"{url!r} is not where a token may be sent: `*` stands for one whole label, over https.",
        hint="Write `https://*.acme.example`, with two labels or more after the `*`.",
    )


def reaching(origins: Iterable[str]) -> re.Pattern[str]:
    """Matches the beginning of URLs at those origins (``api_origin``), and of no others.

    A URL that begins so is there for every parser: nothing before the slash can be read as a user
    name, a port or the rest of another host.
    """
    return re.compile("|".join(map(_beginning, origins)) or "(?!)")


def _beginning(origin: str) -> str:
    bare = urlsplit(origin).port is None
    port = {"http": "(?::80)?", "https": "(?::443)?"}[origin.partition(":")[0]] if bare else ""
    return re.escape(origin).replace(r"\*", "[a-z0-9_-]+", 1) + port + "/"
