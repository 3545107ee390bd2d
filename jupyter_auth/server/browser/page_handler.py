"""What all pages share: HTML, errors, redirects without a query, and the yes of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_auth.core.errors import OUTCOMES, Outcome
from jupyter_auth.server.broker.known_browsers import BrowserProof
from jupyter_auth.server.broker.page_urls import PREFIX
from jupyter_auth.server.browser import render
from jupyter_auth.server.browser.base_handler import UIHandler
from jupyter_auth.server.http_errors import error_of, refuse

if TYPE_CHECKING:
    from jupyter_auth.core.models import Login

SEE_OTHER = 303


class PageHandler(UIHandler):
    """HTML, errors included."""

    def show(self, template: str, status: int = 200, **values: Any) -> None:
        """Finish with a page."""
        self.set_status(status)
        static_url = self.settings.get(
            "jupyter_auth_static", f"{self.base_url}static/jupyter_auth/"
        )
        home = self.settings.get("jupyter_auth_home", self.base_url)
        shown = {
            "own": f"{self.request.host} {self.broker.public_origin or ''}",
            "reached": urlsplit(self.guessed_origin()).netloc,
            "hub_user": self._hub_user,
        }
        self.finish(render.render(template, self.base_url, static_url, home, **shown, **values))

    @property
    def _hub_user(self) -> str:
        """Whose server it is on a Hub. Its service does not know that before someone signs in."""
        known = getattr(self.broker, "known_browsers", None)
        return known.owner if known and known.on_hub else ""

    def show_outcome(self, outcome: Outcome, status: int = 200, page: str = "problem") -> None:
        """Finish with a message only."""
        self.show("problem", status, outcome=outcome, hint=render.hint(outcome), page=page)

    def see_other(self, place: str) -> None:
        """Redirect to a page of ours without a query, so that the address bar has none either."""
        self.redirect(f"{self.base_url}{PREFIX}{place}", status=SEE_OTHER)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer an error as a page, or as JSON for its script, without any of the request."""
        error = error_of(status_code, kwargs.get("exc_info"))
        refuse(self, error, status_code)
        if self.request.method == "POST":
            self.finish(error.to_wire() | {"hint": render.hint(error)})
        else:
            title, tone = OUTCOMES["failed"].title, OUTCOMES["failed"].tone
            outcome = Outcome(title, error.message, tone, error.own_hint, error.next_step)
            self.show_outcome(outcome, self.get_status())


class ConfirmingPage(PageHandler):
    """A page whose account may have to wait for a yes."""

    def new_proof(self) -> BrowserProof | None:
        """A proof for ``hand_out``, or None if this browser is not asked."""
        return BrowserProof() if self.broker.known_browsers.must_ask(self) else None

    def hand_out(self, proof: BrowserProof | None, login: Login, origin: str) -> None:
        """Let only this browser say yes to the login's account."""
        if proof and login.status == "pending":
            path, secure = self.broker.login_path(login.id), origin.startswith("https:")
            proof.give(self, login.id, path, secure=secure)
