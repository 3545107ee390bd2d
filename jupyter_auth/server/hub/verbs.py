"""The verbs of ``jupyter auth hub``."""

from __future__ import annotations

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
from jupyter_auth.server.hub.doctor.service_checks import examine
from jupyter_auth.server.hub.environment import KEYS
from jupyter_auth.server.hub.service import HubService
from jupyter_auth.server.hub.storage.key_rotation import require_stopped
from jupyter_auth.server.hub.storage.sql_store import renew

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


def _sign_out(service: HubService, given: Namespace) -> int:
    user = given.user
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
    "doctor": _doctor,
    "downgrade-db": _downgrade,
    "rotate-keys": _rotate_keys,
    "sign-out": _sign_out,
}
