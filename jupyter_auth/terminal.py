"""The verbs of ``jupyter auth``: those of ``%auth`` in a terminal, and ``token`` and ``demo``."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.kernel.broker.connect import connect
from jupyter_auth.kernel.commands import verbs
from jupyter_auth.kernel.commands.access_token import print_token

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

PROG = "jupyter auth"
FAILED, MISUSED = 1, 2
TIMEOUT = 600.0  # seconds that a login stays open


def run(words: Sequence[str]) -> int:
    """Run one verb. The exit status: 0, or 2 for misuse, with one sentence on stderr."""
    words = words or ["--help"]
    try:
        verbs.check_verb(PROG, words[0], (*VERBS, *PROGRAMS))
        if program := PROGRAMS.get(words[0]):
            return program(words[1:])
        given = _parser().parse_args(words)
        return VERBS[given.verb](given)
    except verbs.VerbUsageError as misuse:
        return fail(misuse, MISUSED)


def _parser() -> verbs.Parser:
    parser, added = verbs.parser(PROG)
    parser.add_argument("--version", action="version", version=_version())
    status = added.choices["status"]
    status.add_argument("--json", action="store_true", help="for programs")
    verbs.add_verb(added, "import", "take over the sign-in that another package keeps", key=False)
    verbs.add_verb(added, "settings", "print the server's settings", name=None, key=False)
    verbs.add_verb(added, "token", "print the access token, for a pipe")
    verbs.add_verb(added, "demo", "JupyterLab with a provider of its own", name=None, key=False)
    verbs.add_verb(added, "hub", "for the administrator of a JupyterHub", name=None, key=False)
    return parser


def _version() -> str:
    import jupyter_auth

    return f"jupyter-auth-session {jupyter_auth.__version__}"


def _worded(text: object) -> str:
    """What is said to people in notebooks, in the words of a terminal: the verbs are the same."""
    said = str(text)
    return said if PROG in said else said.replace("%auth ", f"{PROG} ")


def _say(text: object) -> int:
    sys.stdout.write(f"{text}\n")
    return 0


def fail(error: Exception, status: int = FAILED) -> int:
    """Say one sentence on stderr; ``status`` is the exit status."""
    sys.stderr.write(f"{PROG}: {_worded(error)}\n")
    return status


def _login(given: Namespace) -> int:
    name = verbs.named(given.name)
    if sys.stdin.isatty():
        _complete(name)
    from jupyter_auth.kernel.session.user_session import UserSession

    UserSession(
        name,
        session_key=given.key,
        auth_force=given.force,
        grant=given.grant,
        scopes=given.scopes,
        interactive=True,
        timeout=TIMEOUT,
    )
    return 0


def _complete(name: str) -> None:
    """Ask for what a provider of the person's own lacks, and keep it."""
    given: dict[str, Any] = {}
    for field in verbs.missing(name):
        if field == "client_id":
            given[field] = _ask(f"Client id that you registered for {name}: ")
        elif field == "grants":
            known = verbs.grants(name)
            question = f"Grant of that registration: {' or '.join(known)} [{known[0]}]: "
            given[field] = (_ask(question) or known[0]).split()
        else:
            given[field] = _ask_secretly(f"Client secret of {name} (Enter if it has none): ")
    if given.get("client_id") or given.get("client_secret"):
        connect().add(name, {field: value for field, value in given.items() if value})


def _logout(given: Namespace) -> int:
    return _say(verbs.logout(verbs.named(given.name), given.key))


def _status(given: Namespace) -> int:
    if given.json:
        return _say(json.dumps({"accounts": verbs.status_data(given.name)}, indent=2))
    return _say(verbs.status(given.name))


def _providers(_: Namespace) -> int:
    return _say(verbs.providers())


def _add(given: Namespace) -> int:
    return _say(_worded(verbs.add(given.name, verbs.fields_of(given, _ask_secretly))))


def _import(given: Namespace) -> int:
    return _say(verbs.import_accounts(given.name))


def _ask(prompt: str) -> str:
    sys.stderr.write(prompt)  # stdout may be a pipe
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def _ask_secretly(prompt: str) -> str:
    if not sys.stdin.isatty():  # a pipe: whoever fills it has the secret from somewhere safe
        return sys.stdin.readline().strip()
    from getpass import getpass

    return getpass(prompt).strip()


def _doctor(given: Namespace) -> int:
    from jupyter_auth.kernel.commands.doctor import examine

    report = examine(given.name, _report)
    _say(_worded(report.text(colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ)))
    return 0 if report.healthy else FAILED


def _report(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _settings(_: Namespace) -> int:
    """As ``--generate-config`` of a Jupyter application writes its own."""
    from jupyter_auth.server.config import JupyterAuth

    return _say(JupyterAuth.class_config_section())


def _token(given: Namespace) -> int:
    return print_token(given.name, given.key)


def _demo(words: Sequence[str]) -> int:
    from jupyter_auth.demo.run import main as demo

    return demo(words)


def _hub(words: Sequence[str]) -> int:
    try:
        from jupyter_auth.server.hub.cli import main as hub
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"{error.name} is not installed.", hint="pip install 'jupyter-auth-session[hub]'"
        ) from None
    return hub(words)


VERBS = {
    "login": _login,
    "logout": _logout,
    "status": _status,
    "providers": _providers,
    "add": _add,
    "import": _import,
    "doctor": _doctor,
    "settings": _settings,
    "token": _token,
}
PROGRAMS = {"demo": _demo, "hub": _hub}  # they read options of their own
