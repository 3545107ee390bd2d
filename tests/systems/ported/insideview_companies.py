"""InsideView: companies by their names, for as long as the API takes calls."""

import os
import sys

from jupyter_auth import ClientSession, Throttled

session = ClientSession(
    os.environ["INSIDEVIEW_ID"], os.environ["INSIDEVIEW_SECRET"], provider="insideview"
)
for name in sys.argv[1:]:
    try:
        answer = session.get("https://api.insideview.com/api/v1/companies", params={"name": name})
    except Throttled as error:
        print("Not before", error.retry_at)
        break
    if answer.status_code == 429:
        print("Too many calls:", answer.json()["message"])
    else:
        print([company["name"] for company in answer.json()["companies"]])
