"""Bitfount's staging environment: the provider is in providers.toml."""

from jupyter_auth import UserSession

session = UserSession("bitfount-staging", username="alice")
print(session.get("api/me").json()["username"], "at", session.get("api/me").url)
