"""What may be typed for a NAME or an option, in a notebook and in a shell."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.login.grants import ENDPOINT
from jupyter_auth.kernel.broker.connect import connect
from jupyter_auth.kernel.commands import verbs

if TYPE_CHECKING:
    from argparse import Action, Namespace

    from jupyter_auth.kernel.commands.verb_parser import Parser


def values_of(option: Action, name: str | None) -> list[str]:
    """The values of ``option`` at that provider, or the default one, as far as they are known."""
    if option.dest == "name":
        return verbs.provider_names()
    if option.dest == "preset":
        from jupyter_auth.core.provider.presets import PRESETS

        return sorted(PRESETS)
    if option.dest not in {"key", "grant"}:
        return []
    try:
        accounts = connect()
        provider = accounts.provider(name or verbs.named(None)).name
        if option.dest == "key":
            return [x.session_key for x in accounts.accounts() if x.provider == provider]
        return list(accounts.configuration(provider).grants or ENDPOINT)
    except AuthError:  # no such provider, or no broker
        return []


def complete_in_shell(parser: Parser) -> None:
    """Answer the shell that asks what may be typed, and exit; without argcomplete, nothing."""
    with suppress(ModuleNotFoundError):
        from argcomplete import autocomplete
        from argcomplete.completers import SuppressCompleter

        for verb in parser.verbs.values():
            for action in verb._actions:  # noqa: SLF001 (argparse has no other list of them)
                action.completer = _typed  # type: ignore[attr-defined]
        autocomplete(parser, always_complete_options=False, default_completer=SuppressCompleter())


def _typed(*, action: Action, parsed_args: Namespace, **_: Any) -> list[str]:
    name = getattr(parsed_args, "name", None)
    return values_of(action, name if isinstance(name, str) else None)
