"""What a browser sees of a login without a Jupyter server, and the link that it opens."""

from __future__ import annotations

import hmac
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.login.loopback.server import Page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from http import HTTPStatus

    from jupyter_auth.core.errors import AuthError
    from jupyter_auth.core.models import Login
    from jupyter_auth.core.provider.provider import Provider


@dataclass
class Link:
    """A link that starts a login, for the first browser that opens it."""

    login_id: str
    taken: bool = False
    cookies: dict[str, str] = field(default_factory=dict, repr=False)  # set in that browser

    def knows(self, cookies: Mapping[str, str]) -> bool:
        """Whether the cookies are those of the browser that opened it."""
        return any(
            hmac.compare_digest(cookies.get(name, "").encode(), value.encode())
            for name, value in self.cookies.items()
        )


def agreement(login: Login, provider: Provider, scopes: Sequence[str]) -> Page:
    """What an API's address led to, for a person to agree to before anything is sent there."""
    facts = {
        "API": provider.found_at or "",
        "Sign-in at": login.host,
        "Scopes": " ".join(scopes) or "none",
        "Requested by": login.notebook or Path(sys.argv[0]).name or "Python",
    }
    if login.session_key != DEFAULT_KEY:
        facts["Account"] = login.session_key
    return Page(
        f"Sign in to {provider.title}",
        f"{provider.title} says that {login.host} signs people in to it. Continue only if you"
        " know both.",
        facts=facts,
        button=f"Continue to {login.host}",
    )


def error_page(problem: AuthError, status: HTTPStatus) -> Page:
    """What went wrong, and what to do."""
    return Page(problem.message, problem.hint, status)
