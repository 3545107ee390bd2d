"""4insight, at night, as a service account: a campaign is added, and all are counted."""

import os

from jupyter_auth import ClientSession

with ClientSession(
    os.environ["FOURINSIGHT_ID"], os.environ["FOURINSIGHT_SECRET"], provider="4insight"
) as session:
    session.post("v1.0/Campaigns", json={"name": "nightly"}).raise_for_status()
    pages = [answer.json()["value"] for answer in session.get_pages("v1.0/Campaigns")]
    print(sum(map(len, pages)), "campaigns")
