"""One long poll per process, shared by all listeners, while there are any."""

from __future__ import annotations

import itertools
import logging
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common import backoff
from jupyter_auth.core.pyodide import IN_PYODIDE

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.interfaces import Accounts
    from jupyter_auth.core.models import Changes

    Listener = Callable[[Changes], None]

WAIT = 25.0  # seconds of one poll

_log = logging.getLogger("jupyter_auth")


class Watcher:
    """Tells its listeners what changed. Its thread runs while there are any.

    After a lost connection they get a reset: any change may have been missed.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._listeners: dict[int, Listener] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._seen = 0
        _watchers.add(self)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` in its thread at each change after this; what is returned ends that."""
        number = next(self._numbers)
        self._listeners[number] = listener
        with self._lock:
            if self._thread is None and IN_PYODIDE:  # it has no threads: the engine calls
                self._thread, self._seen = threading.main_thread(), self._now() or 0
                in_process: Any = self._accounts
                in_process.listen(self._look)
            elif self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, args=(self._now(),), name="jupyter_auth watcher", daemon=True
                )
                self._thread.start()

        def end() -> None:  # takes no lock: the garbage collector may call it at any point
            self._listeners.pop(number, None)

        return end

    def _look(self) -> None:
        news = self._accounts.changes(self._seen)
        self._seen = news.sequence
        self._tell(news)

    def _now(self) -> int | None:
        try:
            return self._accounts.changes().sequence
        except Exception:  # noqa: BLE001 (the thread tries again)
            return None

    def _run(self, since: int | None) -> None:
        from jupyter_auth.core.models import Changes

        tries = backoff.Backoff()
        while self._wanted():
            try:
                if since is None:
                    news = Changes(sequence=self._accounts.changes().sequence, reset=True)
                else:
                    news = self._accounts.changes(since, WAIT)
            except Exception as error:  # noqa: BLE001 (only the last listener ends the watch)
                pause, since = tries.pause(error), None
                _log.debug("Changes are not seen for %s s: %s", pause, type(error).__name__)
                threading.Event().wait(pause)
                continue
            since = news.sequence
            tries.reset()
            if news.reset or news.changes:
                self._tell(news)

    def _wanted(self) -> bool:
        with self._lock:
            if not self._listeners:
                self._thread = None
        return self._thread is threading.current_thread()

    def _tell(self, news: Changes) -> None:
        for listener in self._listeners.copy().values():
            try:
                listener(news)
            except Exception:  # noqa: BLE001 (the other listeners are still told)
                _log.exception("A listener to changes of accounts has failed")

    def after_fork(self) -> None:
        """Reset, in a child: it has no thread, and its listeners register again."""
        self._lock, self._thread, self._listeners = threading.Lock(), None, {}


_watchers: weakref.WeakSet[Watcher] = weakref.WeakSet()
_by_accounts: weakref.WeakValueDictionary[int, Watcher] = weakref.WeakValueDictionary()


def watcher_of(accounts: Accounts) -> Watcher:
    """The one watcher of ``accounts``; it lives while it is referenced or has listeners."""
    found = _by_accounts.get(id(accounts))  # a watcher holds its accounts, so ids are not reused
    return found or _by_accounts.setdefault(id(accounts), Watcher(accounts))


def watch(accounts: Accounts, callback: Callable[[], None]) -> Callable[[], None]:
    """Call ``callback`` from another thread at each change; calling what is returned ends that."""
    return watcher_of(accounts).listen(lambda _: callback())


def _after_fork() -> None:
    for watcher in list(_watchers):
        watcher.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
