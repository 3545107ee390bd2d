"""``jupyter auth hub``: what an administrator does, in the environment of the service."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from typing import TYPE_CHECKING

from jupyter_auth.core.checkup import checkup
from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.findings import Finding, wrong
from jupyter_auth.server.hub import DATABASE, PROVIDERS, Service
from jupyter_auth.server.hub_admin import sign_out
from jupyter_auth.server.hub_people import People
from jupyter_auth.server.places import PREFIX
from jupyter_auth.server.sqlstore import renew
from jupyter_auth.server.vault import VARIABLE as KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROG = "jupyter auth hub"
_EPILOG = f"""Run it where the service runs: it reads {DATABASE}, {KEYS} and {PROVIDERS},
and the JUPYTERHUB_ variables that the Hub gives the service."""


def main(arguments: Sequence[str]) -> int:
    """Run one verb. The exit status: 0, or 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog=PROG, description=__doc__, epilog=_EPILOG)
    parser.add_argument("--config", help="the service's configuration file")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("rotate-keys", help=f"encrypt all records with the first of {KEYS}")
    verbs.add_parser("doctor", help="roles, redirect URIs, keys, database, providers")
    signing_out = verbs.add_parser(
        "sign-out", help="forget all accounts of a user, and revoke them"
    )
    signing_out.add_argument("user", help="the name on the Hub")
    given = parser.parse_args(arguments)
    try:
        service = Service(os.environ, given.config)
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
                return _report(_findings(service))
    finally:
        service.brokers.close()
        service.database.close()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _rotate_keys(service: Service) -> int:
    count = renew(service.database, service.vault)
    _say(f"{count} records are encrypted with the first key. The others can go from {KEYS}.")
    return 0


def _sign_out(service: Service, user: str) -> int:
    revocations, revoked, left = service.brokers.revocations, 0, 0
    for tried in sign_out(service.database, revocations, user):
        revoked += tried.revoked
        left += not tried.revoked and not tried.waits
        became = "revoked" if tried.revoked else "not revoked yet" if tried.waits else "not revoked"
        _say(f"{tried.provider or 'An account'}: {became}. {tried.note}".rstrip())
    waiting = revocations.count(user)
    if not (total := revoked + left + waiting):
        _say(f"No user called {user!r} has accounts here. Names are compared to the letter.")
        return 1
    _say(
        f"Accounts of {user} that are signed out: {total}. At their providers {revoked} are"
        f" revoked, {left} can't be, {waiting} are queued."
    )
    if waiting:
        _say("The service goes on trying for a week, and says so in its log. Or run this again.")
    return 1 if waiting else 0


def _findings(service: Service) -> Iterator[Finding]:
    yield Finding(about="Database", says="It answers, with the schema of this version.")
    yield Finding(about="Keys", says="They open all that the database holds.")
    try:
        asyncio.run(_ask_hub(service))
        yield Finding(about="Hub", says="It answers, and the service's role has its scopes.")
    except AuthError as error:
        yield wrong("Hub", error)
    yield _origins(str(service.hub_auth.hub_host))
    for info in service.providers.all():
        provider = service.providers.get(info.name)
        path = f"{service.base_url}{PREFIX}callback/{info.name}"
        origin = service.brokers.public_origin or "<the Hub's origin>"
        uri = provider.redirect_uri or f"{origin}{path}"
        yield Finding(about=f"Redirect URI of {info.name}", says=f"Register {uri} there.")
        yield from checkup(provider, service.database.clock)


def _origins(hub_host: str) -> Finding:
    if hub_host:
        return Finding(about="Origins", says="Each user's server has a host of its own.")
    return Finding(
        about="Origins",
        says="All users' servers share one origin with the Hub and this service. A page of one"
        " user's server can act as another user whose browser opens it. The click that each sign-in"
        " waits for keeps out who only plants cookies or sends links: a page that runs there can"
        " press it unseen.",
        fix="Set c.JupyterHub.subdomain_host to an https address, with DNS and a certificate for"
        " all names below it.",
        state="note",
    )


async def _ask_hub(service: Service) -> None:
    await People(service.hub_auth).check_scopes()


def _report(findings: Iterator[Finding] | list[Finding]) -> int:
    healthy = True
    for each in findings:
        healthy &= each.state != "wrong"
        mark = {"ok": "✓", "note": "·", "wrong": "✗"}[each.state]
        _say(f"{mark} {each.about}: {each.says}")
        if each.fix:
            _say(f"    {each.fix}")
    return 0 if healthy else 1
