"""``%auth doctor`` and ``jupyter auth doctor``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import TYPE_CHECKING

from jupyter_auth.core.common.finding import Finding, wrong
from jupyter_auth.core.common.handles import marked, plain
from jupyter_auth.core.doctor.process_checks import DISTRIBUTION, python
from jupyter_auth.core.errors import AuthError, NextStep, ProviderNotFound
from jupyter_auth.core.pyodide import IN_PYODIDE
from jupyter_auth.kernel.broker import connect
from jupyter_auth.kernel.commands.whereabouts import front_end, version, without_broker
from jupyter_auth.kernel.prompt.front_end import in_notebook
from jupyter_auth.kernel.report import Report, Section

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jupyter_auth.core.interfaces import Accounts

    Findings = tuple[Finding, ...]

PATIENCE = 1.0  # seconds until it reports what it waits for
AT_ONCE = 8  # providers


def examine(name: str | None = None, say: Callable[[str], object] = lambda _: None) -> Report:
    """Check this process, the broker, and the providers in use, or the one called ``name``.

    ``say`` is called with what it waits for, after a second of that.
    """
    try:
        accounts = connect.connect()
        here = _in_parallel([lambda: tuple(accounts.examine())], ["the accounts"], say)[0]
        name = name and connect.name_of(accounts, name)
        names = [name] if name else _in_use(accounts)
    except AuthError as error:
        return Report((Section(_title(), (python(), front_end(), wrong("Token service", error))),))
    if name:
        try:
            accounts.provider(name)
        except ProviderNotFound:
            raise
        except AuthError:
            pass  # it is known, and what is wrong with it is what is examined
    calls = [partial(_check, accounts, each) for each in names]
    found = _in_parallel(calls, [plain(each) for each in names], say)
    sections = [
        Section(f"Provider {marked(each)}", one) for each, one in zip(names, found, strict=True)
    ]
    if not sections:
        sections = [Section("Providers", (_NONE,))]
    return Report((*_here(accounts, here), *sections))


def _in_use(accounts: Accounts) -> list[str]:
    """The providers that are configured or signed in to: not every preset."""
    signed_in = {each.provider for each in accounts.accounts()}
    known = accounts.providers()
    used = [each for each in known if each.source != "preset" or each.name in signed_in]
    return [each.name for each in used if each.source != "broken"]  # the server reports those


_NONE = Finding(
    about="Providers",
    says="No provider is configured.",
    state="note",
    next_step=NextStep("name_or_add_provider", "github"),
)


def _check(accounts: Accounts, name: str) -> Findings:
    try:
        return tuple(accounts.examine(name))
    except AuthError as error:  # one broken provider must not hide the others
        return (wrong("Provider", error),)


def _in_parallel(
    calls: Sequence[Callable[[], Findings]], names: list[str], say: Callable[[str], object]
) -> list[Findings]:
    """What each call returns. They run in parallel: then one that hangs delays no other."""
    if IN_PYODIDE:  # it has no threads
        return [call() for call in calls]
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        futures = [pool.submit(call) for call in calls]
        _, late = wait(futures, PATIENCE)
        if late:
            waited = [name for name, each in zip(names, futures, strict=True) if each in late]
            say(f"Waiting for {', '.join(waited)} …")
        return [each.result() for each in futures]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # an interrupt does not wait


def _here(accounts: Accounts, found: Findings) -> list[Section]:
    """This process and the broker: one section if they are the same."""
    if accounts.local or IN_PYODIDE:
        return [Section(_title(), (front_end(), *without_broker(), *found))]
    theirs = next((each.says for each in found if each.about == DISTRIBUTION), "")
    broker = Finding(
        about="Token service", says="The Jupyter server answers: it keeps the accounts."
    )
    here = (python(), version(theirs), front_end(), broker)
    return [Section(_title(), here), Section("Your Jupyter server", found)]


def _title() -> str:
    return "This notebook's kernel" if in_notebook() else "This process"
