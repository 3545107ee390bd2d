"""The parser of the verbs that ``%auth`` and ``jupyter auth`` share, and wrong usage of it."""

from __future__ import annotations

import argparse
import difflib
from typing import TYPE_CHECKING, Any, NoReturn

from jupyter_auth.core.common.override import override
from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FIELDS = (
    "preset", "title", "issuer", "metadata_url", "client_id", "grants", "redirect_uri", "scopes",
    "base_url", "api_origins",
)  # fmt: skip


ENDPOINTS = {
    "authorization_endpoint": "where people sign in",
    "token_endpoint": "where codes are exchanged for tokens",
    "device_authorization_endpoint": "where device codes come from",
    "userinfo_endpoint": "which says who signed in",
}


class VerbUsageError(Exception):
    """Wrong usage of a verb. The message says what would be right."""


class Parser(argparse.ArgumentParser):
    """Raises VerbUsageError in one sentence, where argparse would exit.

    ``verbs``: the parsers of its verbs. ``examples``: what may follow its name, for help and tests.
    """

    verbs: Mapping[str, Parser] = {}
    examples: Sequence[str] = ()

    @override
    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        given, unknown = self.parse_known_args(args, namespace)
        if unknown:
            verb = self.verbs.get(getattr(given, "verb", ""), self)  # for its usage line
            near = difflib.get_close_matches(unknown[0], verb.options(), 1)
            meant = f" (did you mean {near[0]}?)" if near else ""
            verb.error(f"unrecognized: {' '.join(unknown)}{meant}")
        return given

    @override
    def format_help(self) -> str:
        lines = [f"  {self.prog} {each}".rstrip() for each in self.examples]
        return super().format_help() + "\n".join(["\nexamples:", *lines, ""] if lines else [])

    @override
    def error(self, message: str) -> NoReturn:
        usage = " ".join(self.format_usage().removeprefix("usage: ").split())
        raise VerbUsageError(f"{message[:1].upper()}{message[1:]}. Usage: {usage}")

    def options(self) -> dict[str, argparse.Action]:
        """Its options but ``--help``, by name."""
        return {
            each.option_strings[0]: each
            for each in self._actions
            if each.option_strings and each.dest != "help"
        }

    @property
    def takes_name(self) -> bool:
        """Whether it has a NAME."""
        return any(each.dest == "name" for each in self._actions)


def shared_parser(prog: str) -> tuple[Parser, Any]:
    """The parser that notebook and terminal share, and its subparsers, to add more verbs to."""
    whole = Parser(prog=prog, description="Sign in once; sessions stay signed in.")
    verbs = whole.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser)
    whole.verbs = verbs.choices
    login = add_verb(verbs, "login", "sign in", name="?")
    login.examples = ["github", "github --key work", "https://mcp.acme.example/mcp"]
    login.add_argument("--force", action="store_true", help="sign in again, to switch accounts")
    login.add_argument(
        "--grant", metavar="NAME", help="sign-in method (authorization_code, device_code, …)"
    )
    login.add_argument("--scopes", nargs="+", metavar="SCOPE", help="scopes to ask for")
    _add_set(login)
    add_resource(login)
    logout = add_verb(verbs, "logout", "sign out here and at the provider", name="?")
    logout.examples = ["github", "github --key work", "github --notebook report.ipynb"]
    logout.add_argument(
        "--notebook", metavar="PATH", help="end only what this notebook may use, as status shows it"
    )
    status = add_verb(verbs, "status", "show who is signed in", name="?", key=False)
    status.examples = ["", "github"]
    says = "list the providers you can sign in to"
    add_verb(verbs, "providers", says, name=None, key=False).examples = [""]
    add = add_verb(verbs, "add", "add a provider, or change one", name="?", key=False)
    add.set_defaults(prog=prog)
    _add_options_of_add(add)
    says = "remove a provider from your configuration"
    add_verb(verbs, "remove", says, key=False).examples = ["acme"]
    says = "find what could keep you from signing in"
    add_verb(verbs, "doctor", says, name="?", key=False).examples = ["", "acme"]
    return whole, verbs


