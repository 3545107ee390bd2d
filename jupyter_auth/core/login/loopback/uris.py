"""The redirect URI of a provider where a browser comes back to this machine (RFC 8252 7.3)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from jupyter_auth.core.common.finding import Finding
from jupyter_auth.core.common.urls import at_port, is_loopback, takes_any_port
from jupyter_auth.core.provider import guides

if TYPE_CHECKING:
    from jupyter_auth.core.provider.provider import Provider

HOST = "127.0.0.1"  # RFC 8252 8.3 advises against `localhost`
HTTP = 80
FIRST, PORTS = 49152, 10000  # of those that are not assigned (RFC 6335 6)


def can_listen(redirect_uri: str) -> bool:
    """Whether it is an http URL at a loopback address."""
    return urlsplit(redirect_uri).scheme == "http" and is_loopback(redirect_uri)


def is_pasted(provider: Provider) -> bool:
    """Whether only a person can bring its response here: it goes to a fixed place elsewhere."""
    return bool(provider.redirect_uri) and not can_listen(provider.redirect_uri or "")


def port_of(redirect_uri: str | None) -> int:
    """The port to listen at; 0: any."""
    if not redirect_uri or takes_any_port(redirect_uri):
        return 0
    return urlsplit(redirect_uri).port or HTTP


def usual() -> str:
    """The address of a listener at any port, if that is free: another one for each user."""
    user = os.geteuid() if os.name == "posix" else 0
    return f"http://{HOST}:{FIRST + user % PORTS}"


def origin(redirect_uri: str, port: int) -> str:
    """Of the pages of a listener at that port, under the name of this machine that it has."""
    host = urlsplit(redirect_uri).hostname or HOST
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def redirect_uri(provider: Provider, port: int) -> str:
    """The redirect URI of a listener at that port."""
    if provider.redirect_uri is None:
        host = provider.loopback or HOST
        return f"http://{host}:{port}/callback/{quote(provider.name)}"
    if takes_any_port(provider.redirect_uri):
        return at_port(provider.redirect_uri, port)
    return provider.redirect_uri


def redirect_uri_finding(provider: Provider) -> Finding:
    """For ``doctor``: the redirect URI to register at a provider."""
    if fixed := provider.redirect_uri:
        says = f"Register {fixed} (it is fixed in the provider's configuration)."
        if is_pasted(provider):
            says += " You paste the URL that the browser ends on: it cannot come back by itself."
        return Finding(about="Redirect URI", says=says)
    one = guides.redirect_uri(provider)
    if not provider.client_id:
        return Finding(about="Redirect URI", says=f"Register {one}: for Jupyter and for scripts.")
    script = f"http://{provider.loopback or HOST}/callback/{provider.name}"
    return Finding(
        about="Redirect URI",
        says=f"In JupyterLab: {one}, if it is at port {guides.JUPYTER}. Scripts: {script}, at any"
        " port (RFC 8252 7.3).",
        fix=f"To register only one: `jupyter auth add {provider.name} --redirect-uri {one}`.",
        state="note",
    )
