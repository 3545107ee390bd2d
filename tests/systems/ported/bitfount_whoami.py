"""Bitfount, as whoever the command line names: what the hub and the access manager say of them."""

import sys

from jupyter_auth import UserSession

session = UserSession("bitfount", username=sys.argv[1])
session.authenticate()  # as before; the constructor has done it
assert session.authenticated
assert session.id_token
print(session.username, "until", session.access_token_expires_at.isoformat())
for url in ("https://hub.bitfount.com/api/me", "https://am.hub.bitfount.com/api/me"):
    response = session.get(url, timeout=30)
    response.raise_for_status()
    print(response.json()["username"])