def _add_options_of_add(add: Parser) -> None:
    add.usage = f"{add.prog} [NAME] [OPTIONS]"
    add.examples = [
        "acme --issuer https://login.acme.example --client-id ID",
        "acme --client-id CORRECTED",
        "work --preset gitlab --set host=git.acme.example",
    ]
    add.add_argument("--preset", metavar="NAME", help="built-in provider to start from")
    _add_set(add)
    add.add_argument("--title", metavar="TEXT", help="what people call it")
    add.add_argument("--issuer", metavar="URL", help="issuer URL (built-in providers have one)")
    add.add_argument("--metadata-url", metavar="URL", help="its metadata, if not at the issuer")
    add.add_argument("--client-id", metavar="ID", help="client ID of your registration there")
    add.add_argument("--client-secret", action="store_true", help="prompt for the client secret")
    add.add_argument("--grants", nargs="+", metavar="NAME", help="grants of that registration")
    add.add_argument("--redirect-uri", metavar="URL", help="redirect URI of that registration")
    add.add_argument("--scopes", nargs="+", metavar="SCOPE", help="scopes to ask for")
    add.add_argument("--base-url", metavar="URL", help="URL that relative URLs are joined to")
    origins = add.add_argument("--api-origin", dest="api_origins", nargs="+", metavar="URL")
    origins.help = "origins its tokens may go to"
    add.add_argument("--replace", action="store_true", help="forget what that name meant before")
    endpoints = add.add_argument_group("endpoints of a provider that publishes no metadata")
    for name, says in ENDPOINTS.items():
        endpoints.add_argument(f"--{name.replace('_', '-')}", metavar="URL", help=says)


def _add_set(verb: Parser) -> None:
    verb.add_argument(
        "--set",
        action="append",
        metavar="NAME=VALUE",
        type=_assignment,
        help="a value the built-in provider needs, as in host=git.acme.example",
    )


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value


def add_verb(
    verbs: Any, verb: str, says: str, *, name: str | None = "", key: bool = True
) -> Parser:
    """Add a verb with NAME (``"?"``: optional, None: it has none) and ``--key``."""
    description = f"{says[:1].upper()}{says[1:]}."
    added: Parser = verbs.add_parser(verb, help=says, description=description)
    if name is not None:
        added.add_argument(
            "name", metavar="NAME", help="the provider, or an API's address", nargs=name or None
        )
    if key:
        added.add_argument("--key", default=DEFAULT_KEY, metavar="K", help="account label")
    return added


def add_resource(verb: Parser) -> None:
    """Add ``--resource`` to a verb."""
    words = "another of the provider's APIs, by its identifier"
    verb.add_argument("--resource", default="", metavar="URI", help=words)


def check_verb(prog: str, word: str, known: tuple[str, ...]) -> None:
    """Raise VerbUsageError, with the nearest verb, if ``word`` is not ``known``."""
    if word in known or word.startswith("-"):
        return
    near = difflib.get_close_matches(word, known, 1)
    hint = f"Did you mean `{prog} {near[0]}`?" if near else f"Available: {', '.join(known)}."
    raise VerbUsageError(f"There is no `{prog} {word}`. {hint}")


def fields_of(given: argparse.Namespace, ask: Callable[[str], str]) -> dict[str, Any]:
    """The provider's fields in the options of ``add``; ``ask`` prompts for its secret."""
    fields: dict[str, Any] = {name: getattr(given, name) for name in FIELDS}
    fields["set"] = dict(given.set or ())
    fields["endpoints"] = {name: url for name in ENDPOINTS if (url := getattr(given, name))}
    if given.client_secret:
        secret = ask(f"Client secret of {given.name}: ")
        if not secret:
            raise VerbUsageError("No client secret was given.")
        fields["client_secret"] = Secret(secret)
    return {name: value for name, value in fields.items() if value}
