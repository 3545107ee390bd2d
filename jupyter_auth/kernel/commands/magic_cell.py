"""The cell of ``%%auth``: how it is run, and how IPython is told that it awaits something."""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING, Any

from jupyter_auth.kernel.prompt.interrupts import heard

if TYPE_CHECKING:
    from types import CodeType

_CALL = "get_ipython().run_cell_magic('auth', "  # what IPython makes of such a cell
_UNSET = object()


class AwaitCells:
    """An input transformer: IPython waits for a ``%%auth`` cell that awaits, as for other cells.

    A magic is called synchronously, and cannot wait for what needs the event loop that it runs in.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def __call__(self, lines: list[str]) -> list[str]:
        """The lines of a transformed cell; one that calls a magic is a single line."""
        if len(lines) == 1 and lines[0].startswith(_CALL):
            _, cell = ast.literal_eval("(" + lines[0].removeprefix(_CALL))
            if self._awaits(cell):
                return [f"await {lines[0]}"]
        return lines

    def _awaits(self, cell: str) -> bool:
        try:
            source = self._shell.transform_cell(cell)
        except SyntaxError:  # running it says so
            return False
        return bool(self._shell.should_run_async(cell, transformed_cell=source))


def run_with(shell: Any, cell: str, session: Any) -> Any:
    """Run ``cell`` with ``session`` bound; its last expression's value is returned.

    Where it awaits something: a coroutine that does all of this. The name is given back
    afterwards, unless the cell bound it to something of its own.
    """
    __tracebackhide__ = True  # a traceback is about the cell's own lines
    codes = _compiled(shell, cell)
    running = _run(codes, shell.user_ns, session)
    if any(map(_is_async, codes)):
        return running
    try:
        running.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("a cell that awaits nothing runs to its end")


async def _run(codes: list[CodeType], names: dict[str, Any], session: Any) -> Any:
    __tracebackhide__ = True
    before = names.get("session", _UNSET)
    names["session"] = session
    try:
        value = None
        for code in codes:
            value = eval(code, names)  # noqa: S307 (the user's own cell)
            if _is_async(code):
                with heard():
                    value = await value
        return value
    finally:
        if names.get("session") is session:
            if before is _UNSET:
                del names["session"]
            else:
                names["session"] = before


def _compiled(shell: Any, cell: str) -> list[CodeType]:
    """The cell's statements, and apart from them its last expression if there is one to show."""
    source = "\n" + shell.transform_cell(cell)  # the magic's own line is the first one
    tree = shell.compile.ast_parse(source)
    shown = _is_shown(source, tree.body)
    tree = shell.transform_ast(tree)
    file = shell.compile.cache(source, _number(shell), raw_code=cell)  # for tracebacks
    last = tree.body.pop() if shown else None
    with shell.compile.extra_flags(ast.PyCF_ALLOW_TOP_LEVEL_AWAIT if shell.autoawait else 0):
        codes = [shell.compile(tree, file, "exec")]
        if last is not None:
            codes.append(shell.compile(ast.Expression(last.value), file, "eval"))
    return codes


def _number(shell: Any) -> int:
    """The number of the cell that is running; the shell may count the next one already."""
    running = shell.displayhook.exec_result
    return int((running and running.execution_count) or shell.execution_count)


def _is_shown(source: str, statements: list[ast.stmt]) -> bool:
    """Whether the last statement is an expression, and no semicolon follows it."""
    if not statements or not isinstance(statements[-1], ast.Expr):
        return False
    [*_, rest] = source.split("\n")[: statements[-1].end_lineno]
    after = rest.encode()[statements[-1].end_col_offset :]  # columns count bytes of UTF-8
    return not after.lstrip().startswith(b";")


def _is_async(code: CodeType) -> bool:
    return bool(code.co_flags & inspect.CO_COROUTINE)
