"""What can go wrong at a provider, as data: each trouble wraps the honest answer of one endpoint.

A trouble is called with ``proceed``, which does the endpoint's real work and returns its ``Reply``.
One that calls it has the work done and spoils the answer (a refresh token is rotated and the answer
lost); one that does not stands in front of the work.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

MISSING = object()
"""As a value of ``fields`` or ``query``: this one is left out."""

CHUNK = b" " * 65536


@dataclass(frozen=True)
class Reply:
    """An HTTP answer. A body of chunks is sent as they come, without a length.

    ``closed`` stands for no answer at all: the connection ends.
    """

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    headers: dict[str, str] = field(default_factory=dict)
    closed: bool = False

    @staticmethod
    def json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
        body = json.dumps(value).encode()
        return Reply(status, body, {"Content-Type": "application/json"} | (headers or {}))


Proceed = Callable[[], Reply]
Trouble = Callable[[Proceed], Reply]


def status(code: int, body: str = "", content_type: str = "text/plain") -> Trouble:
    """This status and body instead of the work: ``status(500)``, ``status(503, "<html>...")``."""
    return _instead(Reply(code, body.encode(), {"Content-Type": content_type}))


def html(code: int = 200) -> Trouble:
    """A page where JSON is due, as a captive portal or a proxy gives."""
    return status(code, "<!DOCTYPE html><title>Welcome</title><p>Please sign in.", "text/html")


def empty() -> Trouble:
    """200 and nothing."""
    return status(200, "", "application/json")


def json_value(value: Any, code: int = 200) -> Trouble:
    """Any JSON instead of the work: ``json_value([])``, ``json_value(None)``."""
    return _instead(Reply.json(value, code))


def error(code: str, http_status: int = 400, description: str = "") -> Trouble:
    """An OAuth error (RFC 6749, 5.2): ``error("invalid_grant")``."""
    extra = {"error_description": description} if description else {}
    return json_value({"error": code} | extra, http_status)


def fields(**changes: Any) -> Trouble:
    """The honest JSON answer with these members changed: ``fields(expires_in="", x=MISSING)``."""

    def trouble(proceed: Proceed) -> Reply:
        reply = proceed()
        assert isinstance(reply.body, bytes)
        return replace(reply, body=json.dumps(_changed(json.loads(reply.body), changes)).encode())

    return trouble


def query(**changes: Any) -> Trouble:
    """The honest redirect of the authorization endpoint with these parameters changed."""

    def trouble(proceed: Proceed) -> Reply:
        reply = proceed()
        parts = urlsplit(reply.headers["Location"])
        given = urlencode(_changed(dict(parse_qsl(parts.query)), changes))
        location = urlunsplit(parts._replace(query=given))
        return replace(reply, headers=reply.headers | {"Location": location})

    return trouble


def deny(code: str = "access_denied") -> Trouble:
    """The person says no (RFC 6749, 4.1.2.1)."""
    return query(code=MISSING, error=code)


def redirect(location: str, code: int = 307) -> Trouble:
    """Send the request, body and all, to somebody else."""
    return _instead(Reply(code, headers={"Location": location}))


def close(*, after: bool = False) -> Trouble:
    """Hang up; with ``after`` only when the work is done, so that its answer is lost."""

    def trouble(proceed: Proceed) -> Reply:
        if after:
            proceed()
        return Reply(closed=True)

    return trouble


def huge(megabytes: int = 64) -> Trouble:
    """JSON that is good but for its size."""

    def body() -> Iterator[bytes]:
        for _ in range(megabytes * 1024 * 1024 // len(CHUNK)):
            yield CHUNK
        yield b"{}"

    def trouble(_proceed: Proceed) -> Reply:
        return Reply(200, body(), {"Content-Type": "application/json"})

    return trouble


def _honest(proceed: Proceed) -> Reply:
    return proceed()


class Gate:
    """Hold every request until ``release()``; then it goes on as if nothing had been.

    With ``after`` the work is done before the wait and only its answer is held; with ``dribble``
    a byte comes now and then meanwhile, so that no read ever times out; ``then`` is the trouble in
    which it ends. ``arrived`` is set when the first request is held, ``waiting`` counts them.
    """

    def __init__(
        self, *, after: bool = False, dribble: bool = False, then: Trouble = _honest
    ) -> None:
        self.arrived = threading.Event()
        self.waiting = 0
        self._after = after
        self._dribble = dribble
        self._then = then
        self._open = threading.Event()
        self._lock = threading.Lock()

    def release(self) -> None:
        self._open.set()

    def __call__(self, proceed: Proceed) -> Reply:
        reply = self._then(proceed) if self._after or self._dribble else None
        if reply and self._dribble:
            return replace(reply, body=self._drops(reply.body))
        self._hold()
        return reply or self._then(proceed)

    def _hold(self) -> None:
        with self._lock:
            self.waiting += 1
        self.arrived.set()
        self._open.wait()
        with self._lock:
            self.waiting -= 1

    def _drops(self, body: bytes | Iterable[bytes]) -> Iterator[bytes]:
        self.arrived.set()
        while not self._open.wait(0.05):
            yield b" "  # white space before JSON is still JSON
        yield from [body] if isinstance(body, bytes) else body


def _instead(reply: Reply) -> Trouble:
    return lambda _proceed: reply


def _changed(original: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = original | changes
    return {key: value for key, value in merged.items() if value is not MISSING}
