"""A widget with one account: the link to sign in, then who is signed in.

Synced traits are saved with the notebook, so the only ones here are the names of provider and
account. Everything else goes to the view in custom messages, which are not saved.
"""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
import uuid
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from jupyter_auth.core import wire
from jupyter_auth.core.common.codec import to_wire
from jupyter_auth.core.common.handles import is_handle
from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.errors import AuthError, LoginExpired, NextStep
from jupyter_auth.core.models import NO_CHALLENGE, AccountKey, LoginRequest
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.kernel.arguments import check_arguments, words
from jupyter_auth.kernel.broker.connect import account_key, connect, provider_of
from jupyter_auth.kernel.broker.watcher import watch
from jupyter_auth.kernel.prompt.front_end import is_interactive
from jupyter_auth.kernel.prompt.person import sentence_data
from jupyter_auth.kernel.prompt.prompt import (
    MIME_TYPE,
    begin_by_link,
    code_to_show,
    outcome,
    prompt_data,
    sign_in_data,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipywidgets import Layout

    from jupyter_auth.core.common.rate_limits import Limits
    from jupyter_auth.core.interfaces import Accounts
    from jupyter_auth.core.models import AccountInfo, Challenge, Login

VIEW_TIME = 3.0  # seconds for a view to send its first message, while the kernel is idle
HEAR_TIME = 1.0  # seconds more, to handle messages that came while it was busy
_VIEW = "application/vnd.jupyter.widget-view+json"


def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


class _ProviderName(traitlets.Unicode[str, Any]):
    """Takes a name, a ``Provider``, or None for the default one, as ``UserSession`` does."""

    def validate(self, obj: Any, value: Any) -> str:
        check_arguments(provider=value)
        accounts: Accounts = obj._accounts  # noqa: SLF001 (the widget's, in this file)
        if isinstance(value, Provider):
            return accounts.register(value).name
        return provider_of(accounts, value).name


class AccountWidget(anywidget.AnyWidget):
    """Shows one account, and begins a login when it is displayed and none is signed in.

    Arguments and errors are those of ``LoginWidget``. It never waits for the login.
    """

    _esm = _read("account_view.js") + _read("widget.js")
    _css = _read("widget.css")
    provider = _ProviderName().tag(sync=True)
    session_key = traitlets.Unicode(DEFAULT_KEY).tag(sync=True)
    _following: Callable[[], None] | None = None  # for ``close`` after a failed __init__

    def __init__(
        self,
        provider: str | Provider | None = None,
        session_key: str = DEFAULT_KEY,
        *,
        username: str | None = None,
        scopes: Sequence[str] | str | None = None,
        force: bool = False,
        grant: str | None = None,
        challenge: Challenge | None = None,
        layout: Layout | dict[str, Any] | None = None,
        begin: bool = True,
        accounts: Accounts | None = None,
    ) -> None:
        asked = {"username": username, "force": force, "grant": grant}
        check_arguments(provider=provider, session_key=session_key, scopes=scopes, **asked)
        self._accounts = accounts or connect()
        self._asked: dict[str, Any] = asked | {"scopes": list(words(scopes))}
        self._asked["challenge"] = challenge or NO_CHALLENGE
        self._force, self._begins, self._chosen_key = force, begin, session_key
        self._display_id = uuid.uuid4().hex
        self._was_shown = self._view_heard = False
        self._view_shown = True  # else the fallback alone
        self._displayed: tuple[Any, ...] = ()  # what is displayed now; () while nothing is
        self._lock = threading.RLock()
        self._loop, self._context = _running_loop(), copy_context()
        placed = {} if layout is None else {"layout": layout}
        super().__init__(provider=provider, session_key=session_key, **placed)
        self._following = watch(self._accounts, self._changed)
        self._start()
        self._apply()
        self.on_msg(self._hear)

    def _start(self) -> None:
        """Show the account of the current provider and session key."""
        self._info = self._accounts.provider(self.provider)
        chosen = self._chosen_key, self._asked["username"]
        self._key = account_key(self._accounts, self._info.name, *chosen)
        self.session_key = self._key.session_key
        self._account: AccountInfo | None = None
        self._login: Login | None = None
        self._begun = ""  # the id of the login that this widget began
        self._problem = self._note = ""
        self._wanted = self._begins  # whether to begin a login when shown; once
        self._try(self._look)

    @traitlets.observe("provider", "session_key")
    def _moved(self, _: Any) -> None:
        if not self._following or self._key == AccountKey(self.provider, self.session_key):
            return
        with self._lock:
            if self.session_key != self._key.session_key:
                self._chosen_key = self.session_key
            if self._pending and self._login and self._login.id == self._begun:
                self._try(lambda: self._accounts.leave(self._begun))
            self._start()
            if self._was_shown:
                self._shown()
            self._tell()
        self._apply()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._key}>"

    def close(self) -> None:
        """Close the view, and stop following the account."""
        if self._following:
            self._following()
            self._following = None
        super().close()

    def _ipython_display_(self) -> None:
        """Display it with an id, by which the fallback is updated."""
        from IPython.display import display

        with self._lock:
            bundle, _ = self._repr_mimebundle_()
            self._displayed = _compared(bundle)
            display(bundle, raw=True, display_id=self._display_id)  # type: ignore[no-untyped-call]
        if is_interactive():
            with suppress(RuntimeError):  # no loop: no front end
                loop = asyncio.get_running_loop()
                loop.call_later(VIEW_TIME, loop.call_later, HEAR_TIME, self._without_view)

    def _without_view(self) -> None:
        """Show the fallback alone: a policy may keep the view's script out."""
        with self._lock:
            if not self._view_heard and self.comm is not None:
                self._view_shown = False
                self._redraw()

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The view, and the link as HTML and text for front ends without widgets."""
        with self._lock:
            self._shown()
            if not self._problem:
                self._try(self._look)
            return self._bundle(), {}

    def _bundle(self) -> dict[str, Any]:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return ({_VIEW: view} if self._view_shown else {}) | self._fallback()

    def _fallback(self) -> dict[str, Any]:
        """How it is, for front ends without the view, and saved with the notebook.

        It has no link once there is a view.
        """
        if self._login and self._pending and not self._view_heard:
            return prompt_data(self._login, self._info, note="This page may stay open.")
        state, says = self._state()
        bundle = sentence_data(says)
        if self._accounts.local is None:
            bundle |= sign_in_data(self._info, self._key, state, says, self._account)
        return bundle

    def _state(self) -> tuple[str, str]:
        """The state as ``sign_in_data`` has it, and a sentence."""
        title = self._info.title
        if self._login and self._login.status != "complete":
            says = f"Sign-in to {title}." if self._pending else outcome(self._login, self._info)
            return self._login.status, says
        if self._problem:
            return "failed", self._problem
        account = self._account
        if not account:
            return "signed_out", f"Not signed in to {title}."
        if not self._lasts(account):
            return "signed_out", f"Sign-in needed for {title}. {account.trouble}".rstrip()
        who = f" as {account.username}" if account.username else ""
        return "complete", f"Signed in to {title}{who}."

    @staticmethod
    def _lasts(account: AccountInfo | None) -> bool:
        return account is not None and not account.over(time.time())

    def _shown(self) -> None:
        self._was_shown = True
        if self._wanted and (self._view_heard or is_interactive()):
            self._wanted = False
            account = self._try(self._look)
            lacks = account and account.lacks(self._asked["scopes"])
            if self._force or lacks or not self._lasts(account):
                self._act("begin")

    def _hear(self, _: Any, content: Any, __: Any) -> None:
        """Handle the view's request for the state, or a button that no server can act on."""
        kind = content.get("kind") if isinstance(content, dict) else None
        with self._lock:
            if kind in {"begin", "switch", "cancel", "logout"}:
                self._act(kind)
            elif kind == "look":
                self._view_heard = True
                self._shown()
                self._view_is_there()
            self._tell()
        self._apply_soon()

    def _view_is_there(self) -> None:
        """Remove the fallback's link: this front end has a view."""
        self._view_shown = True
        self._redraw()

    def _changed(self) -> None:
        """Show changes of the account or its login; called from any thread."""
        with self._lock:
            self._tell()
        self._apply_soon()

    def _apply_soon(self) -> None:
        """Apply changes on the event loop on which this was made; without one, right now."""
        if self._loop is None or self._loop.is_closed():
            self._apply()
            return
        with suppress(RuntimeError):  # just closed: the process is about to end
            self._loop.call_soon_threadsafe(self._apply, context=self._context.copy())

    def _apply(self) -> None:
        """Let Python follow the account: for ``LoginWidget``."""

    def _act(self, kind: str) -> None:
        self._problem = self._note = ""
        acts = {
            "begin": lambda: self._begin(force=self._force),
            "switch": lambda: self._begin(force=True),
            "cancel": self._cancel,
            "logout": self._logout,
        }
        self._try(acts[kind])

    def _try(self, call: Any) -> Any:
        try:
            return call()
        except AuthError as error:
            self._problem = str(error)
            return None

    def _begin(self, *, force: bool) -> None:
        asked = LoginRequest(*self._names, **self._asked | {"force": force})
        name = self._key.provider
        if is_handle(name):  # a terminal does not know it
            hint, step = "A `UserSession` for it asks for what is needed.", None
        else:
            hint, step = "", NextStep("sign_in_waiting", name)
        login = begin_by_link(self._accounts, asked, hint=hint, next_step=step)
        self._login, self._begun = login, login.id

    def _cancel(self) -> None:
        if self._login:
            self._login = self._accounts.cancel(self._login.id)

    def _logout(self) -> None:
        self._login = None
        self._note = self._accounts.logout(*self._names).note

    def _limits(self) -> Limits | None:
        """The limits of the account's API, as kernels reported them."""
        for each in self._accounts.limits():
            if (each.provider, each.session_key, each.client_id) == (*self._names, None):
                return each
        return None

    @property
    def _names(self) -> tuple[str, str]:
        return self._key.provider, self._key.session_key

    @property
    def _pending(self) -> bool:
        return self._login is not None and self._login.status == "pending"

    def _look(self) -> AccountInfo | None:
        """Who is signed in now; on an error ``_account`` stays."""
        self._account = self._accounts.account(self._key)
        return self._account

    def _tell(self) -> None:
        """Send the current state to the view."""
        self._try(self._follow_login)
        account = self._try(self._look)
        limits = self._try(self._limits)
        self.send(
            {
                "kind": "state",
                "state": {
                    "provider": wire.info_to_wire(self._info),
                    "account": wire.info_to_wire(account) if account else None,
                    "login": wire.login_to_wire(self._login) if self._login else None,
                    "code": code_to_show(self._login) if self._login else None,
                    "request": self._asked | {"challenge": to_wire(self._asked["challenge"])},
                    "problem": self._problem,
                    "note": self._note,
                    "limits": to_wire(limits) if limits else None,
                },
            }
        )
        self._redraw()

    def _follow_login(self) -> None:
        """Update our login, or take one that the view or another cell began for the account."""
        if self._login and self._pending:
            try:
                self._login = self._accounts.login(self._login.id)
            except LoginExpired as error:
                self._login = dataclasses.replace(
                    self._login, status="expired", error=error.to_wire()
                )
        if not self._pending:
            mine = [each for each in self._accounts.logins() if each.key == self._key]
            self._login = mine[-1] if mine else self._login

    def _redraw(self) -> None:
        """Display it again if the fallback has changed."""
        from IPython.display import update_display

        bundle = self._bundle()
        if self._displayed and self._displayed != _compared(bundle):
            self._displayed = _compared(bundle)
            update_display(bundle, raw=True, display_id=self._display_id)  # type: ignore[no-untyped-call]


def _compared(bundle: dict[str, Any]) -> tuple[Any, ...]:
    """A bundle without the time that it was made at."""
    said = bundle.get(MIME_TYPE, {}) | {"at": 0}
    return bundle["text/html"], said, _VIEW in bundle


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
