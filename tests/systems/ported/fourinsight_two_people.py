"""4insight, two sign-ins side by side; the guest's is made anew each time, and not kept."""

from jupyter_auth import UserSession

mine = UserSession("4insight", session_key="my_unique_session_0")
guest = UserSession("4insight", session_key="my_unique_session_1", auth_force=True)
for session in (mine, guest):
    print(session.session_key, "reads", session.get("v1.0/me").json()["mail"])
guest.logout()
