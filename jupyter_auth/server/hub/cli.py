"""``jupyter auth hub``: an administrator's commands, in the environment of the service."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from jupyter_auth.server.hub.environment import DATABASE, KEYS, PROVIDERS, SCOPE

if TYPE_CHECKING:
    from collections.abc import Sequence

PROG = "jupyter auth hub"
_SAYS = "An administrator's commands, in the environment of the service."
_EPILOG = f"""Run it where the service runs: it reads {DATABASE}, {KEYS} and {PROVIDERS},
and the JUPYTERHUB_ variables that the Hub gives the service."""


def main(arguments: Sequence[str]) -> int:
    """Run one verb. Exit status 0, or 1 if something is wrong.

    Raises:
        ModuleNotFoundError: the extra ``hub`` is not installed, which help does without.
    """
    given = _parser().parse_args(arguments)
    from jupyter_auth.server.hub.verbs import run

    return run(given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROG, description=_SAYS, epilog=_EPILOG)
    parser.add_argument("--config", help="the service's configuration file")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("rotate-keys", help=f"encrypt all records with the first of {KEYS}")
    _add_doctor(verbs.add_parser("doctor", help="roles, redirect URIs, keys, database, providers"))
    signing_out = verbs.add_parser(
        "sign-out", help="sign a user out of all accounts and revoke their tokens"
    )
    signing_out.add_argument("user", help="the name on the Hub")
    _add_accounts(verbs.add_parser("accounts", help="list users' accounts, never a token"))
    erasing = verbs.add_parser(
        "erase", help="sign a user out of all accounts and delete all records of that name"
    )
    erasing.add_argument("user", help="the name on the Hub")
    downgrading = verbs.add_parser(
        "downgrade-db", help="take the database back to the schema of an older version"
    )
    downgrading.add_argument("schema", type=int, choices=(1, 2), help="the older version's schema")
    return parser


def _add_accounts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", metavar="NAME", help="of this user alone; the name on the Hub")
    parser.add_argument("--provider", metavar="NAME", help="at this provider alone")
    parser.add_argument("--json", action="store_true", help="one JSON array; times in seconds, UTC")


def _add_doctor(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Check what could keep this Hub's users from signing in. Each provider receives two"
        " harmless requests; neither signs anyone in."
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--url", help="ask the service that runs at URL; the Hub's URL works too")
    where.add_argument(
        "--hub-config",
        metavar="FILE",
        help="check what hub_config added to this file; run it where the Hub is started",
    )
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        help=f"the Hub API token for --url, with the scope {SCOPE}; default:"
        " JUPYTERHUB_API_TOKEN, or a prompt",
    )
