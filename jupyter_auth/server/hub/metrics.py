"""The service's metrics, for Prometheus. No label holds a user's name."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

TOKENS = Counter("jupyter_auth_tokens", "Calls for a token, by outcome", ["outcome"])
LOGINS = Counter("jupyter_auth_logins", "Sign-ins that came back, by outcome", ["outcome"])
LOGOUTS = Counter("jupyter_auth_logouts", "Accounts signed out")
SWEPT = Counter("jupyter_auth_swept_users", "Deleted users whose records were dropped")
UNUSED = Counter("jupyter_auth_unused_accounts", "Accounts ended because they were not used")
REVOCATIONS = Gauge("jupyter_auth_revocations", "Accounts to be revoked, when last counted")
ACCOUNTS = Gauge("jupyter_auth_accounts", "Accounts in the database, when last counted")
UNSAVED = Gauge("jupyter_auth_unsaved_users", "Users with tokens in memory only")
