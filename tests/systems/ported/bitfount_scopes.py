"""Bitfount with a scope more than usual."""

import jupyter_auth

SCOPES = "profile openid offline_access pods:read"
bitfount = jupyter_auth.provider("bitfount", scopes=SCOPES)
session = jupyter_auth.UserSession(bitfount, username="alice")
assert session.client_id == bitfount.client_id
print(session.get("api/me").json()["username"], "may", *session.scopes)
