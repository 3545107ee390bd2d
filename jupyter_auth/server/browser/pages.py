"""The routes of all pages: a login, its callback, and why a callback failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_server.auth.decorator import allow_unauthenticated
from tornado import web

from jupyter_auth.server.browser import render
from jupyter_auth.server.browser.arrive_page import ArrivePage
from jupyter_auth.server.browser.callback_pages import CallbackPage, PastedURLPage
from jupyter_auth.server.browser.login_page import LoginPage
from jupyter_auth.server.browser.page_handler import PageHandler

if TYPE_CHECKING:
    from jupyter_auth.server.browser.base_handler import UIHandler


class ProblemPage(PageHandler):
    """Why a callback failed. Open to all, and static."""

    @allow_unauthenticated
    def get(self, reason: str = "signed-out") -> None:
        """Show the page."""
        if reason not in render.PROBLEMS:
            raise web.HTTPError(404, "No such page")
        self.show_outcome(render.PROBLEMS[reason])


ROUTES: list[tuple[str, type[UIHandler]]] = [
    (r"/jupyter-auth/login/([^/]+)", LoginPage),
    (r"/jupyter-auth/arrive/([^/]+)", ArrivePage),
    (r"/jupyter-auth/callback/([^/]+)", CallbackPage),
    (r"/jupyter-auth/callback/([^/]+)/redirected", PastedURLPage),
    (r"/jupyter-auth/signed-out", ProblemPage),
    (r"/jupyter-auth/problem/([a-z]+)", ProblemPage),
]
