"""Origins, and which addresses a token may travel to at all."""

from __future__ import annotations

from urllib.parse import urlsplit

from jupyter_auth.core.errors import ConfigurationError

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def origin_of(url: str) -> str:
    """Scheme, host and port of ``url``, lower case, default port left out (RFC 6454 4 and 6.1).

    ConfigurationError: not an http(s) URL, or one with user name or password in it.
    """
    # urlsplit drops some of these without a word: what is checked would not be what is sent.
    if any(c <= " " or c == "\x7f" for c in url):
        raise ConfigurationError(f"{url!r} has white space or control characters in it.")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise ConfigurationError(f"{url!r} is not a URL.") from None
    if "@" in parts.netloc:
        raise ConfigurationError("A URL with a user name or password in it is not used here.")
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigurationError(f"{url!r} is not an http or https URL.")
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in {None, default} else "")


def is_loopback(url: str) -> bool:
    """Whether ``url`` names this machine."""
    return urlsplit(url).hostname in LOOPBACK_HOSTS


def require_secure(url: str, what: str) -> str:
    """``url`` itself if it is https, or http to this machine. ConfigurationError otherwise."""
    origin = origin_of(url)
    if origin.startswith("http://") and urlsplit(origin).hostname not in LOOPBACK_HOSTS:
        raise ConfigurationError(
            f"The {what} {url} is not https.",
            hint="Tokens travel over https alone; http is for 127.0.0.1 and localhost.",
        )
    return url
