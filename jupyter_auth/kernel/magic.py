"""``%auth`` and ``%%auth``: signing in and out in words, and completion for them."""

from __future__ import annotations

import ast
import getpass
import shlex
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.display import display

from jupyter_auth.core.errors import AuthError, LoginRequired
from jupyter_auth.core.models import DEFAULT_KEY
from jupyter_auth.kernel import verbs
from jupyter_auth.kernel.client import alone, connect
from jupyter_auth.kernel.prompt import browser_here, in_notebook, is_interactive

if TYPE_CHECKING:
    from argparse import Namespace
    from types import SimpleNamespace

VERBS = ("login", "logout", "status", "providers", "use", "add", "doctor")
OPTIONS = {
    "login": ("--key", "--force", "--grant", "--scopes", "--wait"),
    "logout": ("--key",),
    "add": ("--issuer", "--client-id", "--client-secret", "--scopes", "--base-url", "--api-origin"),
}
NAMED = frozenset({"login", "logout", "status", "use", "doctor"})
_UNSET = object()


@magics_class
class AuthMagics(Magics):
    """The magics of one shell."""

    @line_cell_magic
    def auth(self, line: str, cell: str | None = None) -> Any:
        """Sign in and out, and see who is signed in.

        %auth                               a table of who is signed in
        %auth login NAME [--key K] [--force] [--grant NAME] [--scopes ...] [--wait]
        %auth logout NAME [--key K]
        %auth status [NAME]
        %auth providers
        %auth use NAME                      the provider where none is named
        %auth add NAME --issuer URL --client-id ID [--client-secret] [--scopes ...]
            [--base-url URL] [--api-origin URL]
                                            a provider of your own; its secret is asked for
        %auth doctor [NAME]                 what could keep you from signing in, and the fix
        %%auth NAME [--key K]               runs the cell with `session` signed in
        """
        try:
            if cell is not None:
                return self._cell(line, cell)
            try:
                return self._line(line)
            except AuthError as error:
                raise in_one_line(error) from None
        except verbs.Misuse as misuse:
            raise UsageError(str(misuse)) from None

    def _line(self, line: str) -> Any:
        words = _split(line)
        if not words:
            return verbs.status()
        verbs.check_verb("%auth", words[0], VERBS)
        try:
            given = _parser().parse_args(words)
        except SystemExit:  # --help has printed what there is to say
            return None
        return getattr(self, f"_{given.verb}")(given)

    def _login(self, given: Namespace) -> None:
        if given.wait or not _link_is_enough():
            from jupyter_auth.kernel.sessions import UserSession

            UserSession(
                given.name,
                session_key=given.key,
                auth_force=given.force,
                scopes=given.scopes,
                grant=given.grant,
            )
            return
        if not is_interactive() and (given.force or not verbs.signed_in(given.name, given.key)):
            raise LoginRequired(
                f"Nobody is here to sign in to {given.name}.",
                hint="Sign in from a notebook or a terminal first; this then uses the account.",
            )
        from jupyter_auth.kernel.widget import LoginWidget

        # Shown and not returned: the line need not be the last one of its cell.
        widget = LoginWidget(
            given.name, given.key, force=given.force, scopes=given.scopes, grant=given.grant
        )
        display(widget)  # type: ignore[no-untyped-call]

    def _logout(self, given: Namespace) -> Any:
        return Sentence(verbs.logout(given.name, given.key))

    def _status(self, given: Namespace) -> Any:
        return verbs.status(given.name)

    def _providers(self, _: Namespace) -> Any:
        return verbs.providers()

    def _use(self, given: Namespace) -> Any:
        return Sentence(verbs.use(given.name))

    def _add(self, given: Namespace) -> Any:
        return Sentence(verbs.add(given.name, verbs.fields_of(given, _ask_secretly)))

    def _doctor(self, given: Namespace) -> Any:
        from jupyter_auth.kernel.doctor import examine

        progress = _Progress()
        report = examine(given.name, progress.say)
        return progress.give_way_to(report)

    def _cell(self, line: str, cell: str) -> Any:
        parser = verbs.Parser(prog="%%auth", add_help=False)
        parser.add_argument("name", metavar="NAME", nargs="?")
        parser.add_argument("--key", default=DEFAULT_KEY, metavar="K")
        given = parser.parse_args(_split(line))
        try:
            from jupyter_auth.kernel.sessions import UserSession

            session = UserSession(given.name, session_key=given.key)
        except AuthError as error:
            raise in_one_line(error) from None
        return run_with(self.shell, cell, session)


