"""Whether a browser is *known* to this server: the one place where that is decided.

A login page is only a link: mallory can begin a login on a server of hers and have alice open it.
So a browser leaves for the provider without a click, and an account is stored without a question,
only if something that no other server can set shows that this browser's person uses this server:

- it came to a login page from another page of this origin, such as the person's own JupyterLab (no
  page can forge ``Sec-Fetch-Site``, and our own pages, where foreign links lead, send no
  ``Referer``), or
- its person has said yes once on the confirm page.

Either sets a cookie, signed with the server's secret and issued to the Jupyter user.

On a Hub without subdomains all users' servers are one origin. Any of them can set any cookie there,
including one that it was given itself. So the cookie only saves the click before leaving, coming
from that origin proves nothing, and each account is stored by a click only.
"""

from __future__ import annotations

import getpass
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_auth.core.login.logins import LIFETIME
from jupyter_auth.core.login.openings import digest
from jupyter_auth.server.broker.page_urls import PREFIX
from jupyter_auth.server.broker.redirect.uri import browser_origin, separate_hub_origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_server.base.handlers import JupyterHandler

DAYS = 365  # that a browser stays known


def os_user() -> str:
    """The user who runs this process; empty if the system has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user with a number only
        return ""


@dataclass(frozen=True, kw_only=True)
class KnownBrowsers:
    """How a server knows the browsers of its ``owner``.

    ``one_origin``: other users' servers share its origin. ``host_only``: it has a separate https
    host, beside other users' hosts. ``confirm`` is ``c.JupyterAuth.confirm``.
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
        """For a server of one person, or of ``hub_user`` on a Hub.

        A server that a Hub started without its sign-in, as Binder's are, shares the origin too.
        """
        host = separate_hub_origin(environ)
        if not hub_user:
            beside = "JUPYTERHUB_SERVICE_PREFIX" in environ and not host
            return cls(owner=os_user(), one_origin=beside, confirm=confirm)
        return cls(
            owner=hub_user,
            on_hub=True,
            one_origin=not host,
            host_only=host.startswith("https:"),
            confirm=confirm,
        )

    def cookie(self, name: str, path: str) -> tuple[str, str]:
        """Name and path of a cookie for ``path``, which other hosts cannot set if possible."""
        return (f"__Host-{name}", "/") if self.host_only else (name, path)

    def may_leave(self, page: JupyterHandler, *, secure: bool) -> bool:
        """Whether it may leave without a click; remembers one that came from our own pages."""
        headers = page.request.headers
        own = headers.get("Sec-Fetch-Site") == "same-origin" and "Referer" in headers
        if own and not self._always:
            self.remember(page, secure=secure)
            return True
        return self._known(page)

    def may_arrive(self, page: JupyterHandler, *, secure: bool) -> bool:
        """Whether it may leave for a silent sign-in, which any page can open at any time.

        On a Hub the browser's person is the owner in any case, and the provider asks them nothing;
        what comes back is confirmed as always, or is certain to be theirs.
        """
        headers, host = page.request.headers, page.request.host
        site = headers.get("Sec-Fetch-Site")
        if site == "cross-site" or (site is None and browser_origin(headers, host) is None):
            return False
        return self.may_leave(page, secure=secure) or self.on_hub

    def must_ask(self, page: JupyterHandler) -> bool:
        """Whether an account of this browser is stored only after a yes."""
        return self._always or not self._known(page)

    def remember(self, page: JupyterHandler, *, secure: bool) -> None:
        """Make this browser known. ``secure``: its URL is an https one."""
        name, path = self._cookie_of(page)
        page.set_signed_cookie(
            name,
            page.current_user.username,
            expires_days=DAYS,
            path=path,
            httponly=True,
            samesite="Lax",
            secure=secure or self.host_only,
        )

    @property
    def _always(self) -> bool:
        return self.one_origin if self.confirm is None else self.confirm

    def _known(self, page: JupyterHandler) -> bool:
        name, _ = self._cookie_of(page)
        value = page.get_signed_cookie(name, max_age_days=DAYS)
        return self.confirm is False or value == page.current_user.username.encode()

    def _cookie_of(self, page: JupyterHandler) -> tuple[str, str]:
        """Name and path, distinct for each server of a host: browsers ignore the port."""
        place = digest(f"{page.request.host}{page.base_url}")[:16]
        return self.cookie(f"jupyter-auth-tied-{place}", f"{page.base_url}{PREFIX}")


class BrowserProof:
    """A random cookie for one login's page, by which only that browser may say yes.

    Only its digest is stored, and the page that asks shows another digest, which comes back with
    the yes: a script elsewhere at this origin can send that cookie, but neither read it nor fetch
    the page. A service worker for the whole origin can change the page itself, and press Yes
    unseen: see "A shared origin" in SECURITY.md.
    """

    def __init__(self, value: str | None = None) -> None:
        self._value = value or secrets.token_urlsafe(32)

    @classmethod
    def of(cls, page: JupyterHandler, login_id: str) -> BrowserProof | None:
        """The proof that this browser has for that login, if any."""
        value = page.get_cookie(_cookie(login_id))
        return cls(value) if value else None

    @property
    def digest(self) -> str:
        """What the login stores of it."""
        return digest(self._value)

    @property
    def shown(self) -> str:
        """What the page shows."""
        return digest(f"shown {self._value}")

    def reveal(self) -> str:
        """The cookie's value: for the engine."""
        return self._value

    def give(self, page: JupyterHandler, login_id: str, path: str, *, secure: bool) -> None:
        """Set the cookie, for the page at ``path``."""
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
