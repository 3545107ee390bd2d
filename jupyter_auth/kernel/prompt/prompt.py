"""The prompt of a pending login: HTML in a notebook, lines in a terminal.

The HTML is replaced by the outcome, so that no dead link is saved with the notebook. It is not a
widget, since one drawn by a busy kernel does not survive a page reload.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from jupyter_auth.core.common.handles import FROM_CODE
from jupyter_auth.core.consent.consents import GRANT as CONSENT
from jupyter_auth.core.errors import AuthError, LoginRequired
from jupyter_auth.core.login.grants import TYPED
from jupyter_auth.core.pyodide import IN_PYODIDE
from jupyter_auth.core.record import replace
from jupyter_auth.core.wire import error_from_wire, login_error
from jupyter_auth.kernel.prompt.browser_file import BrowserFile
from jupyter_auth.kernel.prompt.front_end import in_notebook
from jupyter_auth.kernel.prompt.person import ask, sentence_data, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_auth.core.errors import NextStep
    from jupyter_auth.core.interfaces import Accounts
    from jupyter_auth.core.models import AccountInfo, AccountKey, Login, LoginRequest
    from jupyter_auth.core.provider.info import ProviderInfo

# JupyterLab's variables follow its theme. The fallback has enough contrast on white and on black.
# In a document that a browser does not trust, such as a colleague's, JupyterLab allows no variable.
_BUTTON = (
    "display:inline-block;margin:.2em .8em .2em 0;padding:.35em 1em;border-radius:3px;"
    "background-color:#1976d2;background:var(--jp-accept-color-normal,#1976d2);color:#fff;text-decoration:none;"
)
# Variables of environments that are used from a browser or an editor on another machine.
_ELSEWHERE = (
    *("SSH_CONNECTION", "SSH_TTY", "CODESPACES", "REMOTE_CONTAINERS", "VSCODE_AGENT_FOLDER"),
    *("VSCODE_IPC_HOOK_CLI", "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"),
    *("JUPYTERHUB_SERVICE_PREFIX", "GITPOD_WORKSPACE_ID"),
)
# What JupyterLab draws in place of the HTML, also in a saved notebook: labextension/src/mime.tsx.
MIME_TYPE = "application/vnd.jupyter-auth.sign-in+json"
_CONTINUES = "This cell continues once you are signed in."
_CONTINUES_ALLOWED = "This cell continues once you have answered."
_PASTE = (
    "After signing in, your browser ends on a page that may not load; that is expected. Copy its "
    "address and paste it below. (Nothing to paste? Press Enter.)"
)
_SHARED = "Everyone who uses this Jupyter server will be able to use this account."
_SHARED_NOW = " Everyone who uses this Jupyter server can use this account now."
_SMALL = "font-size:.9em;color:inherit;text-decoration:underline;"


def browser_here() -> bool:
    """Whether a browser can be opened on this machine, and so come back to this process.

    Not over SSH, in an editor's container, on a Hub, Colab or Kaggle.
    """
    if IN_PYODIDE:
        return True
    if any(os.environ.get(name) for name in _ELSEWHERE):
        return False
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(os.environ.get("BROWSER") or screen) or sys.platform in {"win32", "darwin"}


def comes_back(login: Login) -> bool:
    """Whether the provider redirects the browser to this process."""
    return login.grant == "authorization_code" and not login.has_page


def begin_by_link(
    accounts: Accounts, request: LoginRequest, *, hint: str = "", next_step: NextStep | None = None
) -> Login:
    """Begin that login where nothing can be typed or pasted: by a device's code, if need be.

    Raises:
        LoginRequired: neither will do; it says why, with ``hint`` and ``next_step``.
    """
    login = accounts.begin(request)
    reason = _not_by_link(login)
    if not reason:
        return login
    accounts.leave(login.id)
    with suppress(AuthError):
        if request.grant is None:
            return accounts.begin(replace(request, grant="device_code"))
    raise LoginRequired(reason, hint=hint, next_step=next_step)


def _not_by_link(login: Login) -> str:
    """Why a link is not enough for that login without a server's page; else ""."""
    if not login.has_page and login.grant in TYPED:
        return "This provider needs typed input, which cannot be taken safely here."
    if comes_back(login) and not login.url:
        return "You paste the address that the browser ends on, which cannot be taken safely here."
    if comes_back(login) and not browser_here():
        return "Your browser is on another machine and cannot come back to this kernel."
    return ""


def outcome(login: Login, info: ProviderInfo, account: AccountInfo | None = None) -> str:
    """How the login ended, in plain text."""
    if login.status == "complete" and login.grant == CONSENT:
        return f"This notebook may use {info.title} now{_as(account)}."
    if login.status == "complete":
        notes = (account.warning, account.ending) if account else ()
        warning = "".join(f" {note}" for note in notes if note)
        ours = f" ({FROM_CODE})" if _from_code(login, info) else ""
        return (
            f"Signed in to {info.title}{ours}{_as(account)}.{warning}{_SHARED_NOW * login.shared}"
        )
    return str(login_error(login, info.title))


