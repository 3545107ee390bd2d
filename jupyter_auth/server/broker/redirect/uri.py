"""The browser's origin, and the redirect URI that goes with it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jupyter_auth.core.common.urls import at_port, is_loopback, origin_of, takes_any_port
from jupyter_auth.core.errors import AuthError, ConfigurationError
from jupyter_auth.core.login.loopback.uris import HTTP, can_listen

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class RedirectRoute:
    """The ``redirect_uri`` for a browser, or the URL to begin at instead, ``move_to``.

    ``listen``: the answer will arrive at another port of this machine. ``by_hand``: it will arrive
    at the browser's machine, and a person pastes it here. ``twin``: it will arrive at this server
    by its other name, ``localhost`` or ``127.0.0.1``, and can be sent on instead of moving.
    """

    redirect_uri: str = ""
    move_to: str | None = None
    listen: bool = False
    by_hand: bool = False
    twin: bool = False

    @property
    def lands_at(self) -> str:
        """Host and port where the browser ends, or "" if that is this server."""
        return urlsplit(self.redirect_uri).netloc if self.listen or self.by_hand else ""


class ForeignOrigin(AuthError):
    """A request that another site's page made."""


def separate_hub_origin(environ: Mapping[str, str] = os.environ) -> str:
    """The Hub's own origin, if single-user servers and services have other hosts; else empty.

    JUPYTERHUB_HOST alone does not say so: ``c.JupyterHub.public_url`` sets it too.
    """
    hub, own = environ.get("JUPYTERHUB_HOST", ""), environ.get("JUPYTERHUB_PUBLIC_URL", "")
    apart = own and urlsplit(hub).hostname != urlsplit(own).hostname
    return hub.rstrip("/") if apart else ""


def browser_origin(headers: Mapping[str, str], host: str) -> str | None:
    """The origin of the page that sent a request, if it is one of this server; else None.

    The browser says so itself over https and on this machine (``Sec-Fetch-Site``), also where a
    proxy has changed the Host. Otherwise the page's host must be the Host.
    """
    sender = origin_or_none(headers.get("Origin") or headers.get("Referer", ""))
    if sender is None or says_own(headers):
        return sender
    return sender if sender == origin_or_none(f"{urlsplit(sender).scheme}://{host}") else None


def says_own(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that page and server have one origin: no page can forge it."""
    return headers.get("Sec-Fetch-Site") == "same-origin"


def checked_origin(
    origin: str | None, host: str, public_origin: str | None, *, own_page: bool = False
) -> str:
    """The ``Origin`` header, which must match ``Host`` or the configured public origin.

    ``own_page``: the browser says that it does, and a proxy may have changed the Host.

    Raises:
        ForeignOrigin: it does not, or is missing.
    """
    try:
        own = origin_of(origin or "")
        scheme = urlsplit(own).scheme
        if own_page or own in {public_origin, origin_of(f"{scheme}://{host}")}:
            return own
    except ConfigurationError:
        pass
    raise ForeignOrigin(
        "This request does not come from a page of this server.",
        hint="Behind a proxy, set c.JupyterAuth.public_url to the address that browsers use.",
    )


def redirect_route(
    origin: str,
    public_origin: str | None,
    callback_path: str,
    page_path: str,
    fixed: str | None,
    *,
    hub: str = "",
    loopback: str | None = None,
) -> RedirectRoute:
    """The redirect URI for a browser at ``origin`` (RFC 6749 3.1.2), exact and never guessed.

    ``fixed`` and ``loopback`` are those of the provider's configuration. If they name this server
    otherwise the browser must begin there, or its cookies are missing on return. At another port of
    this machine a listener takes it, if the browser is on this machine too; one without a port is
    this server's where the path is. From elsewhere a person brings the answer. ``hub`` is the
    origin of a Hub that forwards from ``callback_path``.

    Raises:
        ConfigurationError: the fixed redirect URI is of a Jupyter server, and does not lead here.
    """
    here = public_origin or origin
    back = hub or here
    if not fixed:
        back = named(back, loopback)
        return _from(origin, here if hub else back, page_path, back + callback_path)
    if takes_any_port(fixed) and urlsplit(fixed).path == callback_path and can_listen(back):
        fixed = at_port(fixed, urlsplit(back).port or HTTP)
    target = origin_or_none(fixed)
    own = target is not None and (target in {origin, back} or _loopback_twins(target, origin))
    if target and own and urlsplit(fixed).path.endswith(_tail(callback_path)):
        return _from(origin, here if hub else target, page_path, fixed)
    if not own and can_listen(fixed):
        move_to, near = None if origin == here else here + page_path, is_loopback(here)
        return RedirectRoute(fixed, move_to, listen=near, by_hand=not near)
    if not own and (is_loopback(fixed) or not urlsplit(fixed).path.endswith(_tail(callback_path))):
        return RedirectRoute(fixed, None if origin == here else here + page_path, by_hand=True)
    own_uri = back + callback_path
    raise moved(fixed, own_uri) or ConfigurationError(
        f"The provider's redirect URI {fixed} does not lead back to this server.",
        hint=f"Register {own_uri} at the provider and configure that, or leave redirect_uri out.",
    )


def moved(fixed: str, own: str) -> ConfigurationError | None:
    """The error if ``fixed`` differs from ``own`` by its port only: Jupyter was there before."""
    there, here = urlsplit(origin_or_none(fixed) or ""), urlsplit(own)
    same_host = there.hostname == here.hostname or (is_loopback(fixed) and is_loopback(own))
    same_path = urlsplit(fixed).path.endswith(_tail(here.path))
    same = same_host and same_path and there.scheme == here.scheme
    if not same or there.port in {None, here.port}:
        return None
    return ConfigurationError(
        f"Jupyter has moved to another port: it is at {here.netloc} now, and the provider sends the"
        f" browser back to {there.netloc}.",
        hint=f"Start Jupyter with `--port={there.port} --ServerApp.port_retries=0`, or register"
        f" {own} at the provider and configure that.",
    )


def named(origin: str, loopback: str | None) -> str:
    """``origin``; if it is of this machine, by the name that the provider accepts."""
    parts = urlsplit(origin)
    if not loopback or not can_listen(origin):
        return origin
    return f"{parts.scheme}://{loopback}{f':{parts.port}' if parts.port else ''}"


def _from(origin: str, start: str, page_path: str, redirect_uri: str) -> RedirectRoute:
    if origin == start:
        return RedirectRoute(redirect_uri)
    return RedirectRoute(redirect_uri, start + page_path, twin=_loopback_twins(origin, start))


def _tail(callback_path: str) -> str:
    """The end that the path of a Hub has in common with ours."""
    return "/".join(["", *callback_path.rsplit("/", 3)[1:]])


def origin_or_none(url: str) -> str | None:
    """The URL's origin; None: it has none."""
    try:
        return origin_of(url)
    except ConfigurationError:
        return None


def _loopback_twins(one: str, other: str) -> bool:
    """Whether both are one port of this machine, as ``localhost`` and as ``127.0.0.1``."""
    a, b = urlsplit(one), urlsplit(other)
    return is_loopback(one) and is_loopback(other) and (a.scheme, a.port) == (b.scheme, b.port)
