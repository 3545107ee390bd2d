"""InsideView: what the plan has left, near a limit of calls that the licence names."""

from jupyter_auth import ClientSession, provider

insideview = provider("insideview", throttle={"limit": 5})
session = ClientSession(provider=insideview, session_key="reports")
for month in ("2026-08", "2026-09", "2026-10", "2026-11"):
    asked = {"period": "month", "start": month, "end": month}
    usage = session.get("admin/usage", params=asked).json()
    print(month, *(each["consumedCredits"] for each in usage["creditsForAccount"]))
