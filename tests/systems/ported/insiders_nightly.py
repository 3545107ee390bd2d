"""Insiders, "Resource Owner Password Credentials", at night: all it needs is in the environment."""

from jupyter_auth import UserSession

session = UserSession("insiders")
devices_list = session.get("devices/", params={"current": True}).json()
print(devices_list["owner"], "owns", devices_list["count"])
