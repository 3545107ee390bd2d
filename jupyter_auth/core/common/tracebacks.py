"""Tracebacks without the local variables of HTTP libraries, which hold whole header lines."""

from __future__ import annotations

import functools
from contextlib import suppress
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")

_WITH_SECRETS = frozenset(
    {"contextlib", "http", "json", "jupyter_auth", "oauthlib", "requests", "requests_oauthlib"}
    | {"anyio", "h11", "httpcore", "httpcore2", "httpx", "httpx2", "urllib3"}
)


def forget_locals(error: BaseException) -> None:
    """Empty the frames of HTTP code that ``error`` and its causes passed through.

    Tools that show local variables with a traceback would print the token otherwise. Frames of
    other code, and running ones, keep theirs.
    """
    pending, seen = [error], set[int]()
    while pending:
        each = pending.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if each.__suppress_context__:  # raised "from None": its text may show a whole address
            each.__context__ = None
        trace = each.__traceback__
        while trace is not None:
            if str(trace.tb_frame.f_globals.get("__name__")).split(".")[0] in _WITH_SECRETS:
                with suppress(RuntimeError):  # still running
                    trace.tb_frame.clear()
            trace = trace.tb_next
        linked = (each.__cause__, each.__context__, getattr(each, "reason", None), *each.args)
        pending += [other for other in linked if isinstance(other, BaseException)]


def forgetful(call: Callable[P, R]) -> Callable[P, R]:
    """Decorate ``call`` so that its errors hold no local variables with what was sent."""

    @functools.wraps(call)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        except Exception as error:
            forget_locals(error)
            raise

    return wrapper
