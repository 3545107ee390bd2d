"""The verbs of ``jupyter auth``."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from jupyter_auth.core import __version__
from jupyter_auth.core.errors import AuthError, ConfigurationError
from jupyter_auth.kernel.broker.connect import connect, provider_of
from jupyter_auth.kernel.commands import verbs
from jupyter_auth.kernel.commands.access_token import print_token
from jupyter_auth.kernel.commands.verb_parser import (
    Parser,
    VerbUsageError,
    add_resource,
    add_verb,
    check_verb,
    shared_parser,
)
from jupyter_auth.kernel.prompt.person import ask

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Sequence

    from jupyter_auth.core.interfaces import Accounts
    from jupyter_auth.core.provider.info import ProviderInfo

PROG = "jupyter auth"
FAILED, MISUSED = 1, 2
TIMEOUT = 600.0  # seconds that a login stays open


def run(words: Sequence[str]) -> int:
    """Run one verb; returns the exit status, 2 for wrong usage."""
    if "_ARGCOMPLETE" in os.environ:  # a shell asks what may be typed
        from jupyter_auth.kernel.commands.completion import complete_in_shell

        complete_in_shell(_parser())
    match list(words):
        case []:
            words = ["--help"]
        case ["--help" | "-h", verb, *_]:  # as in `jupyter auth --help login`
            words = [verb, "--help"]
    try:
        check_verb(PROG, words[0], (*VERBS, *PROGRAMS))
        if program := PROGRAMS.get(words[0]):
            return program(words[1:])
        given = _parser().parse_args(words)
        return VERBS[given.verb](given)
    except VerbUsageError as misuse:
        return fail(misuse, MISUSED)


def _parser() -> Parser:
    parser, added = shared_parser(PROG)
    version = f"jupyter-auth-session {__version__}"
    parser.add_argument("--version", action="version", version=version)
    parser.examples = ["login github", "add", "login --help"]
    added.choices["status"].add_argument("--json", action="store_true", help="print JSON")
    added.choices["add"].examples = ["", *added.choices["add"].examples]
    says = "use the sign-in that another package has stored"
    add_verb(added, "import", says, key=False).examples = ["4insight"]
    says = "print the document by which providers know you without a registration"
    document = add_verb(added, "client-document", says, name="*", key=False)
    document.examples = ["huggingface --url https://you.example/client.json"]
    document.add_argument("--url", metavar="URL", help="where you will publish it")
    settings = add_verb(added, "settings", "print the server's settings", name=None, key=False)
    settings.examples = [""]
    token = add_verb(added, "token", "print the access token, for a pipe")
    token.examples = ["github", "github --file ~/.tokens/github"]
    token.add_argument("--file", metavar="PATH", help="write it there, in a directory of your own")
    add_resource(token)
    add_verb(added, "demo", "open JupyterLab with a demo provider", name=None, key=False)
    add_verb(added, "hub", "commands for a JupyterHub administrator", name=None, key=False)
    return parser


def _say(text: object) -> int:
    sys.stdout.write(f"{text}\n")
    return 0


def fail(error: Exception, status: int = FAILED) -> int:
    """Print the error's sentence on stderr; returns ``status``."""
    sys.stderr.write(f"{PROG}: {error}\n")
    return status


def _login(given: Namespace) -> int:
    name = verbs.named(given.name)
    verbs.fill_in(name, given)
    if sys.stdin.isatty():
        _complete(name, given.grant or "")
    verbs.sign_in(name, given, interactive=True, timeout=TIMEOUT)
    return 0


def _complete(name: str, grant: str) -> None:
    """Ask for what the user's own configuration lacks for a sign-in by ``grant``, and save it."""
    accounts = connect()
    info = accounts.provider(name)
    if asked := [each for each in verbs.missing(name, grant) if each.startswith("set.")]:
        names = [each.removeprefix("set.") for each in asked]
        values = {each: _ask(f"{info.placeholders[each].says}: ") for each in names}
        info = accounts.add(name, {"set": values})
    missing = verbs.missing(name, grant)
    if "client_id" in missing:
        sys.stderr.write(verbs.guide(name, accounts))
    given: dict[str, Any] = {}
    try:
        for field in missing:
            if field == "client_id":
                given[field] = _ask(f"Client ID of your registration at {info.title}: ")
            elif field == "grants":
                known = accounts.configuration(name).grants
                question = f"Grant of your registration: {' or '.join(known)} [{known[0]}]: "
                given[field] = (_ask(question) or known[0]).split()
            else:
                given[field] = _ask_secretly(
                    f"Client secret of {info.title} (Enter if there is none): "
                )
    finally:  # Ctrl-C loses nothing
        if given.get("client_id") or given.get("client_secret"):
            accounts.add(name, {field: value for field, value in given.items() if value})


