"""Insiders, "Resource Owner Password Credentials", with credentials out of a vault."""

import json
import os
from pathlib import Path

from jupyter_auth import UserSession, provider

vault = json.loads(Path(os.environ["VAULT"]).read_text())
insiders = provider(
    "insiders",
    client_id=vault["client_id"],
    client_secret=vault["client_secret"],
    grants=["password"],
)
session = UserSession(insiders, username=vault["username"], password=lambda: vault["password"])
devices_list = session.get("devices/", params={"current": True}).json()
print(session.username, "owns", devices_list["count"])
print(session.logout())
