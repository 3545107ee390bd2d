"""Signing in with typed credentials in a terminal, where no server has a page for that."""

from __future__ import annotations

from getpass import getpass
from typing import TYPE_CHECKING

from jupyter_auth.core.common.handles import is_handle, plain
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.common.tracebacks import forgetful
from jupyter_auth.core.errors import ConfigurationError, LoginFailed, LoginRequired, ProviderError
from jupyter_auth.core.provider.client_credentials import variable
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.wire import login_error
from jupyter_auth.kernel.prompt.front_end import in_notebook
from jupyter_auth.kernel.prompt.person import ask, tell
from jupyter_auth.kernel.prompt.prompt import outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.interfaces import Accounts
    from jupyter_auth.core.login.loopback.logins import LoopbackLogins
    from jupyter_auth.core.models import Login
    from jupyter_auth.core.provider.info import ProviderInfo

AGAIN = (LoginFailed, ConfigurationError, ProviderUnavailable, ProviderError)


def sign_in(accounts: Accounts, local: LoopbackLogins, login: Login, info: ProviderInfo) -> None:
    """Ask until the login has ended, again after each refusal; raises how it ended."""
    ask = {"password": _password, "paste": _paste, "api_key": _api_key}[login.grant]
    try:
        while local.logins.get(login.id).status == "pending":
            try:
                ask(local, login, info)
            except AGAIN as error:
                tell(error)
    except EOFError:
        accounts.cancel(login.id)
    except BaseException:
        accounts.leave(login.id)
        raise
    ended = accounts.login(login.id)
    tell(outcome(ended, info, accounts.account(login.key)))
    if ended.status != "complete":
        raise login_error(ended)


@forgetful
def sign_in_as(local: LoopbackLogins, login: Login, username: str, ask: Callable[[], str]) -> None:
    """Sign in with the password that a program's ``ask`` returns. A refusal ends the login."""
    try:
        host = local.typed.host(login.id)
        local.typed.password(login.id, username, _text_of(ask), host=host)
    except BaseException:
        local.logins.leave(login.id)
        raise


def _text_of(ask: Callable[[], str]) -> Secret:
    found = ask()
    if not isinstance(found, str) or not found:
        raise ConfigurationError("The `password` function must return a string.")
    return Secret(found)


def check_password(
    accounts: Accounts, info: ProviderInfo, username: str | None, *, literal: bool
) -> None:
    """Raise ConfigurationError where a program cannot pass a password."""
    names = " and ".join(variable(plain(info.name), name) for name in ("username", "password"))
    if literal:
        raise ConfigurationError(
            "A password can't be passed as text: it would stay in your code.",
            hint=f"Pass a function that returns it, or set {names}.",
        )
    if in_notebook() or accounts.local is None:
        raise ConfigurationError(
            "`password=` works only in a script that runs without a Jupyter server.",
            hint=f"Set {names} where the Jupyter server is started, or sign in on its page.",
        )
    if not username:
        raise ConfigurationError(
            "`password=` needs `username=`.", hint="Pass the name that the password belongs to."
        )


def _password(local: LoopbackLogins, login: Login, info: ProviderInfo) -> None:
    if in_notebook():
        raise LoginRequired(
            f"The password for {info.title} can't be typed in a notebook.",
            # In a terminal, the name of one defined in code means another.
            hint="Run the same lines with `ipython` in a terminal, then this again."
            if is_handle(info.name)
            else f"Run `jupyter auth login {info.name}` in a terminal, then this again.",
        )
    host = local.typed.host(login.id)
    tell(
        f"{info.title} uses password sign-in, an older method. "
        f"Your password is sent only to {host}, and not stored."
    )
    username = ask("User name: ")
    password = Secret(getpass("Password: "))
    local.typed.password(login.id, username, password, host=host)


def _api_key(local: LoopbackLogins, login: Login, info: ProviderInfo) -> None:
    host = local.typed.host(login.id)
    tell(f"Your key for {info.title} is sent only to {host}, and not written to disk.")
    key = local.configured(login.provider).api_key
    labels = key.parts if key else {}
    parts = {name: Secret(getpass(f"{label}: ")) for name, label in labels.items()}
    local.typed.api_key(login.id, parts, host=host)


def _paste(local: LoopbackLogins, login: Login, info: ProviderInfo) -> None:
    paste = local.configured(login.provider).paste
    host = local.typed.host(login.id)
    tell(f"Sign in to {info.title} at {paste.url if paste else host} and copy what it shows.")
    # A notebook asks for it like a password: other input is saved in the output.
    text = Secret((getpass if in_notebook() else ask)("Paste it here: "))
    held = local.typed.paste(login.id, text, host=host)
    who = held.candidate and held.candidate.username
    question = f"It is for {who}." if who else f"{info.title} does not say whose account it is for."
    if ask(f"{question} Is this you? [y/N] ").strip().lower() in {"y", "yes"}:
        local.confirm(login.id)
    else:
        local.logins.end(login.id, "cancelled")
