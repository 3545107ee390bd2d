"""4insight, from a terminal: the names of all campaigns, page by page."""

from jupyter_auth import UserSession

session = UserSession("4insight")
for response in session.get_pages("https://api.4insight.io/v1.0/Campaigns", params={"$top": 1}):
    response.raise_for_status()
    for campaign in response.json()["value"]:
        print("campaign", campaign)
