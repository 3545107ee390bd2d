"""What the service reads from its environment, by name, and what ``hub doctor`` must be allowed."""

from __future__ import annotations

DATABASE = "JUPYTER_AUTH_DATABASE_URL"
KEYS = "JUPYTER_AUTH_CRYPT_KEYS"
PROVIDERS = "JUPYTER_AUTH_PROVIDERS"
SCOPE = "admin:users"  # of a Hub API token
