"""``%auth doctor`` and ``jupyter auth doctor``: what could keep somebody from signing in here."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from jupyter_auth.core.common.finding import Finding, wrong
from jupyter_auth.core.common.handles import marked, plain
from jupyter_auth.core.doctor.process_checks import DISTRIBUTION, python
from jupyter_auth.core.errors import AuthError, ProviderNotFound
from jupyter_auth.kernel.broker import connect
from jupyter_auth.kernel.commands.report import Report, Section
from jupyter_auth.kernel.commands.whereabouts import front_end, version, without_broker
from jupyter_auth.kernel.prompt.prompt import in_notebook

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.interfaces import Accounts

PATIENCE = 1.0  # seconds until it is said what is waited for
AT_ONCE = 8  # providers


def examine(name: str | None = None, say: Callable[[str], None] = lambda _: None) -> Report:
    """Look at this process, at whoever keeps its accounts, and at the providers, or at ``name``.

    ``say`` is told what is waited for, once that is longer than a second. ProviderNotFound.
    """
    try:
        accounts = connect.connect()
        here = _one_by_one([lambda: tuple(accounts.examine())], ["the accounts"], say)[0]
        names = [name] if name else _in_use(accounts)
    except AuthError as error:
        return Report((Section(_title(), (python(), front_end(), wrong("Broker", error))),))
    if name:
        _require_known(accounts, name)
    calls = [_checking(accounts, each) for each in names]
    found = _one_by_one(calls, [plain(each) for each in names], say)
    sections = [
        Section(f"Provider {marked(each)}", one) for each, one in zip(names, found, strict=True)
    ]
    if not sections:
        sections = [Section("Providers", (_NONE,))]
    return Report((*_here(accounts, here), *sections))


def _in_use(accounts: Accounts) -> list[str]:
    """The providers that somebody configured here, or is signed in to: not every preset."""
    signed_in = {each.provider for each in accounts.accounts()}
    known = accounts.providers()
    used = [each for each in known if each.source != "preset" or each.name in signed_in]
    return [each.name for each in used if each.source != "broken"]  # said of the server already


def _require_known(accounts: Accounts, name: str) -> None:
    try:
        accounts.provider(name)
    except ProviderNotFound:
        raise
    except AuthError:
        return  # there is such a one, and something wrong with it: that is what is examined


_NONE = Finding(
    about="Providers",
    says="No provider is configured.",
    fix="Add one: `%auth add NAME --issuer URL --client-id ID`. Or name a built-in one.",
    state="note",
)


def _checking(accounts: Accounts, name: str) -> Callable[[], tuple[Finding, ...]]:
    def call() -> tuple[Finding, ...]:
        try:
            return tuple(accounts.examine(name))
        except AuthError as error:  # one broken provider must not hide the others
            return (wrong("Provider", error),)

    return call


def _one_by_one(
    calls: list[Callable[[], tuple[Finding, ...]]], names: list[str], say: Callable[[str], None]
) -> list[tuple[Finding, ...]]:
    """What each call returns; they run side by side, for one that hangs is as slow as all."""
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        futures = [pool.submit(call) for call in calls]
        _, late = wait(futures, PATIENCE)
        if late:
            waited = [name for name, each in zip(names, futures, strict=True) if each in late]
            say(f"Waiting for {', '.join(waited)} …")
        return [each.result() for each in futures]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # an interrupt does not wait for them


def _here(accounts: Accounts, found: tuple[Finding, ...]) -> list[Section]:
    """This process and the one that keeps the accounts: one section where they are the same."""
    if accounts.local:
        return [Section(_title(), (front_end(), *without_broker(), *found))]
    theirs = next((each.says for each in found if each.about == DISTRIBUTION), "")
    broker = Finding(about="Broker", says="The Jupyter server answers: it keeps the accounts.")
    here = (python(), version(theirs), front_end(), broker)
    return [Section(_title(), here), Section("Your Jupyter server", found)]


def _title() -> str:
    return "This notebook's kernel" if in_notebook() else "This process"