def _add(given: Namespace) -> int:
    """Add what the words say; without any, ask a person for them, one after the other."""
    if given.name or not sys.stdin.isatty():
        return _shared(given)
    accounts = connect()
    info = _ask_which(accounts)
    sys.stderr.write(f"\n{verbs.described(info)}\n\n")
    _complete(info.name, "")
    if _ask("Sign in now? [Y/n] ").lower() not in {"", "y", "yes"}:
        return _say(f"Sign in with `{PROG} login {info.name}` when you want to.")
    verbs.sign_in(
        info.name, _parser().parse_args(["login", info.name]), interactive=True, timeout=TIMEOUT
    )
    return 0


def _ask_which(accounts: Accounts) -> ProviderInfo:
    """The provider of the name or address that a person types, until there is one."""
    while True:
        if not (name := _ask("Name or address, such as github or https://mcp.acme.example/mcp: ")):
            continue
        try:
            return provider_of(accounts, name)
        except AuthError as error:
            sys.stderr.write(f"{error}\n")


def _status(given: Namespace) -> int:
    if given.json:
        return _say(json.dumps({"accounts": verbs.status_data(given.name)}, indent=2))
    return _say(verbs.status(given.name))


def _ask(prompt: str) -> str:
    try:
        return ask(prompt).strip()
    except EOFError:  # Ctrl-D
        raise KeyboardInterrupt from None


def _ask_secretly(prompt: str) -> str:
    if not sys.stdin.isatty():  # a pipe, from a program that has the secret from somewhere safe
        return sys.stdin.readline().strip()
    from getpass import getpass

    return getpass(prompt).strip()


def _doctor(given: Namespace) -> int:
    from jupyter_auth.kernel.commands.doctor import examine

    report = examine(given.name, lambda text: sys.stderr.write(f"{text}\n"))
    _say(report.text(colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ))
    return 0 if report.healthy else FAILED


def _client_document(given: Namespace) -> int:
    from jupyter_auth.core.common.urls import require_secure
    from jupyter_auth.core.registration import client_document
    from jupyter_auth.core.registration.clients import DOCUMENT

    url = given.url or os.environ.get(DOCUMENT)
    names = given.name or [each.name for each in connect().providers() if each.source == "user"]
    if not url or not names:
        raise VerbUsageError(
            "Say for which providers, and where you will publish it, as in `jupyter auth"
            " client-document huggingface --url https://you.example/client.json`"
        )
    require_secure(url, "document's address")
    found = client_document.of_this_machine(url, [connect().provider(each).name for each in names])
    return _say(json.dumps(found, indent=2))


def _settings(_: Namespace) -> int:
    from jupyter_auth.server.config import JupyterAuth

    return _say(JupyterAuth.class_config_section())


def _demo(words: Sequence[str]) -> int:
    from jupyter_auth.demo.run import main as demo

    return demo(words)


def _hub(words: Sequence[str]) -> int:
    from jupyter_auth.server.hub.cli import main as hub

    try:
        return hub(words)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"{error.name} is not installed.", hint="pip install 'jupyter-auth-session[hub]'"
        ) from None


def _shared(given: Namespace) -> int:
    return _say(verbs.run(given, _ask_secretly))


VERBS: dict[str, Callable[[Namespace], int]] = {
    "login": _login,
    "logout": _shared,
    "status": _status,
    "providers": _shared,
    "add": _add,
    "remove": _shared,
    "import": lambda given: _say(verbs.import_accounts(given.name)),
    "doctor": _doctor,
    "client-document": _client_document,
    "settings": _settings,
    "token": lambda given: print_token(given.name, given.key, given.resource, given.file),
}
PROGRAMS = {"demo": _demo, "hub": _hub}  # they parse their own options
