"""Listens at redirect URIs that name another port of this machine (RFC 8252 7.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from jupyter_auth.core.login.loopback_server import NOTHING, Listener, Page
from jupyter_auth.core.login.openings import binding_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from urllib.parse import SplitResult

MAX_QUERY = 1 << 14  # characters


@dataclass(frozen=True)
class LoopbackCallback:
    """One opening of a login: its cookie's name, and the callback page to forward to."""

    login_id: str
    binding: str
    callback: str


class LoopbackCallbacks:
    """Listeners at fixed redirect URIs, each while a login that uses it is pending.

    They know no secrets and decide nothing: a browser with the state of such a login is sent on to
    the callback page where it began, which checks everything.
    """

    def __init__(self, pending: Callable[[], set[str]]) -> None:
        self._pending = pending
        self._listeners: dict[str, _RedirectListener] = {}

    def listen(self, redirect_uri: str, expected: LoopbackCallback | None = None) -> None:
        """Listen at ``redirect_uri``, and forward what is ``expected`` there.

        Raises:
            ConfigurationError: nothing can listen there.
        """
        kept = {uri: each for uri, each in self._listeners.items() if each.listener.keep()}
        self._listeners = kept
        if redirect_uri not in self._listeners:
            self._listeners[redirect_uri] = _RedirectListener(redirect_uri, self._pending)
        if expected:
            self._listeners[redirect_uri].expected[expected.binding] = expected

    def close(self) -> None:
        """Stop listening."""
        for each in self._listeners.values():
            each.listener.close()


class _RedirectListener:
    def __init__(self, redirect_uri: str, pending: Callable[[], set[str]]) -> None:
        self.expected: dict[str, LoopbackCallback] = {}
        self._pending = pending
        self._path = urlsplit(redirect_uri).path
        self.listener = Listener(redirect_uri, self._answer, self._needed)

    def _needed(self) -> bool:
        pending = self._pending()
        return any(each.login_id in pending for each in self.expected.copy().values())

    def _answer(self, url: SplitResult, _cookies: Mapping[str, str]) -> Page:
        params = parse_qsl(url.query[:MAX_QUERY], keep_blank_values=True)
        back = self.expected.get(binding_name(dict(params).get("state", "")))
        if back is None or url.path != self._path:
            return NOTHING
        return Page(location=f"{back.callback}?{urlencode(params)}")
