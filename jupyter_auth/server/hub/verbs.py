"""The verbs of ``jupyter auth hub``."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from typing import TYPE_CHECKING

from jupyter_auth.core.common.finding import wrong
from jupyter_auth.core.errors import AuthError
from jupyter_auth.server.hub import audit
from jupyter_auth.server.hub.admin import records_of, sign_out
from jupyter_auth.server.hub.doctor.configuration_checks import check_hub_config
from jupyter_auth.server.hub.doctor.remote import ask_service, token
from jupyter_auth.server.hub.doctor.service_checks import examine
from jupyter_auth.server.hub.environment import KEYS
from jupyter_auth.server.hub.service import HubService
from jupyter_auth.server.hub.storage.every_account import every_account
from jupyter_auth.server.hub.storage.key_rotation import require_stopped
from jupyter_auth.server.hub.storage.sql_store import renew
from jupyter_auth.server.hub.storage.tables import records
from jupyter_auth.server.hub.users.listing import as_json, as_table

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterable

    from jupyter_auth.core.common.finding import Finding


def run(given: Namespace) -> int:
    """Run one verb. Exit status 0, or 1 if something is wrong."""
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
        return _VERBS[given.verb](service, given)
    finally:
        service.close()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _rotate_keys(service: HubService, _: Namespace) -> int:
    count = renew(service.database, service.cipher)
    _say(f"{count} records are encrypted with the first key. {KEYS} no longer needs the others.")
    return 0


def _downgrade(service: HubService, given: Namespace) -> int:
    require_stopped(service.database)
    service.database.downgrade(given.schema)
    _say(
        f"The database has schema {given.schema}. Now start the older version: this one would"
        " upgrade it again."
    )
    return 0


def _accounts(service: HubService, given: Namespace) -> int:
    only = [records.c.user_name == given.user] if given.user is not None else []
    found = every_account(service.database, service.cipher, *only)
    if given.provider is not None:
        found = (x for x in found if x.account and x.account.provider == given.provider)
    try:
        for line in as_json(found) if given.json else as_table(found):
            _say(line)
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _sign_out(service: HubService, given: Namespace) -> int:
    user, (revoked, left, waiting) = given.user, _signed_out(service, given.user)
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


def _erase(service: HubService, given: Namespace) -> int:
    user, before = given.user, records_of(service.database, given.user)
    if not before:
        _say(f"No records of a user {user!r} were found. Names are case-sensitive.")
        return 1
    _signed_out(service, user)
    waiting = sum(records_of(service.database, user).values())
    overwritten = service.database.overwrite_deleted()
    audit.log("erased by an administrator", user)
    by_kind = ", ".join(f"{count} ({kind})" for kind, count in sorted(before.items()))
    _say(f"Records of {user} that were found: {by_kind}. Left: {waiting}.")
    if waiting:
        _say(
            "Left are queued revocations, with the accounts that they are for, until their provider"
            " answers, for a week at most. To try now, run this again."
        )
    if not overwritten:
        _say("The database overwrites what was deleted by itself, later.")
    _say("Backups and the logs of the service, which name users, are yours to clear.")
    return 1 if waiting else 0


def _signed_out(service: HubService, user: str) -> tuple[int, int, int]:
    """Sign a user out, and say so: how many are revoked, cannot be, and are queued."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")  # to stderr
    logging.getLogger("jupyter_auth.audit").setLevel(logging.INFO)
    revocations, revoked, left = service.brokers.revocations, 0, 0
    for tried in sign_out(service.database, revocations, user):
        revoked += tried.revoked
        left += not tried.revoked and not tried.waits
        became = "revoked" if tried.revoked else "not revoked yet" if tried.waits else "not revoked"
        _say(f"{tried.provider or 'An account'}: {became}. {tried.note}".rstrip())
    return revoked, left, revocations.count(user)


def _doctor(service: HubService, _: Namespace) -> int:
    return _report(asyncio.run(examine(service)))


def _report(findings: Iterable[Finding]) -> int:
    healthy = True
    for each in findings:
        healthy &= each.state != "wrong"
        mark = {"ok": "✓", "note": "·", "wrong": "✗"}[each.state]
        _say(f"{mark} {each.about}: {each.says}")
        if each.advice:
            _say(f"    {each.advice}")
    return 0 if healthy else 1


_VERBS: dict[str, Callable[[HubService, Namespace], int]] = {
    "accounts": _accounts,
    "doctor": _doctor,
    "downgrade-db": _downgrade,
    "erase": _erase,
    "rotate-keys": _rotate_keys,
    "sign-out": _sign_out,
}
