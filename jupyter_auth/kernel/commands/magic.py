"""The magics ``%auth`` and ``%%auth``."""

from __future__ import annotations

import getpass
import shlex
import time
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.display import display

from jupyter_auth.core.errors import SCRIPT, AuthError, LoginRequired, Step, speak
from jupyter_auth.core.models import AccountKey
from jupyter_auth.core.tokens.next_steps import how_to_sign_in
from jupyter_auth.kernel.broker.connect import connect
from jupyter_auth.kernel.commands import verbs
from jupyter_auth.kernel.commands.magic_cell import AwaitCells, run_with
from jupyter_auth.kernel.commands.magic_words import cell_parser, complete_in, line_parser
from jupyter_auth.kernel.commands.verb_parser import VerbUsageError, check_verb
from jupyter_auth.kernel.prompt.front_end import in_notebook, is_interactive, takes_input
from jupyter_auth.kernel.prompt.prompt import browser_here
from jupyter_auth.kernel.shown import Sentence, show

if TYPE_CHECKING:
    from argparse import Namespace


@magics_class
class AuthMagics(Magics):
    """``%auth`` and ``%%auth``."""

    @line_cell_magic
    def auth(self, line: str, cell: str | None = None) -> Any:
        """Sign in and out, and see who is signed in.

        %auth                               a table of who is signed in
        %auth login [NAME] [--key K] [--force] [--grant NAME] [--scopes ...]
            [--set NAME=VALUE] [--wait]
        %auth logout [NAME] [--key K] [--notebook PATH]
        %auth status [NAME]
        %auth providers
        %auth use NAME                      sets the default provider of this kernel
        %auth add NAME [--preset NAME] [--set NAME=VALUE] [--issuer URL] [--client-id ID]
            [--client-secret] [--grants ...] [--redirect-uri URL] [--scopes ...]
            [--base-url URL] [--api-origin URL]
                                            adds a provider; prompts for its client secret
        %auth explain [NAME]                the last response: who was sent, what to do
        %auth doctor [NAME]                 what could keep you from signing in, and the fix
        %%auth [NAME] [--key K]             runs the cell, which may await, with `session` bound

        Without NAME, login, logout and a cell use the default provider. Each line displays its
        result, in a loop or a function too, and returns it: t = %auth status
        """
        __tracebackhide__ = True  # a cell's traceback shows its own lines only
        try:
            if cell is not None:
                return self._cell(line, cell)
            try:
                return self._line(line)
            except AuthError as error:
                raise error from None
        except VerbUsageError as misuse:
            raise UsageError(str(misuse)) from None

    def _line(self, line: str) -> Any:
        words = _split(line)
        if not words:
            return show(verbs.status())
        parser, known = line_parser()
        check_verb("%auth", words[0], tuple(known))
        try:
            given = parser.parse_args(words)
        except SystemExit:  # from --help, which has printed
            return None
        match given.verb:
            case "login":
                return self._login(given)
            case "doctor":
                from jupyter_auth.kernel.commands.doctor import examine

                progress = _Progress()
                return show(examine(given.name, progress.say), progress.handle)
        return show(_run(given))

    def _login(self, given: Namespace) -> None:
        name = verbs.named(given.name)
        verbs.fill_in(name, given)
        if (
            given.wait
            or given.resource
            or not _link_is_enough()
            or (info := connect().provider(name)).unattended
        ):
            verbs.sign_in(name, given)
            return
        key = AccountKey(info.name, given.key)
        account = connect().account(key)
        lasts = account is not None and not account.over(time.time())
        if not is_interactive() and (given.force or not lasts):
            trouble = account.trouble if account else ""
            raise LoginRequired(
                f"{name} needs a sign-in, and this run can't ask for one. {trouble}".rstrip(),
                next_step=how_to_sign_in(key),
            )
        from jupyter_auth.kernel.prompt.widget import AccountWidget

        widget = AccountWidget(
            name, given.key, force=given.force, scopes=given.scopes, grant=given.grant
        )
        display(widget)  # type: ignore[no-untyped-call]

    def _cell(self, line: str, cell: str) -> Any:
        __tracebackhide__ = True
        given = cell_parser().parse_args(_split(line))
        try:
            from jupyter_auth.kernel.session.user_session import UserSession

            session = UserSession(given.name, session_key=given.key)
        except AuthError as error:
            raise error from None
        return run_with(self.shell, cell, session)


def _run(given: Namespace) -> Any:
    """A verb that only notebooks have, or one that they share with terminals."""
    match given.verb:
        case "use":
            return Sentence(verbs.use(given.name))
        case "explain":
            from jupyter_auth.kernel.commands.explain import last_explained

            return last_explained(given.name)
    return verbs.run(given, _ask_secretly)


class _Progress:
    """A line that says what ``doctor`` waits for, displayed when that is first known."""

    handle: Any = None

    def say(self, text: str) -> None:
        if self.handle is None:
            self.handle = display(Sentence(text), display_id=True)  # type: ignore[no-untyped-call]
        else:
            self.handle.update(Sentence(text))


def _ask_secretly(prompt: str) -> str:
    if not takes_input():
        raise LoginRequired(
            "This run can't ask for the client secret.",
            hint="Run `jupyter auth add` in a terminal.",
        )
    return getpass.getpass(prompt).strip()  # looked up now: kernels replace it


def _link_is_enough() -> bool:
    """Whether a widget can sign in: it needs a front end, and a browser that can come back."""
    return in_notebook() and (browser_here() or connect().local is None)


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError as error:
        raise VerbUsageError(f"{error}.") from None


NOTEBOOK: dict[Step, str] = {
    **SCRIPT,
    "sign_in": "Sign in with `%{login}`.",
    "sign_in_waiting": "Sign in with `%{login} --wait`: it asks for what is needed.",
    "make_session": "Run the cell that makes this session again.",
    "start_again": "Run the cell again.",
    "name_provider": "Name one, as in `UserSession({provider!r})` or `%auth login {provider}`.",
    "name_or_add_provider": "Name one, as in `UserSession({provider!r})`, or add your own with"
    " `%auth add`.",
    "add_provider": "Run `%auth add {provider} --client-id ID`.",
    "add_secret": "If it has one, run `%auth add {provider} --client-secret`.",
    "reload": "Run the cell again.",
    "restart_server": "Restart the Jupyter server, then this kernel.",
    "doctor": "`%auth doctor` shows more.",
}


def load(shell: Any) -> None:
    """``%load_ext jupyter_auth``, any number of times."""
    shell.register_magics(AuthMagics)
    if not any(isinstance(each, AwaitCells) for each in shell.input_transformers_post):
        shell.input_transformers_post.append(AwaitCells(shell))
    complete_in(shell)
    speak(lambda: NOTEBOOK if takes_input() else SCRIPT)  # a dashboard has no cells to run it in
