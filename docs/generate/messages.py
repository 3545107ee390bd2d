"""The error messages of the package, found in its code: what each says, and what to do about it.

What is only known when it is said stands as an ellipsis: ``Provider '…' has no client ID.``
"""

from __future__ import annotations

import ast
import functools
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import jupyter_auth
from jupyter_auth.core.errors import SCRIPT, AuthError

PACKAGE = Path(__file__).parents[2] / "jupyter_auth"
ROOT = "AuthError"  # of the errors
WARNING = "AuthWarning"
REST = "…"
MOST = 12  # ways to say one message
Texts = Mapping[str, Sequence[ast.expr]]  # what a name stands for
Makers = Mapping[str, Mapping[Path, ast.FunctionDef]]


class Message(NamedTuple):
    """``error``: the public class. ``file``: within the package, where it is raised."""

    says: str
    hint: str
    error: str
    file: str


@functools.cache
def messages() -> tuple[Message, ...]:
    """All of them, each once, in the order of the alphabet."""
    found: dict[tuple[str, str], Message] = {}
    for file in sorted(trees()):
        for each in _Module(file).messages():
            known = found.setdefault((each.error, each.says), each)
            if each.hint not in known.hint:
                both = f"{known.hint} Or: {each.hint}" if known.hint else each.hint
                found[each.error, each.says] = known._replace(hint=both)
    return tuple(sorted(found.values(), key=lambda each: each.says.strip(f"'`{REST} ").lower()))


@functools.cache
def classes() -> Mapping[str, str]:
    """The public class for each class of errors: itself, or the nearest one above it."""
    found = [each for tree in trees().values() for each in ast.walk(tree)]
    above = {ROOT: ""}
    known = 0
    while known < (known := len(above)):
        for each in found:
            bases = [ast.unparse(base) for base in getattr(each, "bases", ())]
            if isinstance(each, ast.ClassDef) and (base := next(iter(above.keys() & bases), "")):
                above[each.name] = base
    public = described().keys()

    def nearest(name: str) -> str:
        return name if name in public else nearest(above[name])

    return {name: nearest(name) for name in above}


@functools.cache
def described() -> Mapping[str, str]:
    """What each class of errors that people may catch means, in the order of the tree."""
    found: dict[str, str] = {}

    def visit(error: type[AuthError]) -> None:
        if error.__name__ in jupyter_auth.__all__:
            found[error.__name__] = (error.__doc__ or "").partition("\n\n")[0]
        for each in error.__subclasses__():
            visit(each)

    assert jupyter_auth.Throttled  # loaded, as are its neighbours
    visit(AuthError)
    return found


@functools.cache
def trees() -> Mapping[Path, ast.Module]:
    """The code of each file of the package."""
    return {file: ast.parse(file.read_text(encoding="utf-8")) for file in PACKAGE.rglob("*.py")}


@functools.cache
def _makers() -> Makers:
    """The functions that return an error, as their annotation says."""
    found: dict[str, dict[Path, ast.FunctionDef]] = {}
    for file, tree in trees().items():
        for each in _functions(tree):
            of = ast.unparse(each.returns).split(" | ")[0] if each.returns else ""
            method = each.args.args and each.args.args[0].arg in {"self", "cls"}
            if of in classes() and not method:
                found.setdefault(each.name, {})[file] = each
    return found


@functools.cache
def _called() -> frozenset[str]:
    """Those of them that are called: what they say is found at the calls."""
    calls = (n for tree in trees().values() for n in ast.walk(tree) if isinstance(n, ast.Call))
    return frozenset(_makers().keys() & {_name(part) for n in calls for part in (n.func, *n.args)})


