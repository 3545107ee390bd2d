"""Runs the cell of ``%%auth``, which may await."""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING, Any

from jupyter_auth.kernel.prompt.interrupts import heard

if TYPE_CHECKING:
    from types import CodeType

_CALL = "get_ipython().run_cell_magic('auth', "  # how IPython transforms such a cell
_UNSET = object()


class AwaitCells:
    """An input transformer that makes IPython await a ``%%auth`` cell that awaits.

    The magic itself is synchronous, and cannot wait for the event loop that it runs in.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def __call__(self, lines: list[str]) -> list[str]:
        """``lines`` of a transformed cell; a cell magic is a single line."""
        if len(lines) == 1 and lines[0].startswith(_CALL):
            _, cell = ast.literal_eval("(" + lines[0].removeprefix(_CALL))
            if self._awaits(cell):
                return [f"await {lines[0]}"]
        return lines

    def _awaits(self, cell: str) -> bool:
        try:
            source = self._shell.transform_cell(cell)
        except SyntaxError:  # raised again when it runs
            return False
        return bool(self._shell.should_run_async(cell, transformed_cell=source))


def run_with(shell: Any, cell: str, session: Any) -> Any:
    """Run ``cell`` with ``session`` bound, and return the value of its last expression.

    Returns a coroutine that does so if the cell awaits. Afterwards ``session`` is what it was
    before, unless the cell has assigned it.
    """
    __tracebackhide__ = True  # a traceback shows the cell's lines only
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
    """The cell's statements, and separately its last expression, if that is to be shown."""
    source = "\n" + shell.transform_cell(cell)  # the magic is the first line
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
    """The number of the running cell; the shell may already count the next one."""
    running = shell.displayhook.exec_result
    return int((running and running.execution_count) or shell.execution_count)


def _is_shown(source: str, statements: list[ast.stmt]) -> bool:
    """Whether the last statement is an expression without a semicolon after it."""
    if not statements or not isinstance(statements[-1], ast.Expr):
        return False
    [*_, rest] = source.split("\n")[: statements[-1].end_lineno]
    after = rest.encode()[statements[-1].end_col_offset :]  # columns count bytes of UTF-8
    return not after.lstrip().startswith(b";")


def _is_async(code: CodeType) -> bool:
    return bool(code.co_flags & inspect.CO_COROUTINE)
