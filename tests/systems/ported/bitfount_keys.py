"""Bitfount, at night, with API keys out of the environment."""

from jupyter_auth import UserSession

session = UserSession("bitfount", username="alice")
keys = session.api_keys
print(session.username, "with", keys.access_key_id, keys.access_key)
print(session.get("https://hub.bitfount.com/api/me").status_code)
print(session.get("https://am.hub.bitfount.com/api/me").status_code)