class _Module:
    """The messages of one file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._tree = trees()[file]
        self._constants = _assigned(self._tree.body)
        self._own = {each.name: each for each in _functions(self._tree)}

    def messages(self) -> Iterator[Message]:
        for function in [self._tree, *_functions(self._tree)]:
            if getattr(function, "name", "") not in _called():
                yield from self.within(function, {})

    def within(self, function: ast.AST, given: Texts) -> Iterator[Message]:
        names = {**self._constants, **_assigned([*_own_nodes(function)]), **given}
        returns = getattr(function, "returns", None)
        annotated = classes().get(ast.unparse(returns), "") if returns else ""
        for call in _own_nodes(function):
            if isinstance(call, ast.Call):
                yield from self._said(call, names, annotated)

    def _said(self, call: ast.Call, names: Texts, annotated: str) -> Iterator[Message]:
        if made := self._maker(_name(call.func)):
            module, function, first = made
            yield from module.within(function, _bound(function, [*first, *call.args], call, names))
        elif (error := self._error(call, names, annotated)) and call.args:
            given = {each.arg: each.value for each in call.keywords}
            hints = texts(given["hint"], names) if "hint" in given else [""]
            hint = max(hints, key=lambda each: len(each.split()))
            hint = "" if hint == REST else hint
            hint = f"{hint} {_step(given.get('next_step'))}".strip()
            for says in self._texts(call.args[0], names):
                if re.search(r"\w{2}.*\W\w{2}", says):
                    yield Message(says, hint, error, str(self._file.relative_to(PACKAGE)))

    def _texts(self, says: ast.expr, names: Texts) -> list[str]:
        """Those of a message, also where a function of this file words it."""
        words = self._own.get(_name(says.func)) if isinstance(says, ast.Call) else None
        if words is None:
            return texts(says, names)
        own = _assigned([*_own_nodes(words)])
        returned = [n.value for n in _own_nodes(words) if isinstance(n, ast.Return) and n.value]
        return [text for value in returned for text in texts(value, own)]

    def _maker(self, name: str) -> tuple[_Module, ast.FunctionDef, list[ast.expr]] | None:
        """The function of that name that returns an error, here or in another module, and the
        arguments that it is given already.
        """
        match self._constants.get(name):
            case [ast.Call(func=partial, args=[function, *first])] if _name(partial) == "partial":
                name = _name(function)
            case _:
                first = []
        found = _makers().get(name, {})
        if self._file not in found and name.startswith("_"):
            return None
        file = self._file if self._file in found else next(iter(found), None)
        return (_Module(file), found[file], first) if file else None

    def _error(self, call: ast.Call, names: Texts, annotated: str) -> str:
        """The class of the error that a call makes, "" if it makes none."""
        name = _name(call.func)
        if ast.unparse(call.func) in {"warn", "warnings.warn"}:
            return WARNING
        if name in classes():
            return classes()[name]
        if name == "__init__":  # of a class of errors, which words them
            return next((classes().get(c.name, "") for c in self._around(call)), "")
        if any(each.arg == "hint" for each in call.keywords):  # of one of several classes
            of = [n.id for v in names.get(name, ()) for n in ast.walk(v) if isinstance(n, ast.Name)]
            return next((classes()[each] for each in of if each in classes()), annotated)
        return ""

    def _around(self, call: ast.Call) -> Iterator[ast.ClassDef]:
        for each in ast.walk(self._tree):
            if isinstance(each, ast.ClassDef) and each.name != ROOT and call in ast.walk(each):
                yield each


def texts(node: ast.expr, names: Texts) -> list[str]:
    """All that an expression may say, at most ``MOST`` of them."""
    tidied = (" ".join(each.split()) for each in _ways(node, names, frozenset()))
    tidied = (re.sub(rf"{REST}(?:[\s,]*{REST})+", REST, each) for each in tidied)
    return list(dict.fromkeys(tidied))


def _ways(node: ast.expr, names: Texts, seen: frozenset[str]) -> list[str]:
    ways = [REST]
    match node:
        case ast.Constant(value=str(text)):
            ways = [text]
        case ast.JoinedStr(values=parts):
            ways = _joined(parts, names, seen)
        case ast.FormattedValue(conversion=114):  # !r
            ways = [f"'{REST}'"]
        case ast.FormattedValue(value=value):
            ways = _ways(value, names, seen)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            ways = _joined([left, right], names, seen)
        case ast.BinOp(op=ast.Mult(), left=ast.JoinedStr() | ast.Constant(value=str()) as text):
            ways = ["", *_ways(text, names, seen)]  # the text if a condition holds
        case ast.IfExp(body=one, orelse=other) | ast.BoolOp(values=[one, other]):
            ways = _ways(one, names, seen) + _ways(other, names, seen)
        case ast.Call(func=ast.Name(id="plain_text"), args=[text, *_]):
            ways = _ways(text, names, seen)
        case ast.Name(id=name) if name in names and name not in seen:
            ways = [each for of in names[name] for each in _ways(of, names, seen | {name})]
            ways = [*filter(None, ways)] or [""]  # an empty text is what others are put into
    return ways[:MOST]


def _joined(parts: Sequence[ast.expr], names: Texts, seen: frozenset[str]) -> list[str]:
    ways = itertools.product(*(_ways(each, names, seen) for each in parts))
    return ["".join(way) for way in itertools.islice(ways, MOST)]


def _step(node: ast.expr | None) -> str:
    """The words of ``NextStep(step, ...)`` in a script, for a provider called acme."""
    match node:
        case ast.Name(id="START_AGAIN"):
            step = "start_again"
        case ast.Call(args=[ast.Constant(value=str(step)), *_]):
            pass
        case _:
            return ""
    return SCRIPT[step].format(login="auth login acme", provider="acme")  # type: ignore[index]


def _name(node: ast.expr) -> str:
    """The last word of what is called."""
    return getattr(node, "attr", getattr(node, "id", ""))


def _bound(
    function: ast.FunctionDef, arguments: list[ast.expr], call: ast.Call, names: Texts
) -> Texts:
    """What the parameters of ``function`` stand for, in a call of it."""
    parameters = [each.arg for each in function.args.args]
    given = dict(zip(parameters, arguments, strict=False))
    given |= {each.arg: each.value for each in call.keywords if each.arg}
    return {
        key: [ast.Constant(text) for text in texts(value, names)] for key, value in given.items()
    }


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef))


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Those of it, without those of functions within."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, ast.FunctionDef):
            yield child
            yield from _own_nodes(child)


def _assigned(statements: Sequence[ast.AST]) -> dict[str, list[ast.expr]]:
    """What is assigned to each name there, also to several at once."""
    found: dict[str, list[ast.expr]] = {}
    for each in statements:
        pairs: list[tuple[ast.expr, ast.expr]] = []
        match each:
            case ast.Assign(targets=[ast.Tuple(elts=to)], value=ast.Tuple(elts=values)):
                pairs = [*zip(to, values, strict=False)]
            case ast.Assign(targets=[target], value=value):
                pairs = [(target, value)]
            case ast.NamedExpr(target=target, value=value):
                pairs = [(target, value)]
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                more = [ast.BinOp(before, ast.Add(), value) for before in found.get(name, ())]
                found.setdefault(name, []).extend(more)
        for target, value in pairs:
            if isinstance(target, ast.Name):
                found.setdefault(target.id, []).append(value)
    return found