class _Progress:
    """A line that says what is waited for, until there is something to show in its place."""

    def __init__(self) -> None:
        self._handle: Any = None

    def say(self, text: str) -> None:
        if self._handle is None:
            self._handle = display(Sentence(text), display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(Sentence(text))

    def give_way_to(self, shown: Any) -> Any:
        """What the cell is to return: None where ``shown`` is in the line's place."""
        if self._handle is None:
            return shown
        self._handle.update(shown)
        return None


def _ask_secretly(prompt: str) -> str:
    if not is_interactive():
        raise LoginRequired(
            "Nobody is here to type the client secret.",
            hint="Run `jupyter auth add` in a terminal.",
        )
    return getpass.getpass(prompt).strip()  # looked up now: a kernel puts its own in there


class Sentence(str):
    """Text that a cell shows without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002, FBT001 (IPython's)
        printer.text(str(self))


def in_one_line(error: AuthError) -> AuthError:
    """The same error, shown by IPython as its sentence alone. It still stops Run All."""
    error._render_traceback_ = lambda: [f"{type(error).__name__}: {error}"]  # type: ignore[attr-defined]
    return error


def run_with(shell: Any, cell: str, session: Any) -> Any:
    """Run ``cell`` with ``session`` bound; its last expression's value is returned.

    The name is given back afterwards, unless the cell bound it to something of its own.
    """
    source = shell.transform_cell(cell)
    tree = shell.transform_ast(shell.compile.ast_parse(source))
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    file = shell.compile.cache(source, shell.execution_count, raw_code=cell)  # for tracebacks
    names = shell.user_ns
    before = names.get("session", _UNSET)
    names["session"] = session
    try:
        exec(shell.compile(tree, file, "exec"), names)  # noqa: S102 (the user's own cell)
        if last is None or cell.rstrip().endswith(";"):
            return None
        return eval(shell.compile(ast.Expression(last.value), file, "eval"), names)  # noqa: S307
    finally:
        if names.get("session") is session:
            if before is _UNSET:
                del names["session"]
            else:
                names["session"] = before


def _link_is_enough() -> bool:
    """Whether a widget will do: it needs a front end, and a browser that can come back here."""
    return in_notebook() and (browser_here() or not alone(connect()))


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError as error:
        raise verbs.Misuse(f"{error}.") from None


def _parser() -> verbs.Parser:
    parser, added = verbs.parser("%auth")
    added.choices["login"].add_argument("--wait", action="store_true", help="until signed in")
    verbs.add_verb(added, "use", "the provider where none is named", key=False)
    return parser


def complete(_: Any, event: SimpleNamespace) -> list[str]:
    """What may stand at the cursor: a verb, a provider's name or an option."""
    line = event.text_until_cursor
    before = line.split()[1:] if line[-1:].isspace() else line.split()[1:-1]
    if line.startswith("%%"):
        return verbs.provider_names() if not before else ["--key"]
    if not before:
        return list(VERBS)
    options = [each for each in OPTIONS.get(before[0], ()) if each not in before]
    named = any(not each.startswith("-") for each in before[1:])
    names = verbs.provider_names() if before[0] in NAMED and not named else []
    return names + options


def load(shell: Any) -> None:
    """``%load_ext jupyter_auth``; again is no harm."""
    shell.register_magics(AuthMagics)
    shell.set_hook("complete_command", complete, str_key="%auth")
    shell.set_hook("complete_command", complete, str_key="%%auth")
