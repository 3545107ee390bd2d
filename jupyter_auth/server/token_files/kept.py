"""Keeps the files of ``c.JupyterAuth.token_files`` fresh while their accounts are signed in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import os
import time
from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.backoff import Backoff
from jupyter_auth.core.common.routes import ROUTES
from jupyter_auth.core.errors import AuthError, ConfigurationError, LoginFailed, LoginRequired
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.tokens.token_file import remove_token, write_token
from jupyter_auth.core.wire import token_from_wire
from jupyter_auth.server.broker.broker import MAX_WAIT
from jupyter_auth.server.token_files.settings import ID_TOKEN

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from jupyter_auth.server.broker.broker import Broker
    from jupyter_auth.server.token_files.settings import TokenFile

# Seconds before expiry that a token is renewed, but at most half of what is left. Azure's SDK keeps
# for ten minutes what it has read.
EARLY = 900.0
LOOK = 30.0  # seconds between looks at the clock, which a sleeping machine puts forward, and a file
SHORTEST = 1.0  # seconds between renewals
PAUSE = 0.05  # seconds within which all changes count as one
GONE = (LoginRequired, LoginFailed, ConfigurationError)  # others pass: the token may still be good

_log = logging.getLogger("jupyter_auth")


class TokenFiles:
    """One task for each file, and one that follows changes, from ``start`` until ``close``."""

    def __init__(self, files: Sequence[TokenFile], broker: Broker) -> None:
        self._broker = broker
        self._kept = [_Kept(each, broker) for each in files]
        self._gone = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._variables = {each.variable: str(each.path) for each in files if each.variable}
        os.environ.update(self._variables)  # kernels and terminals inherit it

    def start(self) -> None:
        """Called on the event loop."""
        if self._kept:
            work: list[Coroutine[Any, Any, None]] = [each.keep() for each in self._kept]
            self._tasks = [asyncio.create_task(each) for each in [*work, self._follow()]]

    async def _follow(self) -> None:
        """By a long poll: while one waits, what other processes change is seen too."""
        since, tries = 0, Backoff()
        while True:
            asked = {"since": since, "wait": MAX_WAIT}
            try:
                found = await self._broker.call(ROUTES["changes"], query=asked, gone=self._gone)
                news, changes = found["sequence"], found["changes"]
            except Exception as error:  # noqa: BLE001 (away, or stopping)
                await asyncio.sleep(tries.pause(error))
                continue
            tries.reset()
            if news != since and {each["kind"] for each in changes} != {"usage"}:
                for each in self._kept:
                    each.woken.set()
            since = news

    def close(self) -> None:
        """Remove the files. Called on any thread, and when the process ends."""
        for task in self._tasks:
            task.cancel()
        for each in self._kept:
            each.close()
        for name, path in self._variables.items():
            if os.environ.get(name) == path:
                del os.environ[name]


class _Kept:
    """One file. ``woken`` is set once something has changed."""

    def __init__(self, file: TokenFile, broker: Broker) -> None:
        self._file = file
        self._broker = broker
        self._written = ""  # the digest of the token in the file
        self._expires = 0.0  # when that expires
        self._tries = Backoff()
        self._said = ""  # what is wrong, which is logged once
        self.woken = asyncio.Event()

    async def keep(self) -> None:
        """Keep it fresh, until this is cancelled."""
        while True:
            self.woken.clear()
            due = time.time() + await self._renew()
            while not self.woken.is_set() and not self._lost and (left := due - time.time()) > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.woken.wait(), min(left, LOOK))
            await asyncio.sleep(PAUSE)

    @property
    def _lost(self) -> bool:
        """Whether a program that cleans up, or another server that stops, removed the file."""
        return bool(self._written) and not self._file.path.exists()

    async def _renew(self) -> float:
        """Seconds until the next renewal, unless something changes before."""
        try:
            token, expires = await self._token()
            if token.digest != self._written or self._lost:
                write_token(self._file.path, token)
            self._written, self._expires = token.digest, expires
        except GONE as error:
            self.remove()
            self._say("" if type(error) is LoginRequired else str(error))  # nobody is signed in
            return math.inf
        except Exception as error:  # noqa: BLE001 (away, or a full disk: it is tried again)
            self._say(str(error) if isinstance(error, AuthError) else type(error).__name__)
            return self._after_failure(error)
        self._say("")
        self._tries.reset()
        left = expires - time.time()
        return max(left - EARLY, left / 2, SHORTEST)

    def _after_failure(self, error: Exception) -> float:
        """What is in the file stays there until it expires."""
        left = self._expires - time.time()
        if left <= 0:
            self.remove()
        pause = max(self._tries.pause(error), SHORTEST)
        return min(pause, left) if left > 0 else pause

    async def _token(self) -> tuple[Secret, float]:
        """The token, and when it expires. Raises as the broker's ``token`` does."""
        answer = await self._ask()
        token = token_from_wire(answer)
        expires = math.inf if token.expires_at is None else token.expires_at
        if self._file.token != ID_TOKEN:
            return token.bearer, expires
        issued, expires = lifetime(answer.get("id_token"))
        if time.time() > expires - min(LOOK, (expires - issued) / 4):  # the access token lives on
            answer = await self._ask(rejected=token.digest)
            issued, expires = lifetime(answer.get("id_token"))
        if time.time() >= expires:
            raise ConfigurationError(
                f"{self._file.provider} gives no current ID token.",
                hint="Sign in with the scope openid. Some providers give one at a sign-in only.",
            )
        return Secret(answer["id_token"]), expires

    async def _ask(self, **more: Any) -> dict[str, Any]:
        file = self._file
        body = {"provider": file.provider, "session_key": file.session_key, "min_valid": EARLY}
        body |= {"resource": file.resource, "id_token": file.token == ID_TOKEN}
        return await self._broker.call(ROUTES["token"], body=body | more)

    def _say(self, trouble: str) -> None:
        if trouble and trouble != self._said:
            _log.warning("%s is not kept fresh. %s", self._file.path, trouble)
        self._said = trouble

    def close(self) -> None:
        """Remove the file, if it is this server's."""
        if self._written:
            self.remove()

    def remove(self) -> None:
        """Remove the file: a token in it is out of date, or nobody's any more."""
        self._written, self._expires = "", 0.0
        remove_token(self._file.path)


def lifetime(id_token: Any) -> tuple[float, float]:
    """When an ID token, which the core has verified, was issued and expires; 0 without one."""
    try:
        payload = str(id_token or "").split(".")[1]
        claims = json.loads(urlsafe_b64decode(f"{payload}=="))
        return float(claims["iat"]), float(claims["exp"])
    except (ValueError, LookupError):
        return 0.0, 0.0