def show_prompt(
    login: Login,
    info: ProviderInfo,
    *,
    paste: bool = False,
    redirect: str = "",
    link: str | None = None,
) -> Prompt:
    """Show the login's link, in a notebook or a terminal.

    Args:
        paste: the browser cannot come back, and its last address is asked for next.
        redirect: a line about the redirect URI, for a terminal.
        link: what to open in a browser on this machine, if there is one.
    """
    if redirect and not in_notebook():
        tell(redirect)
    prompt = Prompt(login, info, paste=paste)
    if link and browser_here():
        prompt.opened = BrowserFile(link)
    return prompt


class Prompt:
    """What the user sees while something waits for a login. The first call below ends it.

    It is HTML in the output of the waiting cell, or lines on stderr: stdout may be a pipe.
    """

    opened: BrowserFile | None = None
    _handle: Any = None

    def __init__(self, login: Login, info: ProviderInfo, *, paste: bool) -> None:
        self._login = login
        self._info = info
        self._ended = False
        self._note = _PASTE if paste else _continues(login)
        self.said = ""  # why the login is still pending, where that is known
        if in_notebook():
            from IPython.display import display

            bundle = prompt_data(login, info, self._note)
            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            sys.stderr.write(f"{prompt_text(login, info)}\n{_PASTE if paste else 'Waiting …'}\n")

    def pending(self, login: Login) -> None:
        """Show why a login is still pending, where that is known: it has an ``error`` then."""
        said = str(error_from_wire(login.error)) if login.error else ""
        if said == self.said or self._ended:
            return
        self.said = said
        if self._handle:
            self._handle.update(prompt_data(login, self._info, self._note), raw=True)
        elif said:
            sys.stderr.write(f"{said}\n")

    def finish(self, login: Login, account: AccountInfo | None = None) -> None:
        """Show how the login ended; ``account`` is who signed in."""
        self._end(outcome(login, self._info, account), login.status, account)

    def interrupted(self) -> None:
        """Show that waiting was interrupted."""
        did = "answered" if self._asks else f"signed in to {self._info.title}"
        self._end(f"Interrupted before you {did}. Run this again.", "cancelled")

    def timed_out(self) -> None:
        """Show that waiting has ended while the login is still pending."""
        did, do = f"signed in to {self._info.title}", "sign in"
        if self._asks:
            did, do = "answered", "answer"
        self._end(
            f"You have not {did} yet. The page for it still works: "
            f"{do} there, then run this again.",
            "pending",
        )

    @property
    def _asks(self) -> bool:
        """Whether it asks for consent only."""
        return self._login.grant == CONSENT

    def _end(self, sentence: str, state: str, account: AccountInfo | None = None) -> None:
        if not self._ended:
            self._ended = True
            if self.opened:
                self.opened.remove()
            if self._handle:
                said = sign_in_data(self._info, self._login.key, state, sentence, account)
                drawn = self._login.has_page and not self._asks
                bundle = sentence_data(sentence) | (said if drawn else {})
                self._handle.update(bundle, raw=True)
            else:
                sys.stderr.write(f"{sentence}\n")


def prompt_text(login: Login, info: ProviderInfo) -> str:
    """The link in plain text: absolute if its origin is known, as in Jupyter's terminals."""
    link = login.url or urljoin(jupyter_address(), login.path or "")
    where = " (an address on your Jupyter server)" if link.startswith("/") else _inner(login)
    code = f" with the code {code_to_show(login)}" if code_to_show(login) else ""
    known = ", ".join(filter(None, (login.host, FROM_CODE * _from_code(login, info))))
    about = f" ({known})" if known else ""
    said = (_found(login, info), login.reason, _SHARED * login.shared)
    notes = "".join(f"\n{note}" for note in said if note)
    return f"{_do(login, info)}{about}{code}: {link}{where}{notes}"


def _do(login: Login, info: ProviderInfo) -> str:
    """What the link is for."""
    asks = login.grant == CONSENT
    return f"Allow this notebook to use {info.title} …" if asks else f"Sign in to {info.title}"


def _continues(login: Login) -> str:
    return _CONTINUES_ALLOWED if login.grant == CONSENT else _CONTINUES


def _as(account: AccountInfo | None) -> str:
    return f" as {account.username}" if account and account.username else ""


def _inner(login: Login) -> str:
    """What to do if the link does not load."""
    if not login.inner or not login.url or not login.path:
        return ""
    return f" (if your browser has Jupyter at another address, put that before {login.path})"


