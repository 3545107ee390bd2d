"""Insiders, "Authorization Code": how many devices the person owns who allows it."""

from jupyter_auth import UserSession

session = UserSession("insiders")
n_devices = session.get("https://api.asi.swiss/api/v1/devices/", params={"current": True}).json()
print(f"You currently own {n_devices['count']} devices.")
