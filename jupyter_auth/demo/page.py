"""The demo provider's authorization endpoint: the only page of it that a person sees.

It is a page of the Jupyter server, behind Jupyter's own login, so it works wherever the server
does. The choice is passed to the provider in this process; of its response only a redirect to this
server's own callback is passed on.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from tornado import web

from jupyter_auth.demo.people import PEOPLE
from jupyter_auth.server.broker.redirect.uri import checked_origin
from jupyter_auth.server.browser import render
from jupyter_auth.server.browser.base_handler import may
from jupyter_auth.server.browser.page_handler import SEE_OTHER, PageHandler

if TYPE_CHECKING:
    from jupyter_auth.demo.provider import DemoProvider
    from jupyter_auth.server.broker.broker import Broker

NAME = "demo"
PATH = "jupyter-auth-demo/authorize"
BAD_REQUEST = 400


class AuthorizationPage(PageHandler):
    """RFC 6749 3.1: asks who to sign in as, and redirects."""

    provider: DemoProvider

    def initialize(self, broker: Broker, provider: DemoProvider) -> None:  # type: ignore[override]
        """Called with what the route table has."""
        super().initialize(broker)
        self.provider = provider

    @property
    def content_security_policy(self) -> str:
        """As on other pages, but this one has a form."""
        return super().content_security_policy.replace("form-action 'none'", "form-action 'self'")

    def set_default_headers(self) -> None:
        """With ``no-referrer`` a form's ``Origin`` would be ``null``, which Jupyter refuses."""
        super().set_default_headers()
        self.set_header("Referrer-Policy", "same-origin")

    @web.authenticated
    @may("read")
    def get(self) -> None:
        """Ask who to sign in as."""
        self._require_own_callback()
        if not self.provider.acceptable(self.request.query):
            raise web.HTTPError(BAD_REQUEST, "The demo provider cannot use this request")
        self.finish(
            _template().render(
                base_url=self.base_url,
                static=functools.partial(_static, self.base_url),
                people=PEOPLE,
                xsrf_token=self.xsrf_token.decode(),
            )
        )

    @web.authenticated
    @may("write")
    def post(self) -> None:
        """Take the choice. Jupyter has checked XSRF."""
        redirect_uri = self._require_own_callback()
        query = self.request.query
        chosen = self.get_body_argument("person", "")
        if not self.provider.acceptable(query):
            raise web.HTTPError(BAD_REQUEST, "The demo provider cannot use this request")
        if chosen in {person.sub for person in PEOPLE}:
            location = self.provider.grant(query, chosen)
        else:
            location = self.provider.deny(query)
        if location.partition("?")[0] != redirect_uri:
            raise web.HTTPError(BAD_REQUEST, "The demo provider does not redirect to this server")
        self.redirect(location, status=SEE_OTHER)

    def _require_own_callback(self) -> str:
        """The redirect URI, after checking that it is this server's callback."""
        given = parse_qs(self.request.query).get("redirect_uri", [])
        parts = urlsplit(given[0] if len(given) == 1 else "")
        origin = f"{parts.scheme}://{parts.netloc}"
        checked_origin(origin, self.request.host, self.broker.public_origin)
        own = f"{origin}{self.broker.callback_path(NAME)}"
        if given != [own]:
            raise web.HTTPError(BAD_REQUEST, "The demo provider only redirects to this server")
        return own


@functools.cache
def _template() -> Any:
    """With the layout and the style sheet of the server's own pages."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(__package__), PackageLoader(render.__package__)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("authorize.html")


def _static(base_url: str, name: str) -> str:
    extension = "jupyter_auth_demo" if name == "demo.css" else "jupyter_auth"
    return f"{base_url}static/{extension}/{name}"