def jupyter_address() -> str:
    """The public URL of this terminal's Jupyter server, or "".

    On a Hub, the server's own address is for the Hub's proxy only.
    """
    on_hub = "JUPYTERHUB_SERVICE_PREFIX" in os.environ
    return os.environ.get("JUPYTERHUB_PUBLIC_URL" if on_hub else "JUPYTER_SERVER_URL", "")


def _from_code(login: Login, info: ProviderInfo) -> bool:
    """Whether to say that the provider is defined in code: not in a program without a server."""
    return login.has_page and info.source == "code"


def _found(login: Login, info: ProviderInfo) -> str:
    """Where the address of an API leads, if no page of a server shows it."""
    return _led_to(info, info.scopes) if info.found_at and not login.has_page else ""


def _led_to(info: ProviderInfo, asked: Sequence[str]) -> str:
    scopes = f", for {' '.join(asked)}" if asked else ""
    return f"{info.found_at} says that {info.host} signs people in to it{scopes}."


def agrees(info: ProviderInfo, scopes: Sequence[str]) -> bool:
    """Whether a person goes on to where the address of an API led, for those ``scopes``."""
    question = f"{_led_to(info, scopes or info.scopes)} Continue only if you know both. Continue?"
    try:
        return ask(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        return False


def redirect_words(redirect_uri: str, title: str, *, fixed: bool) -> str:
    """The redirect URI of a login without a server, to compare with the registration."""
    if fixed:
        return f"Redirect URI: {redirect_uri} (register exactly this at {title})"
    return (
        f"Redirect URI: {redirect_uri} (the port changes each time: register the URI without"
        " one, or set `redirect_uri` of the provider)"
    )


def code_to_show(login: Login) -> str | None:
    """A device's code, unless a page of the server shows it (SECURITY 9)."""
    return None if login.has_page else login.user_code


def prompt_data(login: Login, info: ProviderInfo, note: str = _CONTINUES) -> dict[str, Any]:
    """The pending login as a MIME bundle: HTML with a link, and plain text.

    The path comes first: it is right under any name of this server. The absolute URL is for pages
    that are not the server's, as in VS Code, PyCharm and Colab, and where no link can be clicked,
    as in euporie. A login without a path has no page with help.
    """
    href, do = escape(login.path or login.url or ""), escape(_do(login, info))
    stuck = (
        f' <a href="{href}#stuck" target="_blank" rel="noopener" style="{_SMALL}">'
        "Trouble signing in?</a>"
    )
    stuck = "" if login.grant == CONSENT else stuck
    user_code = code_to_show(login)
    code = f"Your code is <strong>{escape(user_code)}</strong>. " if user_code else ""
    there = f"Opens {escape(login.host)} in a new tab. " if login.host else ""
    ours = f"This provider is {FROM_CODE}. " if _from_code(login, info) else ""
    shared = f"{_SHARED} " if login.shared else ""
    error = str(error_from_wire(login.error)) if login.error else ""
    said = " ".join(filter(None, (_found(login, info), login.reason, error)))
    reason = f"{escape(said)} " if said else ""
    outside = ""
    if login.url and login.url != login.path:
        url = escape(login.url)
        link = f'<a href="{url}" target="_blank" rel="noopener" style="{_SMALL}">{url}</a>'
        outside = f" If the button does nothing, open {link}{escape(_inner(login))}."
    html = (
        '<div role="status">'
        f'<a href="{href}" target="_blank" rel="noopener" style="{_BUTTON}">{do}</a>'
        f"<span>{reason}{code}{there}{ours}{shared}{escape(note)}"
        f"{stuck if login.path else ''}{outside}</span></div>"
    )
    drawn = login.has_page and login.grant != CONSENT  # JupyterLab's own has other words
    said_too = sign_in_data(info, login.key, "pending", note) if drawn else {}
    return {"text/html": html, "text/plain": prompt_text(login, info), **said_too}


def ask_for_address() -> str:
    """What the user pasted; "" continues to wait.

    A notebook asks for it like a password: other input is saved in the output.
    """
    from getpass import getpass

    prompt = "Paste the address that your browser ended on (the page may not load): "
    try:
        return (getpass if in_notebook() else ask)(prompt).strip()
    except EOFError:
        return ""


def sign_in_data(
    info: ProviderInfo, key: AccountKey, state: str, says: str, account: AccountInfo | None = None
) -> dict[str, Any]:
    """A sign-in for JupyterLab's extension, if the server keeps the account: see ``MIME_TYPE``.

    It is saved with the notebook, so it has no link: the extension asks the server for that.

    Args:
        state: a login's status, or ``"signed_out"``.
        says: how it ended; while it is pending, what else to show.
    """
    return {
        MIME_TYPE: {
            "version": 1,
            "provider": key.provider,
            "session_key": key.session_key,
            "title": info.title,
            "state": state,
            "says": says,
            "username": account.username if account else None,
            "at": int(time.time()),
        }
    }
