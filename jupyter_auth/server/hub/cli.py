"""``jupyter auth hub``: an administrator's commands, in the environment of the service."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from typing import TYPE_CHECKING

from jupyter_auth.core.common.finding import wrong
from jupyter_auth.core.errors import AuthError
from jupyter_auth.server.hub.admin import sign_out
from jupyter_auth.server.hub.doctor.configuration_checks import check_hub_config
from jupyter_auth.server.hub.doctor.remote import ask_service, token
from jupyter_auth.server.hub.doctor.service_checks import SCOPE, examine
from jupyter_auth.server.hub.service import DATABASE, PROVIDERS, HubService
from jupyter_auth.server.hub.storage.encryption import VARIABLE as KEYS
from jupyter_auth.server.hub.storage.sql_store import renew

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jupyter_auth.core.common.finding import Finding

PROG = "jupyter auth hub"
_EPILOG = f"""Run it where the service runs: it reads {DATABASE}, {KEYS} and {PROVIDERS},
and the JUPYTERHUB_ variables that the Hub gives the service."""


def main(arguments: Sequence[str]) -> int:
    """Run one verb. Exit status 0, or 1 if something is wrong."""
    given = _parser().parse_args(arguments)
    if given.verb == "doctor" and given.url:
        return _report(ask_service(given.url, token(given.token_file)))
    if given.verb == "doctor" and given.hub_config:
        return _report(check_hub_config(given.hub_config))
    try:
        service = HubService(os.environ, given.config)
    except AuthError as error:
        if given.verb != "doctor":
            raise
        return _report([wrong("Service", error)])
    try:
        match given.verb:
            case "rotate-keys":
                return _rotate_keys(service)
            case "sign-out":
                return _sign_out(service, given.user)
            case _:
                return _report(asyncio.run(examine(service)))
    finally:
        service.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROG, description=__doc__, epilog=_EPILOG)
    parser.add_argument("--config", help="the service's configuration file")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("rotate-keys", help=f"encrypt all records with the first of {KEYS}")
    _add_doctor(verbs.add_parser("doctor", help="roles, redirect URIs, keys, database, providers"))
    signing_out = verbs.add_parser(
        "sign-out", help="sign a user out of all accounts and revoke their tokens"
    )
    signing_out.add_argument("user", help="the name on the Hub")
    return parser


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _rotate_keys(service: HubService) -> int:
    count = renew(service.database, service.cipher)
    _say(f"{count} records are encrypted with the first key. {KEYS} no longer needs the others.")
    return 0


def _sign_out(service: HubService, user: str) -> int:
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")  # to stderr
    logging.getLogger("jupyter_auth.audit").setLevel(logging.INFO)
    revocations, revoked, left = service.brokers.revocations, 0, 0
    for tried in sign_out(service.database, revocations, user):
        revoked += tried.revoked
        left += not tried.revoked and not tried.waits
        became = "revoked" if tried.revoked else "not revoked yet" if tried.waits else "not revoked"
        _say(f"{tried.provider or 'An account'}: {became}. {tried.note}".rstrip())
    waiting = revocations.count(user)
    if not (total := revoked + left + waiting):
        _say(f"No accounts of a user {user!r} were found. Names are case-sensitive.")
        return 1
    _say(
        f"Accounts of {user} that are signed out: {total}. At their providers {revoked} are"
        f" revoked, {left} can't be, {waiting} are queued."
    )
    if waiting:
        _say("The service keeps trying for a week and logs the result. To try now, run this again.")
    return 1 if waiting else 0


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


def _report(findings: Iterable[Finding]) -> int:
    healthy = True
    for each in findings:
        healthy &= each.state != "wrong"
        mark = {"ok": "✓", "note": "·", "wrong": "✗"}[each.state]
        _say(f"{mark} {each.about}: {each.says}")
        if each.advice:
            _say(f"    {each.advice}")
    return 0 if healthy else 1
