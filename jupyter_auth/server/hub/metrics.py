"""The service's metrics, for Prometheus. No label holds a user's name.

A balancer sends each scrape to another replica. So counts are added up in the database, and every
replica shows the sum: see ``storage.counters``. What is of one replica alone has it as a label.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from jupyter_auth.core.common.override import override
from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.tokens.need import ANY, Need

if TYPE_CHECKING:
    from collections.abc import Collection

    from jupyter_auth.core.models import Token

SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

REGISTRY = CollectorRegistry()  # without what is of one process: Python's version, its memory
_ours: dict[str, Any] = {"registry": REGISTRY}
TOKENS = Counter("jupyter_auth_tokens", "Calls for a token, by outcome", ["outcome"], **_ours)
LOGINS = Counter("jupyter_auth_logins", "Sign-ins that ended, by outcome", ["outcome"], **_ours)
LOGOUTS = Counter("jupyter_auth_logouts", "Accounts signed out", **_ours)
SWEPT = Counter("jupyter_auth_swept_users", "Deleted users whose records were dropped", **_ours)
UNUSED = Counter("jupyter_auth_unused_accounts", "Accounts ended because not used", **_ours)
RENEWALS = Histogram(
    "jupyter_auth_renewal_seconds",
    "Seconds until a token that was not at hand was there, by outcome",
    ["provider", "outcome"],
    buckets=SECONDS,
    **_ours,
)
REVOCATIONS = Gauge("jupyter_auth_revocations", "Accounts to be revoked", **_ours)
ACCOUNTS = Gauge("jupyter_auth_accounts", "Accounts in the database", **_ours)
UNSAVED = Gauge(
    "jupyter_auth_unsaved_users", "Users with tokens in memory only", ["replica"], **_ours
)


class TimedEngine(Engine):
    """Observes how long renewals take, and how they end."""

    administered: Collection[str] = ()  # providers with a label of their own

    @override
    def token(self, provider: str, session_key: str = DEFAULT_KEY, need: Need = ANY) -> Token:
        begun, outcome = time.monotonic(), "ok"
        try:
            return super().token(provider, session_key, need)
        except AuthError as error:
            outcome = error.code
            raise
        finally:
            name = provider if provider in self.administered else "found by a user"
            RENEWALS.labels(name, outcome).observe(time.monotonic() - begun)
