"""InsideView: a token for each client application; the mobile one's is given up."""

from jupyter_auth import ClientSession

web = ClientSession(provider="insideview", session_key="web")
mobile = ClientSession(provider="insideview", session_key="mobile")
print("two tokens:", web.access_token != mobile.access_token)
print("a year:", web.access_token_expires_at.strftime("%Y-%m-%d"))
print(mobile.logout().note)
print(web.get("company/736233").status_code)
