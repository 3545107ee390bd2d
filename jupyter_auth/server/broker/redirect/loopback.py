"""Listens at redirect URIs that name another port of this machine (RFC 8252 7.3)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from jupyter_auth.core.common.urls import at_port, page_of
from jupyter_auth.core.login.loopback.server import NOTHING, Listener, Page
from jupyter_auth.core.login.loopback.uris import port_of
from jupyter_auth.core.login.openings import binding_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from urllib.parse import SplitResult

MAX_QUERY = 1 << 14  # characters


@dataclass(frozen=True)
class LoopbackCallback:
    """One opening of a login: its cookie's name, and the callback page to forward to.

    With an empty name it is still to come, and nothing is forwarded yet.
    """

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
        self._listeners: dict[int, _RedirectListener] = {}  # by port; 0: of any

    def listen(self, redirect_uri: str, expected: LoopbackCallback) -> str:
        """Listen at ``redirect_uri``, and forward what is ``expected`` there.

        Returns it with its port.

        Raises:
            ConfigurationError: nothing can listen there.
        """
        kept = {port: each for port, each in self._listeners.items() if each.listener.keep()}
        self._listeners = kept
        if (port := port_of(redirect_uri)) not in self._listeners:
            self._listeners[port] = _RedirectListener(redirect_uri, self._pending)
        there = self._listeners[port]
        if expected.binding:
            there.expected[expected.binding] = (page_of(redirect_uri)[-1], expected)
        return redirect_uri if port else at_port(redirect_uri, there.listener.port)

    def close(self) -> None:
        """Stop listening."""
        for each in self._listeners.values():
            each.listener.close()


class _RedirectListener:
    def __init__(self, redirect_uri: str, pending: Callable[[], set[str]]) -> None:
        self.expected: dict[str, tuple[str, LoopbackCallback]] = {}  # by cookie, with their paths
        self._pending = pending
        self.listener = Listener(redirect_uri, self._answer, self._needed)

    def _needed(self) -> bool:
        pending = self._pending()
        return any(each.login_id in pending for _, each in self.expected.copy().values())

    def _answer(self, url: SplitResult, _cookies: Mapping[str, str]) -> Page:
        params = parse_qsl(url.query[:MAX_QUERY], keep_blank_values=True)
        path, back = self.expected.get(binding_name(dict(params).get("state", "")), ("", None))
        if back is None and "error" in dict(params):
            back = self._without_state(path := url.path)
        if back is None or url.path != path:
            return NOTHING if url.query else dataclasses.replace(NOTHING, fragment=True)
        return Page(location=f"{back.callback}?{urlencode(params)}")

    def _without_state(self, path: str) -> LoopbackCallback | None:
        """The last one that is expected there: its callback page knows the browser."""
        pending = self._pending()
        there = (each for at, each in self.expected.copy().values() if at == path)
        return next((e for e in reversed([*there]) if e.login_id in pending), None)
