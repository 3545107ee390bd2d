"""What people write in cells."""

from __future__ import annotations

MAGIC = "%load_ext jupyter_auth\n%auth login idp"
WIDGET = "from jupyter_auth import LoginWidget\nLoginWidget('idp')"
SESSION = "from jupyter_auth import UserSession\nsession = UserSession('idp')\nprint('goes on')"
SECOND_SESSION = "UserSession('idp', session_key='second')"
SECOND_SESSION_ALONE = f"from jupyter_auth import UserSession\n{SECOND_SESSION}"


def call(issuer: str) -> str:
    """A plain session, and what the protected API answers to it."""
    return (
        "from jupyter_auth import UserSession\n"
        "session = UserSession('idp')\n"
        f"answer = session.get('{issuer}/api/me')\n"
        "print(answer.status_code, answer.json()['username'])"
    )


def call_past_expiry(issuer: str) -> str:
    """One call after the other until the token that was the first has been dead for a second."""
    return (
        "import time\n"
        "end = session.access_token_expires_at.timestamp() + 1\n"
        "statuses = set()\n"
        "while time.time() <= end:\n"
        f"    statuses.add(session.get('{issuer}/api/me').status_code)\n"
        "    time.sleep(0.1)\n"
        "print('all of them', statuses)"
    )


def call_until_signed_out(issuer: str) -> str:
    """One call after the other; says when they came to an end, and how."""
    return (
        "import time\n"
        "from jupyter_auth import LoginRequired\n"
        "try:\n"
        "    while True:\n"
        f"        session.get('{issuer}/api/me').raise_for_status()\n"
        "        print('.', end='', flush=True)\n"
        "        time.sleep(0.05)\n"
        "except LoginRequired as error:\n"
        "    print('LoginRequired at', time.time())"
    )
