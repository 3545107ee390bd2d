"""Whether something holds a secret: what prints it, and what a traceback would show of it."""

from __future__ import annotations


def local_variables(error: BaseException) -> str:
    """All local variables of all frames of ``error`` and its causes, as a debugger prints them.

    Frames of the tests themselves are left out: they know the secrets.
    """
    shown, pending, seen = [], [error], set()
    while pending:
        each = pending.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        shown += [repr(each), str(each), repr(vars(each))]
        trace = each.__traceback__
        while trace is not None:
            frame = trace.tb_frame
            if "/tests/" not in frame.f_code.co_filename:
                shown.append(repr(frame.f_locals))
                shown += [repr(getattr(v, "__dict__", "")) for v in frame.f_locals.values()]
            trace = trace.tb_next
        pending += [each.__cause__, each.__context__]
        pending += [arg for arg in each.args if isinstance(arg, BaseException)]
    return "\n".join(shown)
