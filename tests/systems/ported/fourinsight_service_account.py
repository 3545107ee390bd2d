"""4insight, at night: the credentials of the service account are in the job's environment."""

from jupyter_auth import ClientSession

session = ClientSession(provider="4insight")
print(session.get("https://api.4insight.io/v1.0/Campaigns").json()["value"])
