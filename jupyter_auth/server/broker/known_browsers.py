"""Whether a browser is *tied* to this server: the one place where that is decided.

A login page is only a link: mallory can begin a login on a server of hers and have alice open it.
So a browser leaves for the provider by itself, and an account is stored without a question, only
where something that no other server can set says that this browser's person uses this server:

- it came to a login page from another page of this very origin, such as the person's own JupyterLab
  (``Sec-Fetch-Site`` is the browser's word, no page can forge it; our own pages, where a stranger's
  link leads to, send no ``Referer``), or
- its person has said yes once on the confirm page.

Either sets a cookie, signed with the server's secret and made out to the Jupyter user.

Under a Hub without subdomains all users' servers are one origin. There any of them can set any
cookie, also one that it got itself, so that cookie only spares the click before leaving, coming
from that origin says nothing, and each account is stored by a click alone.
"""

from __future__ import annotations

import getpass
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_auth.core.login.logins import LIFETIME
from jupyter_auth.core.login.openings import digest
from jupyter_auth.server.broker.page_urls import PREFIX
from jupyter_auth.server.broker.redirect_uri import separate_hub_origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tornado.httputil import HTTPServerRequest


class PageRequest(Protocol):
    """What is asked of a page's handler here: tornado's, which knows its user."""

    request: HTTPServerRequest

    @property
    def user(self) -> str:
        """Who is logged in."""

    @property
    def base_url(self) -> str:
        """Where the server is, with a slash at the end."""

    def get_cookie(self, name: str) -> str | None:
        """One that the browser sent."""

    def set_cookie(self, name: str, value: str, **attributes: Any) -> None:
        """One for the browser."""

    def get_signed_cookie(self, name: str, *, max_age_days: float) -> bytes | None:
        """One that this server signed."""

    def set_signed_cookie(self, name: str, value: str, **attributes: Any) -> None:
        """One that this server signs."""


DAYS = 365  # that a browser stays tied


def os_user() -> str:
    """Who runs this process; empty where the system has no name for that."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's number alone
        return ""


@dataclass(frozen=True, kw_only=True)
class KnownBrowsers:
    """How a server knows the browsers of its person.

    ``owner`` is whose server or Hub account it is. ``one_origin``: other people's servers are at
    its origin too. ``host_only``: it has an https host to itself, below one of other people.
    ``confirm`` is ``c.JupyterAuth.confirm``: always, never, or None.
    """

    owner: str = ""
    on_hub: bool = False
    one_origin: bool = False
    host_only: bool = False
    confirm: bool | None = None

    @classmethod
    def of_server(
        cls, hub_user: str, environ: Mapping[str, str], *, confirm: bool | None
    ) -> KnownBrowsers:
        """Those of a person's server, or under a Hub of what serves ``hub_user`` there."""
        if not hub_user:
            return cls(owner=os_user(), confirm=confirm)
        host = separate_hub_origin(environ)
        return cls(
            owner=hub_user,
            on_hub=True,
            one_origin=not host,
            host_only=host.startswith("https:"),
            confirm=confirm,
        )

    def cookie(self, name: str, path: str) -> tuple[str, str]:
        """Name and path of one for ``path``, which no other host can set where that can be."""
        return (f"__Host-{name}", "/") if self.host_only else (name, path)

    def may_leave(self, page: PageRequest, *, secure: bool) -> bool:
        """Whether this browser may leave by itself; ties one that came from the server's pages.

        ``secure``: as in ``remember``.
        """
        headers = page.request.headers
        own = headers.get("Sec-Fetch-Site") == "same-origin" and "Referer" in headers
        if own and not self._always:
            self.remember(page, secure=secure)
            return True
        return self._known(page)

    def must_ask(self, page: PageRequest) -> bool:
        """Whether nothing may be stored for this browser before its person said yes."""
        return self._always or not self._known(page)

    def remember(self, page: PageRequest, *, secure: bool) -> None:
        """From now on this browser is known. ``secure``: its address is an https one."""
        name, path = self._cookie_of(page)
        page.set_signed_cookie(
            name,
            page.user,
            expires_days=DAYS,
            path=path,
            httponly=True,
            samesite="Lax",
            secure=secure or self.host_only,
        )

    @property
    def _always(self) -> bool:
        return self.one_origin if self.confirm is None else self.confirm

    def _known(self, page: PageRequest) -> bool:
        name, _ = self._cookie_of(page)
        value = page.get_signed_cookie(name, max_age_days=DAYS)
        return self.confirm is False or value == page.user.encode()

    def _cookie_of(self, page: PageRequest) -> tuple[str, str]:
        """Cookies of several servers on one host are in one jar, whatever their ports."""
        place = digest(f"{page.request.host}{page.base_url}")[:16]
        return self.cookie(f"jupyter-auth-tied-{place}", f"{page.base_url}{PREFIX}")


class BrowserProof:
    """What the browser that signed in at the provider has, and no other: it alone may say yes.

    A random cookie for one login's page. Only its digest is written down, and the page that asks
    shows another one, which comes back with the yes: a script elsewhere at this origin can send
    that cookie, but neither read it nor fetch the page. A service worker for the whole origin can
    change the page itself, and press Yes unseen: see "A shared origin" in SECURITY.md.
    """

    def __init__(self, value: str | None = None) -> None:
        self._value = value or secrets.token_urlsafe(32)

    @classmethod
    def of(cls, page: PageRequest, login_id: str) -> BrowserProof | None:
        """The one that this browser has for that login."""
        value = page.get_cookie(_cookie(login_id))
        return cls(value) if value else None

    @property
    def digest(self) -> str:
        """How the login knows it."""
        return digest(self._value)

    @property
    def shown(self) -> str:
        """What stands on the page."""
        return digest(f"shown {self._value}")

    def reveal(self) -> str:
        """Itself: for the engine."""
        return self._value

    def give(self, page: PageRequest, login_id: str, path: str, *, secure: bool) -> None:
        """Put it into the browser, for the page at ``path``."""
        page.set_cookie(
            _cookie(login_id),
            self._value,
            path=path,
            max_age=int(LIFETIME),
            httponly=True,
            samesite="Lax",
            secure=secure,
        )


def _cookie(login_id: str) -> str:
    return f"jupyter-auth-yes-{digest(login_id)[:16]}"
